"""In front of every path: who is it, was it meant for us, is it too much?"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ocs_ray.core.request_limits import TokenBuckets
from ocs_ray.core.web_origins import host_is_ours
from ocs_ray.gateway.access.bodies import BodyRefused, checked, header
from ocs_ray.gateway.access.body_budget import KNOWN_BYTES, UNKNOWN_BYTES, Budget
from ocs_ray.gateway.access.callers import Callers, Shown, shown_in
from ocs_ray.gateway.access.gate import Gate, address_of, payer_of
from ocs_ray.gateway.access.open_connections import TOO_MANY, StreamOverError, WatchedSocket, watched_stream
from ocs_ray.gateway.access.refusals import REALM, refusal
from ocs_ray.models.access import Caller
from ocs_ray.models.gateway_settings import GatewaySettings

SAFE: Final = ("GET", "HEAD", "OPTIONS")
API: Final = "/api/"
MESSAGES: Final = "/api/v1/messages/"
"""Where a POST may be a read: its body says."""
ALWAYS_OPEN: Final = ("/healthz", "/readyz")
Refused = tuple[int, str, dict[str, str]]
"""Status, what is wrong, further headers."""


class Guard:
    """Refuses what must not get further, and tells routes who calls.

    Args:
        app: the application behind it.
        settings: of the gateway.
        clock: seconds, never going back.
    """

    def __init__(self, app: ASGIApp, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        access = settings.access
        self._app, self._limits, self._clock = app, access.limits, clock
        self._callers = Callers(settings)
        self._gate = Gate(access.reads_open, access.allowed_origins)
        self._buckets = TokenBuckets(access.limits.requests_per_s, access.limits.burst)
        self._known, self._unknown = Budget(KNOWN_BYTES), Budget(UNKNOWN_BYTES)
        own = (socket.gethostname(), settings.host)
        self._names = frozenset(name.lower().rstrip(".") for name in (*own, *access.allowed_hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope["ocs.gate"], scope["ocs.caller"] = self._gate, Caller()
        refused, shown = self._shape_refused(scope), Shown()
        if refused is None and scope.get("method") != "OPTIONS" and scope["path"] not in ALWAYS_OPEN:
            shown = shown_in(scope["headers"], _query_with_token(scope))
            refused = await self._not_proven(scope, shown) or self._caller_refused(scope)
        if refused is not None:
            await _refuse(refused, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, shown, receive, send)
        elif scope["method"] in SAFE:
            with suppress(StreamOverError):
                await self._app(scope, receive, watched_stream(send, lambda: self._objection(scope, shown)))
        else:
            await self._with_body(scope, receive, send)

    async def _not_proven(self, scope: Scope, shown: Shown) -> Refused | None:
        """Put the caller into the scope. An address that shows many wrong signatures is not even listened to."""
        is_costly, tries = self._callers.is_costly(shown), f"signatures of {address_of(scope)}"
        if is_costly and (wait_s := self._buckets.take(tries, self._clock())):
            return _too_many(wait_s)
        caller = scope["ocs.caller"] = await self._callers.who(shown)
        if is_costly and caller.is_known:
            self._buckets.give_back(tries)
        return None

    async def _socket(self, scope: Scope, shown: Shown, receive: Receive, send: Send) -> None:
        watched = WatchedSocket(receive, send, lambda: self._objection(scope, shown), lambda: self._wait_s(scope))
        try:
            await self._app(scope, watched.receive, watched.send)
        finally:
            watched.end()

    async def _objection(self, scope: Scope, shown: Shown) -> str:
        """Why a connection that is open may not go on: its token is not valid any more. Empty when it may."""
        if not scope["ocs.caller"].is_known:
            return ""
        caller = await self._callers.who(shown)
        if caller.is_undecided:
            return ""  # the issuer is silent: that says nothing against him
        scope["ocs.caller"] = caller
        return "" if caller.is_welcome else caller.problem

    def _wait_s(self, scope: Scope) -> float:
        """Take a permit for one request; how long until there is one, in seconds."""
        return self._buckets.take(payer_of(scope), self._clock())

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller = scope["ocs.caller"]
        with (self._known if caller.is_welcome else self._unknown).open() as share:
            try:
                receive = await checked(scope, receive, self._limits, share, is_known=caller.is_welcome)
            except BodyRefused as body:
                headers = {"Connection": "close"} | ({"Retry-After": "1"} if body.status_code == 503 else {})
                await _refuse((body.status_code, str(body.detail), headers), scope, receive, send)
                return
            if caller.is_welcome:
                share.give_back()  # his answer may take hours, and it is he who is told when there is too much of it
            await self._app(scope, receive, send)

    def _shape_refused(self, scope: Scope) -> Refused | None:
        headers, limits = scope["headers"], self._limits
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.headers or size > limits.header_bytes:
            most = f"at most {limits.headers} of together {limits.header_bytes} bytes"
            return 431, f"there are {len(headers)} headers of together {size} bytes; {most}", {}
        hosts = [value for name, value in headers if name == b"host"]
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        if not host_is_ours(host, self._names, is_trusting=self._callers.trusts_everybody):
            return 421, f"this gateway is not called '{host[:100]}' (add it to gateway: access: allowed_hosts)", {}
        return None

    def _caller_refused(self, scope: Scope) -> Refused | None:
        caller: Caller = scope["ocs.caller"]
        if wait_s := self._wait_s(scope):
            return _too_many(wait_s)
        if caller.is_welcome or (self._gate.reads_open and not _changes(scope)):
            return None
        if caller.is_undecided:
            return 503, caller.problem, {"Retry-After": "5"}
        if caller.problem:
            return 401, caller.problem, {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
        return 401, "this needs a token (make one: ocs token create NAME --role ROLE)", {}


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    status, detail, headers = refused
    await refusal(scope["path"], status, detail, headers)(scope, receive, send)


def _too_many(wait_s: float) -> Refused:
    return 429, TOO_MANY, {"Retry-After": str(math.ceil(wait_s))}


def _changes(scope: Scope) -> bool:
    """Whether its method alone says that it changes something: then its body is not even read for somebody unknown."""
    if scope["type"] == "websocket" or scope["method"] in SAFE:
        return False
    return scope["path"].startswith(API) and not scope["path"].startswith(MESSAGES)


def _query_with_token(scope: Scope) -> bytes:
    """The query of requests a browser cannot give headers to: a WebSocket, a stream of events."""
    is_stream = scope["type"] == "websocket" or b"text/event-stream" in header(scope, b"accept")
    return scope["query_string"] if is_stream else b""
