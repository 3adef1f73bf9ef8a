"""Steps of a sequence as clients see them. Source: esw Step.scala, StepStatus.scala; the times are ours."""

from __future__ import annotations

from enum import StrEnum

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.message import Message


class StepStatus(StrEnum):
    """Where a step stands. Cancelled is ours: a step an abort or stop kept from running."""

    PENDING = "Pending"
    IN_FLIGHT = "InFlight"
    SUCCESS = "Success"
    FAILURE = "Failure"
    CANCELLED = "Cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether the step will not change any more."""
        return self not in (StepStatus.PENDING, StepStatus.IN_FLIGHT)


class Step(Message):
    """One command of a sequence with its progress.

    Args:
        id: unique in its sequencer.
        message: the reason, when ``status`` is Failure.
        started_at: Unix time in seconds, when it went in flight.
        ended_at: Unix time in seconds.
    """

    id: str
    command: SequenceCommand
    status: StepStatus = StepStatus.PENDING
    message: str = ""
    has_breakpoint: bool = False
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end; None while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at
