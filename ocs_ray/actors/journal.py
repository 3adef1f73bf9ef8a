"""What happened to a sequencer, in order: giving the same events to a fresh core gives the same state."""

from __future__ import annotations

from collections import deque
from typing import Final

from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_events import Event

EVENTS_KEPT: Final = 500_000
"""Two events a step: enough for a night; the oldest go first."""


class Journal:
    """The events of one sequencer with their times, in memory.

    Args:
        first_version: what the sequencer's core was made with.
    """

    def __init__(self, first_version: int) -> None:
        self._first_version = first_version
        self._events: deque[tuple[Event, float]] = deque(maxlen=EVENTS_KEPT)
        self.append = self._events.append

    def __len__(self) -> int:
        return len(self._events)

    def replay(self) -> SequencerCore:
        """A core that went through all that is kept."""
        core = SequencerCore(self._first_version)
        for event, at in self._events:
            core.handle(event, at)
        return core
