"""In front of every path: who is it, was it meant for us, is it too much?"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ocs_ray.core.request_limits import TokenBuckets
from ocs_ray.core.web_origins import host_is_ours
from ocs_ray.gateway.access.bodies import BodyRefused, checked, header
from ocs_ray.gateway.access.body_budget import KNOWN_BYTES, UNKNOWN_BYTES, Budget
from ocs_ray.gateway.access.callers import Callers
from ocs_ray.gateway.access.gate import Gate
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
        refused = self._shape_refused(scope)
        if refused is None and scope.get("method") != "OPTIONS" and scope["path"] not in ALWAYS_OPEN:
            caller = await self._callers.who(scope["headers"], _query_with_token(scope))
            scope["ocs.caller"] = caller
            refused = self._caller_refused(scope, caller)
        if refused is None and scope["type"] == "http" and scope["method"] not in SAFE:
            await self._with_body(scope, receive, send)
        elif refused is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refused, scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller = scope["ocs.caller"]
        is_known = caller.is_known or caller.is_trusted
        with (self._known if is_known else self._unknown).open() as share:
            try:
                receive = await checked(scope, receive, self._limits, share, is_known=is_known)
            except BodyRefused as body:
                headers = {"Connection": "close"} | ({"Retry-After": "1"} if body.status_code == 503 else {})
                await _refuse((body.status_code, str(body.detail), headers), scope, receive, send)
                return
            if is_known:
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

    def _caller_refused(self, scope: Scope, caller: Caller) -> Refused | None:
        client = scope.get("client") or ("", 0)
        wait_s = self._buckets.take(
            f"token {caller.name}" if caller.is_known else f"address {client[0]}", self._clock()
        )
        if wait_s:
            return 429, "too many requests; wait a moment", {"Retry-After": str(math.ceil(wait_s))}
        if caller.is_known or caller.is_trusted or (self._gate.reads_open and not _changes(scope)):
            return None
        if caller.is_undecided:
            return 503, caller.problem, {"Retry-After": "5"}
        if caller.problem:
            return 401, caller.problem, {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
        return 401, "this needs a token (make one: ocs token create NAME --role ROLE)", {}


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    status, detail, headers = refused
    await refusal(scope["path"], status, detail, headers)(scope, receive, send)


def _changes(scope: Scope) -> bool:
    """Whether its method alone says that it changes something: then its body is not even read for somebody unknown."""
    if scope["type"] == "websocket" or scope["method"] in SAFE:
        return False
    return scope["path"].startswith(API) and not scope["path"].startswith(MESSAGES)


def _query_with_token(scope: Scope) -> bytes:
    """The query of requests a browser cannot give headers to: a WebSocket, a stream of events."""
    is_stream = scope["type"] == "websocket" or b"text/event-stream" in header(scope, b"accept")
    return scope["query_string"] if is_stream else b""
