"""Steps of a sequence as clients see them. Source: esw Step.scala, StepStatus.scala; the times are ours."""

from __future__ import annotations

from enum import StrEnum

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.message import Message
from ocs_ray.models.responses import Result


class StepStatus(StrEnum):
    """Where a step stands. Ours are Cancelled, kept from running by an abort or stop, and Skipped, passed over."""

    PENDING = "Pending"
    IN_FLIGHT = "InFlight"
    SUCCESS = "Success"
    FAILURE = "Failure"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"

    @property
    def is_finished(self) -> bool:
        """Whether the step will not change any more."""
        return self not in (StepStatus.PENDING, StepStatus.IN_FLIGHT)

    @property
    def is_done(self) -> bool:
        """Whether the step counts as progress: it ran to an end or was passed over. A cancelled one did neither."""
        return self.is_finished and self is not StepStatus.CANCELLED


class Step(Message):
    """One command of a sequence with its progress.

    Args:
        id: unique in its sequencer.
        message: the reason, when ``status`` is Failure.
        started_at: Unix time in seconds, when it went in flight.
        ended_at: Unix time in seconds.
        attempts: how often its handler was run, retries included.
        result: what the handler returned, if it returned a Result.
    """

    id: str
    command: SequenceCommand
    status: StepStatus = StepStatus.PENDING
    message: str = ""
    has_breakpoint: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    attempts: int = 0
    result: Result | None = None

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end; None while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at
