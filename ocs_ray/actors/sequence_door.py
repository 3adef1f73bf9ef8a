"""From the script's strand to the sequence it runs in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ocs_ray.models.commands import SequenceCommand

Look = Callable[[], Coroutine[Any, Any, tuple[str, SequenceCommand] | None]]
Take = Callable[[str], Coroutine[Any, Any, bool]]


class SequenceDoor:
    """What ``next_if`` goes through: the strand asks, the home loop answers.

    Args:
        look: id and command of the next executable step; called at home.
        take: puts a step in flight beside the one that runs; called at home.
        home: the home loop.
    """

    def __init__(self, look: Look, take: Take, home: asyncio.AbstractEventLoop) -> None:
        self._look, self._take, self._home = look, take, home

    async def peek(self) -> tuple[str, SequenceCommand] | None:
        """Id and command of the next executable step."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._look(), self._home))

    async def take(self, step_id: str) -> bool:
        """Put exactly this step in flight beside the one that runs."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._take(step_id), self._home))
