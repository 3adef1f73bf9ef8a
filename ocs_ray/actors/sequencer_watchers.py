"""Subscribers of a sequencer: each asks for what changed since the version it knows, and waits for a change."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_view import SequencerView
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerSnapshot

AT_ONCE: Final = 4
"""So many are answered before other messages have their turn."""


class SequencerWatchers:
    """Those who wait for a change of one sequencer.

    Args:
        core: the sequencer.
    """

    def __init__(self, core: SequencerCore) -> None:
        self._core, self._view = core, SequencerView(core)
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._due: deque[asyncio.Future[None]] = deque()

    async def watch(self, after: int, timeout_s: float) -> SequencerDelta | SequencerSnapshot:
        """What changed after a version, as soon as something did; what there is after ``timeout_s`` seconds."""
        if self._core.log.version == after:
            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[change] = None
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(change, timeout_s)
            finally:  # its time is over, or its asker is gone
                self._waiting.pop(change, None)
        return self._view.since(after)

    def tell(self) -> None:
        """There is a new version."""
        if not self._waiting:  # most changes find nobody
            return
        is_telling = bool(self._due)
        self._due.extend(self._waiting)
        self._waiting.clear()
        if not is_telling:
            self._tell_some()

    def _tell_some(self) -> None:
        told = 0
        while self._due and told < AT_ONCE:
            change = self._due.popleft()
            if not change.done():  # else its time was over, or its asker is gone
                change.set_result(None)
                told += 1
        if self._due:
            asyncio.get_running_loop().call_soon(self._tell_some)
