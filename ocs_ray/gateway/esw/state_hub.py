"""One look at a sequencer for all who follow it: a thousand browsers cost the sequencer as much as one.

Each follower gets the newest state as soon as it took the last one, so a slow one misses some and holds up nobody.
ESW's stream is lossy too: a buffer of 16, the oldest dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from ocs_ray.gateway.esw.sequencer import state_response
from ocs_ray.models import wire
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.sequencer_service import Sequencer

MOST_BYTES_PER_S: Final = 50e6
"""What all followers of one sequencer together are sent, about: above it some states are left out, never the last."""


class _Broadcast:
    """What one sequencer's followers share."""

    def __init__(self) -> None:
        self.frame, self.number = "", 0
        self.followers = 0
        self.task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def publish(self, frame: str) -> None:
        """Tell a state, unless it is what was told last."""
        if frame != self.frame:
            self.frame, self.number = frame, self.number + 1
            self.wake()

    def wake(self) -> None:
        """Let everybody look who waits."""
        self._news.set()
        self._news = asyncio.Event()

    async def newer_than(self, number: int) -> int:
        """The number of a frame above ``number``, or of the last one of all.

        Raises:
            OcsError: the sequencer cannot be followed any more.
        """
        while self.number == number and self.task is not None and not self.task.done():
            await self._news.wait()
        if self.number == number and self.task is not None and (failure := self.task.exception()) is not None:
            raise failure
        return self.number


class StateHub:
    """Follows sequencers, each once, for as long as anybody wants to know.

    Args:
        port: the door to the observatory.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._broadcasts: dict[Prefix, _Broadcast] = {}

    async def follow(self, prefix: Prefix) -> AsyncGenerator[str, None]:
        """The sequencer's state as JSON, now and whenever it changed; ends when the sequencer shuts down.

        Raises:
            OcsError: the sequencer is not there, or died.
        """
        broadcast = self._broadcasts.get(prefix)
        if broadcast is None or broadcast.task is None or broadcast.task.done():
            broadcast = self._broadcasts[prefix] = _Broadcast()
            broadcast.task = asyncio.create_task(self._run(prefix, broadcast))
            broadcast.task.add_done_callback(lambda _: broadcast.wake())
        broadcast.followers += 1
        told = 0
        try:
            while (newest := await broadcast.newer_than(told)) != told:
                told = newest
                yield broadcast.frame
        finally:
            broadcast.followers -= 1
            if not broadcast.followers:
                await self._end(prefix, broadcast)

    async def _run(self, prefix: Prefix, broadcast: _Broadcast) -> None:
        async for seen in Sequencer.at(prefix, port=self._port).follow():
            broadcast.publish(wire.encode_text(state_response(seen)))
            await asyncio.sleep(broadcast.followers * len(broadcast.frame) / MOST_BYTES_PER_S)

    async def _end(self, prefix: Prefix, broadcast: _Broadcast) -> None:
        if self._broadcasts.get(prefix) is broadcast:
            del self._broadcasts[prefix]
        task, broadcast.task = broadcast.task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
