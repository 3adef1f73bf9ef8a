"""How many runs and steps ended how, and how long steps took, since the sequencer was started."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

STEP_BOUNDS_S: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Upper bounds of the classes of step durations, in seconds; longer ones are in a last class."""


class RunTally:
    """Counters that only grow."""

    def __init__(self) -> None:
        self.runs: dict[str, int] = {}
        """Result of a run, ``Completed``, ``Error``, ``Cancelled``, -> how many."""
        self.steps = {True: [0] * (len(STEP_BOUNDS_S) + 1), False: [0] * (len(STEP_BOUNDS_S) + 1)}
        """Whether steps ended well -> how many in each class of duration."""
        self.seconds = {True: 0.0, False: 0.0}
        """Whether steps ended well -> how long they took together, in seconds."""

    def step_ended(self, duration_s: float, *, is_good: bool) -> None:
        """A step ended; a clock that was set back meanwhile makes no negative duration."""
        duration_s = max(0.0, duration_s)
        self.steps[is_good][bisect_left(STEP_BOUNDS_S, duration_s)] += 1
        self.seconds[is_good] += duration_s

    def run_ended(self, result: str) -> None:
        """A run ended."""
        self.runs[result] = self.runs.get(result, 0) + 1
