"""Answers that come later: a question is a number in the core and a future in the shell."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from ocs_ray.errors import UnreachableError

REQUESTS_KEPT: Final = 2000
"""Answered requests that are remembered for a repeat."""


@dataclass(eq=False, slots=True)
class _Request:
    """A request and those who wait for its answer: whoever gives up leaves the others, and a repeat, what they want.

    ``asyncio.shield`` does the same with two turns of the loop for one.
    """

    waiting: list[asyncio.Future[Any]] = field(default_factory=list[asyncio.Future[Any]])
    is_answered: bool = False
    reply: Any = None

    def answer(self, reply: object) -> None:
        if self.is_answered:
            return
        self.is_answered, self.reply = True, reply
        for asker in self.waiting:
            if not asker.done():
                asker.set_result(reply)
        self.waiting.clear()


class Questions:
    """Open questions of one shell. A thousand of them cost a thousand futures and no thread."""

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._asks: dict[str, int] = {}
        self._requests: dict[int, _Request] = {}

    def new(self) -> int:
        """Open a question; answer it with ``answer``, fetch the answer with ``wait``."""
        self._last += 1
        self._open[self._last] = asyncio.get_running_loop().create_future()
        return self._last

    def answer(self, ask: int, reply: object) -> None:
        """Answer a question; one nobody waits for any more is passed over."""
        future = self._open.get(ask)
        if future is not None and not future.done():
            future.set_result(reply)
        if (request := self._requests.get(ask)) is not None:
            request.answer(reply)

    async def wait(self, ask: int, timeout_s: float | None = None, name: str = "") -> Any:
        """The answer.

        Args:
            timeout_s: longest wait, in seconds; None waits as long as it takes.
            name: who is asked, for the message.

        Raises:
            UnreachableError: no answer within ``timeout_s``.
        """
        answer = self._open[ask]
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            if answer.done() and not answer.cancelled():  # it came while the loop was busy
                return answer.result()
            raise UnreachableError(
                name=name, reason=f"has no final response after {timeout_s:g} s", remedy="ask again with a longer limit"
            ) from None
        finally:
            del self._open[ask]

    def request(self, request_id: str) -> tuple[int, bool]:
        """The question a request stands for, and whether it is new; a repeat is the question it was at first."""
        if (known := self._asks.get(request_id)) is not None:
            return known, False
        self._last += 1
        self._asks[request_id] = self._last
        self._requests[self._last] = _Request()
        if len(self._asks) > REQUESTS_KEPT:
            self._forget_one()
        return self._last, True

    def _forget_one(self) -> None:
        """Forget the oldest request that was answered; one that waits for its answer is never forgotten."""
        for request_id, ask in self._asks.items():
            if self._requests[ask].is_answered:
                del self._asks[request_id], self._requests[ask]
                return

    async def reply(self, ask: int) -> Any:
        """The answer of a request, for the first asker and for every repeat."""
        request = self._requests[ask]
        if request.is_answered:
            return request.reply
        asker: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request.waiting.append(asker)
        return await asker
