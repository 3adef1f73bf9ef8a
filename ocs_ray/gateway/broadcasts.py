"""One look for all who follow the same thing: a thousand followers cost the observatory as much as one.

Each follower gets the newest value as soon as it took the last one, so a slow one misses some and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from contextlib import suppress
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Broadcast(Generic[T]):
    """What the followers of one thing share."""

    def __init__(self) -> None:
        self._latest: list[T] = []
        self.number, self.followers = 0, 0
        self.task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def latest(self) -> T:
        """What was told last."""
        return self._latest[0]

    @property
    def is_over(self) -> bool:
        """Nothing will be told any more."""
        return self.task is None or self.task.done()

    def publish(self, value: T) -> None:
        """Tell a value, unless it is what was told last."""
        if self._latest != [value]:
            self._latest, self.number = [value], self.number + 1
            self.wake()

    def wake(self) -> None:
        """Let everybody look who waits."""
        self._news.set()
        self._news = asyncio.Event()

    async def newer_than(self, number: int, within_s: float | None) -> int:
        """The number of a value above ``number``; ``number`` itself when it was the last, or none came in time.

        Raises:
            OcsError: it cannot be followed any more.
        """
        if self.number == number and not self.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._news.wait()
        if self.number == number and self.task is not None and self.task.done():
            failure = None if self.task.cancelled() else self.task.exception()
            if failure is not None:
                raise failure
        return self.number


class Broadcasts(Generic[K, T]):
    """Looks at things, at each once, for as long as anybody wants to know.

    Args:
        look: looks at one thing and publishes what it sees, until it is cancelled or there is no more to see.
    """

    def __init__(self, look: Callable[[K, Broadcast[T]], Coroutine[Any, Any, None]]) -> None:
        self._look = look
        self._broadcasts: dict[K, Broadcast[T]] = {}

    async def follow(self, key: K, quiet_s: float | None = None) -> AsyncGenerator[T | None, None]:
        """What is seen, now and whenever it changed; ends when there is no more to see.

        Args:
            key: which thing.
            quiet_s: None comes when nothing changed for so many seconds; without it never.

        Raises:
            OcsError: it is not there, or cannot be followed any more.
        """
        broadcast = self._broadcasts.get(key)
        if broadcast is None or broadcast.is_over:
            broadcast = self._begin(key)
        broadcast.followers += 1
        told = 0
        try:
            while True:
                newest = await broadcast.newer_than(told, quiet_s)
                if newest != told:
                    told = newest
                    yield broadcast.latest
                elif broadcast.is_over:
                    return
                else:
                    yield None
        finally:
            broadcast.followers -= 1
            if not broadcast.followers:
                await self._end(key, broadcast)

    def _begin(self, key: K) -> Broadcast[T]:
        broadcast = self._broadcasts[key] = Broadcast[T]()
        broadcast.task = asyncio.create_task(self._look(key, broadcast))
        broadcast.task.add_done_callback(lambda _: broadcast.wake())
        return broadcast

    async def _end(self, key: K, broadcast: Broadcast[T]) -> None:
        if self._broadcasts.get(key) is broadcast:
            del self._broadcasts[key]
        task, broadcast.task = broadcast.task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
