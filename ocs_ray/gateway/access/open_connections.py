"""Connections that stay open: who has one is looked up again, and what he sends counts as a request each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from starlette.types import Message, Receive, Send

RECHECK_S: Final = 5.0
"""How long a token that was revoked, or has expired, keeps a connection that is open, in seconds."""
POLICY_VIOLATION: Final = 1008
"""Code a WebSocket is closed with when its caller may not. Source: RFC 6455, 7.4.1."""
TOO_MANY: Final = "too many requests; wait a moment"

Objection = Callable[[], Awaitable[str]]
"""Why a connection may not go on; empty when it may."""


class WatchedSocket:
    """A WebSocket whose application sees it close when its caller may not go on.

    Args:
        receive: of the server.
        send: of the server.
        objection: looks the caller up again.
        wait_s: takes a permit for one message; how long until there is one, in seconds.
    """

    def __init__(self, receive: Receive, send: Send, objection: Objection, wait_s: Callable[[], float]) -> None:
        self._receive, self._send, self._objection, self._wait_s = receive, send, objection, wait_s
        self._coming: asyncio.Future[Message] | None = None
        self._is_over = False

    async def receive(self) -> Message:
        """The next message; the end of the connection when its caller may not go on."""
        while not self._is_over:
            if self._coming is None:
                self._coming = asyncio.ensure_future(self._receive())
            await asyncio.wait({self._coming}, timeout=RECHECK_S)  # leaves it as it is, also when this is cancelled
            message = None
            if self._coming.done():
                message, self._coming = self._coming.result(), None
                if message["type"] != "websocket.receive":
                    return message
            problem = TOO_MANY if message is not None and self._wait_s() else await self._objection()
            if problem:
                await self._close(problem)
            elif message is not None:
                return message
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

    async def send(self, message: Message) -> None:
        """Send one; into the void when the connection is over."""
        if not self._is_over:
            await self._send(message)

    def end(self) -> None:
        """The application is done with it."""
        if self._coming is not None:
            self._coming.cancel()

    async def _close(self, problem: str) -> None:
        self._is_over = True
        with suppress(RuntimeError):  # the application has closed it already
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": problem[:100]})


class StreamOverError(Exception):
    """A stream of events was ended because its caller may not go on; it leaves the application as it is."""


def watched_stream(send: Send, objection: Objection) -> Send:
    """What an application sends to in place of ``send``; a stream of events ends when its caller may not go on.

    Raises:
        StreamOverError: from what is given back: the stream has been ended.
    """
    checked_at, is_stream = time.monotonic(), False

    async def watched(message: Message) -> None:
        nonlocal checked_at, is_stream
        if message["type"] == "http.response.start":
            is_stream = any(value.startswith(b"text/event-stream") for _, value in message.get("headers", ()))
        elif is_stream and time.monotonic() - checked_at >= RECHECK_S:
            if await objection():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise StreamOverError
            checked_at = time.monotonic()
        await send(message)

    return watched
