"""From the script's strand to the sequence it runs in."""

from __future__ import annotations

import asyncio
from typing import Any

from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.models.commands import SequenceCommand


class SequenceDoor:
    """What ``next_if`` goes through: the strand asks, the home loop answers."""

    def __init__(self, core: SequencerCore, take: Any, home: asyncio.AbstractEventLoop) -> None:
        self._core, self._take, self._home = core, take, home

    async def peek(self) -> tuple[str, SequenceCommand] | None:
        """Id and command of the next executable step."""

        async def look() -> tuple[str, SequenceCommand] | None:
            step = self._core.peeked
            return None if step is None else (step.id, step.command)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(look(), self._home))

    async def take(self, step_id: str) -> bool:
        """Put exactly this step in flight beside the one that runs."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._take(step_id), self._home))
