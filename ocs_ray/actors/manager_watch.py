"""The Sequence Manager looks around every second while it is idle; ``core.mode_watch`` says what to make of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ocs_ray.actors.manager_reading import Observatory
from ocs_ray.core.mode_watch import CONFIRM_S, ModeWatch, Sight
from ocs_ray.scripting.time_service import utc_time_now

EVERY_S: Final = 1.0
"""Pause between two looks, in seconds."""
SOON_S: Final = CONFIRM_S + 0.05
"""The same when a mode seems to be over, in seconds."""
LOOKS: Final = 3
"""How often an operation that needs the resources looks before it takes what it sees for settled."""

log = logging.getLogger("ocs.manager")


class Lookout:
    """Looks, and releases what modes that are over still hold.

    Args:
        seen: the observatory.
        watch: remembers and concludes.
        operations: how many operations were begun until now; None while one is in progress.
    """

    def __init__(self, seen: Observatory, watch: ModeWatch, operations: Callable[[], int | None]) -> None:
        self._seen, self._watch, self._operations = seen, watch, operations
        self._hands = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on."""
        self._task = asyncio.get_running_loop().create_task(self._look_for_ever())

    async def settle(self) -> None:
        """Look on behalf of an operation, once, and again as long as it is in doubt whether a mode is over."""
        for _ in range(LOOKS):
            await self._look(for_operation=True)
            if not self._watch.doubtful:
                return
            await asyncio.sleep(SOON_S)

    async def _look_for_ever(self) -> None:
        while True:
            if self._operations() is not None:
                try:
                    await self._look(for_operation=False)
                except Exception:  # it must go on looking whatever it was; the next look begins afresh
                    log.exception("the Sequence Manager could not look around")
            await asyncio.sleep(SOON_S if self._watch.doubtful else EVERY_S)

    async def _look(self, *, for_operation: bool) -> None:
        """One look: two calls, and a round of questions only when something changed."""
        began = self._operations()
        registered = self._seen.registered()
        sight = Sight(
            at_s=asyncio.get_running_loop().time(),
            time=utc_time_now(),
            alive=frozenset(registered.sequencers),
            held=frozenset(await self._seen.held()),
        )
        reports = await self._seen.components(registered) if self._watch.asks_components(sight) else {}
        async with self._hands:
            if not for_operation and self._operations() != began:
                return  # an operation began meanwhile: what was seen is none of the present any more
            for mode in self._watch.judge(sight, reports):
                log.warning("%s is over, its ESW sequencer is gone: its resources are released", mode)
                await self._seen.reservations.release(mode)
