"""A request's body, no bigger and no deeper nested than it may be."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from ocs_ray.core.request_limits import nests_deeper
from ocs_ray.gateway.access.body_budget import Share
from ocs_ray.models.access_settings import LimitSettings

UPLOADS: Final = "/api/v1/packages"
"""Where script packages are sent, by POST: they may be bigger, and are not kept in memory here: the route looks at the
sender's role before it takes the first piece."""
INPUT: Final = re.compile(r"/api/v1/instances/[^/]+/input")
"""Where an instance's input is sent: bytes, whatever the Content-Type says, so they are not looked at."""
BODY_S: Final = 30.0
"""Longest a JSON body may take to come, in seconds."""
AT_ONCE: Final = 64 << 10
"""Bytes of JSON that are looked through in the event loop; more is left to a thread."""


class BodyRefused(HTTPException):
    """The body is too big, too deep or too slow, or there is no room for it."""


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of this name, empty when there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


async def checked(
    scope: Scope, receive: Receive, limits: LimitSettings, share: Share, *, is_known: bool = True
) -> Receive:
    """What the application receives from, instead of ``receive``.

    Args:
        share: of the budget for bodies; what is kept here is taken from it.
        is_known: whether the sender is; somebody nobody knows only reads, and what he asks is short.

    Raises:
        BodyRefused: the body is too big, too deep or too slow, or there is no room; later, from what is given back,
            when it is an upload.
    """
    is_upload = is_known and _is_upload(scope)
    most = limits.upload_bytes if is_upload else limits.body_bytes
    if not is_known:
        most = min(most, limits.unknown_body_bytes)
    told = header(scope, b"content-length")
    if told.isdigit() and len(told) < 20 and int(told) > most:
        raise _too_big(most, is_known=is_known)
    if is_upload:
        return _counting(receive, most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return _replay([message], receive)
                piece = message.get("body", b"")
                if len(body) + len(piece) > most:
                    raise _too_big(most, is_known=is_known)
                if not share.take(len(piece)):
                    raise BodyRefused(503, "too many bodies are being read; try again in a moment")
                body += piece
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise BodyRefused(408, f"the body did not come within {BODY_S:g} s") from None
    whole = bytes(body)
    if not is_input(scope["path"]):
        await _check_depth(whole, limits.json_depth)
    return _replay([{"type": "http.request", "body": whole, "more_body": False}], receive)


def is_input(path: str) -> bool:
    """Whether what comes at this path is an instance's input."""
    return INPUT.fullmatch(path) is not None


async def _check_depth(body: bytes, most: int) -> None:
    small = len(body) <= AT_ONCE
    if nests_deeper(body, most) if small else await asyncio.to_thread(nests_deeper, body, most):
        raise BodyRefused(400, f"the body is nested deeper than {most}")


def _is_upload(scope: Scope) -> bool:
    """Exactly the one: every other path's body is kept whole before its route can look at anything."""
    if scope["method"] != "POST" or scope["path"] != UPLOADS:
        return False
    return b"json" not in header(scope, b"content-type").lower()


def _too_big(most: int, *, is_known: bool = True) -> BodyRefused:
    more = "" if is_known else ", which is all without a valid token (make one: ocs token create NAME --role ROLE)"
    return BodyRefused(413, f"the body is bigger than {most} bytes{more}")


def _counting(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_big(most)
        return message

    return counted


def _replay(messages: list[Message], receive: Receive) -> Receive:
    async def replayed() -> Message:
        return messages.pop(0) if messages else await receive()

    return replayed
