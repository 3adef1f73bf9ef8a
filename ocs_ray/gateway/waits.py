"""Waiting for something on a client's behalf: for as long as he is there, and so many times at once.

An answer that takes hours costs the gateway and the component a place each. Who hangs up gives his back at once, and
nobody can have all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fastapi import FastAPI, Request, Response

from ocs_ray.gateway.access import payer_of
from ocs_ray.gateway.access.refusals import refusal

T = TypeVar("T")
GONE: Final = 499
"""Status, for the log, of a request whose client hung up. Source: nginx, 499."""
AGAIN_S: Final = 1
"""When a client that waits for too much may ask again, in seconds."""


class NotWaitedForError(Exception):
    """The wait ended before there was an answer; ``response`` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Waits:
    """The waits that go on, by caller.

    Args:
        most: of one caller at once.
    """

    def __init__(self, most: int) -> None:
        self._most, self._going_on = most, Counter[str]()

    async def hold(self, request: Request, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives; it is cancelled when the client hangs up.

        Raises:
            NotWaitedForError: he hung up, or waits for too much already.
        """
        who = payer_of(request.scope)
        if self._going_on[who] >= self._most:
            detail = f"{self._most} requests of this caller wait already: close some, or ask again in a moment"
            raise NotWaitedForError(refusal(request.url.path, 429, detail, {"Retry-After": str(AGAIN_S)}))
        self._going_on[who] += 1
        try:
            return await _while_there(request, work)
        finally:
            self._going_on[who] -= 1
            if not self._going_on[who]:
                del self._going_on[who]


def prepare(app: FastAPI, most: int) -> None:
    """Let the routes of ``app`` use ``held``; ``most`` is how many waits one caller may have."""
    app.state.ocs_waits = Waits(most)


async def held(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """See ``Waits.hold``.

    Raises:
        NotWaitedForError: the client hung up, or waits for too much already.
    """
    waits: Waits = request.app.state.ocs_waits
    return await waits.hold(request, work)


async def _while_there(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    done = asyncio.ensure_future(work())
    gone = asyncio.ensure_future(_hang_up(request))
    try:
        await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            return done.result()
        raise NotWaitedForError(Response(status_code=GONE))
    finally:
        done.cancel()
        gone.cancel()
        await asyncio.gather(done, gone, return_exceptions=True)


async def _hang_up(request: Request) -> None:
    """Return when the client leaves; what he still sends is passed over."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
