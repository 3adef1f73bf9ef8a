"""A WebSocket as ESW's clients use it: requests one after another, each answered with one frame or a stream of them.

Source: msocket; reference esw_sm 7.2, esw_sequencer 5.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from ocs_ray.errors import AccessError, BadInputError
from ocs_ray.gateway.esw.answers import DOMAIN_ERRORS, STREAM_OVER, domain_error, generic_error, malformed_text
from ocs_ray.models import wire

MOST_WAITING: Final = 16
"""Requests of one socket that may wait for the one before to be answered."""
OVER, MALFORMED, TOO_MANY, BROKEN = 1000, 1007, 1008, 1011
"""Codes a socket is closed with. Source: RFC 6455, 7.4.1."""

Frames = Callable[[str], AsyncGenerator[object, None]]


async def serve(socket: WebSocket, frames: Frames) -> None:
    """Accept a socket and answer it until it is closed.

    Args:
        frames: what a request is answered with.

    Raises:
        AccessError: the client may not ask that; the application's handler closes the socket.
    """
    await socket.accept()
    waiting: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
    reader = asyncio.create_task(_read(socket, waiting))
    writer = asyncio.create_task(_write(socket, waiting, frames))
    try:
        await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        code = reader.result() if reader.done() else writer.result()
    finally:
        for task in (reader, writer):
            task.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)
    if code is not None:
        with suppress(WebSocketDisconnect, RuntimeError):  # it is closed already
            await socket.close(code)


async def _read(socket: WebSocket, waiting: asyncio.Queue[str | None]) -> int | None:
    """Take requests, so that a client that leaves is noticed in the middle of a stream; the code to close with."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        try:
            waiting.put_nowait(message.get("text"))
        except asyncio.QueueFull:
            return TOO_MANY


async def _write(socket: WebSocket, waiting: asyncio.Queue[str | None], frames: Frames) -> int | None:
    """Answer one request after another; the code to close with."""
    while True:
        text = await waiting.get()
        try:
            if text is None:
                raise BadInputError("", "this is a binary message", "send JSON as text")
            async with aclosing(frames(text)) as stream:
                async for frame in stream:
                    if frame is STREAM_OVER:
                        return OVER
                    await socket.send_text(_shown(frame))
        except WebSocketDisconnect:
            return None
        except BadInputError as problem:
            await socket.send_text(
                wire.encode_text({"error_name": "BadRequest", "error_message": malformed_text(problem)})
            )
            return MALFORMED
        except AccessError:
            raise  # no failure of ours: the guard's own handler has the code for it
        except Exception as failure:
            await socket.send_text(wire.encode_text(generic_error(failure)))
            return BROKEN


def _shown(frame: Any) -> str:
    if isinstance(frame, str):
        return frame
    return wire.encode_text(domain_error(frame) if isinstance(frame, DOMAIN_ERRORS) else frame)
