"""The door to an observatory over HTTP: each message is one request to the gateway's ``/api/v1/messages``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import httpx

from ocs_ray.core.access_rules import is_read
from ocs_ray.core.waiting_messages import TAKES
from ocs_ray.errors import AccessError, BadInputError, ClusterError, LostReplyError, OcsError
from ocs_ray.models import typed_json, wire
from ocs_ray.models.message import Message

CONNECT_S: Final = 5.0
SPARE_S: Final = 5.0
"""How much longer than the gateway itself its answer is waited for, in seconds."""
PAUSE_S: Final = 0.2
"""Wait after a connection that broke, in seconds."""
LONGEST_PAUSE_S: Final = 5.0
DOOR: Final = "/api/v1/messages"
REMEDY: Final = "look whether the gateway runs: ocs status, on the cluster"
REPEATABLE: Final = ("request_id", "request", "sending")
"""Fields that make a repeat of a message take effect once."""
TAKEN: Final = "what it carried is gone: subscribe again, the latest event of each key comes first"
"""Remedy when the answer to a message is lost that nothing brings back."""


class HttpPort:
    """See ``ocs_ray.scripting.port.Port``.

    Args:
        url: of the gateway.
        token: shown as bearer token; empty for none.
        transport: of httpx, for tests.
        names_transport: the same for the calls that do not await.

    Raises:
        BadInputError: the URL is none.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        names_transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = _checked_url(url)
        self._transport, self._names_transport = transport, names_transport
        self._options: dict[str, Any] = {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "trust_env": urlsplit(self.url).hostname not in ("127.0.0.1", "::1", "localhost"),
            "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
        }
        # a connection belongs to the loop it was opened in; a program may run one loop after the other
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def check(self) -> None:
        """See whether it answers.

        Raises:
            ClusterError: nothing answers there, or it is no gateway of ours.
            AccessError: the token is not valid.
        """
        self.names()

    def names(self) -> list[str]:
        """Names of all components.

        Raises:
            ClusterError: the gateway or the cluster does not tell them.
            AccessError: reads need a token.
        """
        timeout = httpx.Timeout(CONNECT_S + SPARE_S, connect=CONNECT_S)
        try:
            with httpx.Client(transport=self._names_transport, timeout=timeout, **self._options) as client:
                response = client.get(DOOR)
        except httpx.HTTPError as failure:
            raise ClusterError(problem=f"{self.url} does not answer: {_text(failure)}", remedy=REMEDY) from None
        said = _json(response)
        names: Any = said.get("names") if response.is_success else None
        if not isinstance(names, list):
            raise _refusal(response, said) or ClusterError(
                problem=f"{self.url} is no gateway of ocs_ray: it answers {response.status_code}", remedy=REMEDY
            )
        return [str(name) for name in cast("list[object]", names)]

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a component and wait for the reply.

        Raises:
            UnreachableError: no such component, or it died.
            LostReplyError: no reply within ``timeout_s``, or the connection broke; a kind of UnreachableError.
            AccessError: the token does not allow it.
            OcsError: what the component itself raised.
        """
        if not isinstance(message, Message):
            raise TypeError(f"only messages go over HTTP, not {type(message).__name__}")
        content = wire.encode_text(message).encode()
        kind = getattr(message, "kind", "")
        again = (is_read(kind) and kind not in TAKES) or any(hasattr(message, field) for field in REPEATABLE)
        clock = asyncio.get_running_loop()
        deadline = clock.time() + timeout_s
        while True:
            left_s = max(deadline - clock.time(), 0.001)
            pause_s = PAUSE_S
            try:
                response = await self._send(name, content, left_s)
            except httpx.TimeoutException:
                raise _lost(name, f"did not answer within {timeout_s:g} s") from None
            except httpx.HTTPError as failure:
                # a connection that was refused has carried nothing, so anything may be sent once more
                if not (again or isinstance(failure, httpx.ConnectError)) or clock.time() + pause_s >= deadline:
                    remedy = TAKEN if kind in TAKES else REMEDY
                    raise _lost(name, f"gave no answer through {self.url}: {_text(failure)}", remedy) from None
            else:
                wait_s = _told_to_wait(response)
                if wait_s is None or clock.time() + wait_s >= deadline:
                    return _reply(name, response)
                pause_s = wait_s
            await asyncio.sleep(pause_s)

    async def aclose(self) -> None:
        """Close the connections of this event loop; the next call opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _send(self, name: str, content: bytes, timeout_s: float) -> httpx.Response:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx.AsyncClient(transport=self._transport, **self._options)
        timeout = httpx.Timeout(timeout_s + SPARE_S, connect=min(CONNECT_S, timeout_s + SPARE_S))
        return await client.post(
            f"{DOOR}/{quote(name, safe='')}",
            content=content,
            params={"timeout_s": f"{timeout_s:.3f}"},
            headers={"Content-Type": "application/json"},
            timeout=timeout,
        )


def _reply(name: str, response: httpx.Response) -> Any:
    said = _json(response)
    if response.is_success and "reply" in said:
        return typed_json.decode(said["reply"])
    reason = f"gave no answer: the gateway said {response.status_code}"
    raise _refusal(response, said) or _lost(name, reason)


def _refusal(response: httpx.Response, said: Mapping[str, Any]) -> OcsError | None:
    """The error a response stands for; None when it is none the gateway itself made."""
    if (known := typed_json.decode_error(said.get("error"))) is not None:
        return known
    detail = str(said.get("detail") or response.reason_phrase)
    match response.status_code:
        case 401 | 403 | 421 | 429:
            return AccessError(status=response.status_code, problem=detail, remedy="")
        case 400 | 408 | 413 | 415 | 422 | 431:
            return BadInputError("", detail, "")
        case _:
            return None


def _told_to_wait(response: httpx.Response) -> float | None:
    """Seconds after which the gateway wants to be asked again: it has done nothing yet."""
    told = response.headers.get("Retry-After", "")
    if response.status_code not in (429, 503) or not told.isdigit():
        return None
    return min(float(told), LONGEST_PAUSE_S)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        said: Any = json.loads(response.content)
    except ValueError:
        return {}
    return cast("Mapping[str, Any]", said) if isinstance(said, dict) else {}


def _lost(name: str, reason: str, remedy: str = REMEDY) -> LostReplyError:
    return LostReplyError(name=name, reason=reason, remedy=remedy)


def _text(failure: Exception) -> str:
    return str(failure) or type(failure).__name__


def _checked_url(url: str) -> str:
    parts = urlsplit(url.strip())
    try:
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        fits = False
    if not fits or parts.username is not None or parts.query or parts.fragment:
        raise BadInputError("", f"'{url}' is no URL of a gateway", "write it like http://127.0.0.1:8090")
    return url.strip().rstrip("/")
