"""What a script may do to the sequence it runs in."""

from __future__ import annotations

from typing import Protocol

from ocs_ray.models.commands import SequenceCommand


class SequenceOperator(Protocol):
    """The sequencer as ``next_if`` needs it; called from the script's own thread."""

    async def peek(self) -> tuple[str, SequenceCommand] | None:
        """Id and command of the next executable step; None when paused, not running or nothing is pending."""
        ...

    async def take(self, step_id: str) -> bool:
        """Put exactly this step in flight beside the one that runs; False when it is no longer the next."""
        ...
