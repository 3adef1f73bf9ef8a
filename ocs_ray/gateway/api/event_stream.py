"""Server-sent events: each has an id, and who comes back with ``Last-Event-ID`` misses nothing.

Source: WHATWG HTML, server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from ocs_ray.errors import OcsError
from ocs_ray.gateway.api import problems
from ocs_ray.gateway.api.paging import number_of
from ocs_ray.models import wire

QUIET_S: Final = 10.0
"""How long nothing is said before a comment shows that the stream is alive, in seconds."""
STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
LAST: Final = "Last-Event-ID"
DOC: Final = {
    "parameters": [
        {
            "name": LAST,
            "in": "header",
            "required": False,
            "description": "Id of the last event that was seen: what came since is sent.",
            "schema": {"type": "string", "maxLength": 100},
        }
    ]
}


class Sent(NamedTuple):
    """One event.

    Args:
        id: to come back with; empty for one that is no place to come back to.
        data: values of ours.
    """

    id: str
    event: str
    data: object


QUIET: Final = Sent("", "", None)
"""Nothing happened: a comment is sent."""


def last_number(request: Request) -> int | None:
    """The number in ``Last-Event-ID``; None without one.

    Raises:
        Refusal: it is no id of ours.
    """
    said = request.headers.get(LAST, "").strip()
    return number_of(said) if said else None


def stream(events: AsyncGenerator[Sent, None]) -> Response:
    """The response that sends ``events``; an error in their midst is the last event."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_text(events), media_type="text/event-stream", headers=headers)


async def first_checked(events: AsyncGenerator[Sent, None]) -> Response:
    """The same, once the first event is there: an error before it is a response of its own, no event."""
    try:
        first = await anext(events)
    except StopAsyncIteration:
        return Response(status_code=204)  # tells a browser's EventSource not to come back

    async def whole() -> AsyncGenerator[Sent, None]:
        async with aclosing(events):
            yield first
            async for each in events:
                yield each

    return stream(whole())


async def _text(events: AsyncGenerator[Sent, None]) -> AsyncIterator[str]:
    async with aclosing(events):
        try:
            async for sent in events:
                yield _one(sent)
        except asyncio.CancelledError:
            raise
        except OcsError as failure:
            said = problems.of_error(failure).body
            yield f"event: problem\ndata: {bytes(said).decode()}\n\n"


def _one(sent: Sent) -> str:
    if sent is QUIET:
        return ": still here\n\n"
    id_line = f"id: {sent.id}\n" if sent.id else ""
    return f"{id_line}event: {sent.event}\ndata: {wire.encode_text(sent.data)}\n\n"
