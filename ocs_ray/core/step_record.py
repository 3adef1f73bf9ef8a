"""One step as the core keeps it; clients get the frozen ``Step``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.responses import Result
from ocs_ray.models.steps import Step, StepStatus


@dataclass(slots=True, eq=False)
class StepRecord:
    """A step with its progress."""

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
    def is_pending(self) -> bool:
        """Whether it may still be edited."""
        return self.status is StepStatus.PENDING

    @property
    def duration_s(self) -> float:
        """Seconds from start to end; 0 while it has not ended."""
        return 0.0 if self.started_at is None or self.ended_at is None else self.ended_at - self.started_at

    def view(self) -> Step:
        """The frozen value for clients. All parts are valid already, so they are not validated again."""
        return Step.model_construct(
            id=self.id,
            command=self.command,
            status=self.status,
            message=self.message,
            has_breakpoint=self.has_breakpoint,
            started_at=self.started_at,
            ended_at=self.ended_at,
            attempts=self.attempts,
            result=self.result,
        )

    def again(self) -> StepRecord:
        """The same step, to be run once more; how often it was tried is kept."""
        return StepRecord(id=self.id, command=self.command, attempts=self.attempts)

    def copy(self) -> StepRecord:
        """The same step, apart from this one."""
        return replace(self)
