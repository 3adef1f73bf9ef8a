"""What a device says about itself, kept for those who pull it. Source: csw PubSubBehavior.scala."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from ocs_ray.models.component_modes import CurrentStates, GetCurrentStates
from ocs_ray.models.events import CurrentState

STATES_KEPT: Final = 1000
"""Current states kept for those who did not pull them yet."""


class CurrentStateLog:
    """What a device said about itself."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[int, CurrentState]] = {}
        self._recent: deque[tuple[int, CurrentState]] = deque(maxlen=STATES_KEPT)
        self._last = 0
        self._came = asyncio.Event()

    def publish(self, state: CurrentState) -> None:
        """Keep a state and wake those who wait."""
        self._last += 1
        self._latest[state.state_name] = self._last, state
        self._recent.append((self._last, state))
        self._came.set()
        self._came = asyncio.Event()

    async def pull(self, wanted: GetCurrentStates) -> CurrentStates:
        """The states after ``wanted.after``; waits for the first."""
        if wanted.after is None:
            newest = sorted(self._latest.values(), key=lambda numbered: numbered[0])
            return self._answer(wanted.names, newest)
        try:
            async with asyncio.timeout(wanted.timeout_s):
                while not (answer := self._answer(wanted.names, self._since(wanted.after))).states:
                    await self._came.wait()
        except TimeoutError:
            return self._answer(wanted.names, ())
        return answer

    def _since(self, number: int) -> list[tuple[int, CurrentState]]:
        return [numbered for numbered in self._recent if numbered[0] > number]

    def _answer(self, names: tuple[str, ...], numbered: Iterable[tuple[int, CurrentState]]) -> CurrentStates:
        states = tuple(state for _, state in numbered if not names or state.state_name in names)
        return CurrentStates(states=states, last=self._last)
