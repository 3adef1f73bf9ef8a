"""Waits that a rehearsal can shorten."""

from __future__ import annotations

import asyncio


class TimeScale:
    """The time factor of a simulation: 1.0 is real time, 0.05 runs twenty times faster.

    Only waits go through it, never time limits: a limit that shrinks with the factor would fire for reasons
    that do not exist at night.
    """

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of observatory time."""
        await asyncio.sleep(seconds * self.factor)
