"""The steps of one sequence, in order. Source: esw StepList.scala, Step.scala.

One pointer to the first pending step, so that taking the next step costs the same with ten steps and with 100,000.
"""

from __future__ import annotations

from collections.abc import Sequence as OrderedValues
from dataclasses import dataclass

from ocs_ray.models.commands import Sequence, SequenceCommand
from ocs_ray.models.steps import Step, StepStatus


@dataclass(slots=True)
class StepRecord:
    """One step as the core keeps it; clients get the frozen ``Step``."""

    id: str
    command: SequenceCommand
    status: StepStatus = StepStatus.PENDING
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None

    def view(self) -> Step:
        """The frozen value for clients."""
        return Step(
            id=self.id,
            command=self.command,
            status=self.status,
            message=self.message,
            started_at=self.started_at,
            ended_at=self.ended_at,
        )


class StepList:
    """Steps with their progress.

    Args:
        sequence: the commands.
        ids: one id a command.

    Raises:
        ValueError: not as many ids as commands.
    """

    def __init__(self, sequence: Sequence, ids: OrderedValues[str]) -> None:
        self._steps = [StepRecord(id_, command) for id_, command in zip(ids, sequence, strict=True)]
        self._next = 0
        self.in_flight: StepRecord | None = None
        self.done = 0
        self.first_failure: StepRecord | None = None

    def __len__(self) -> int:
        return len(self._steps)

    def view(self) -> tuple[Step, ...]:
        """All steps, frozen, for clients."""
        return tuple(step.view() for step in self._steps)

    @property
    def is_finished(self) -> bool:
        """Nothing runs, and nothing is left to run or a step failed. An empty list is finished."""
        return self.in_flight is None and (self._next >= len(self._steps) or self.first_failure is not None)

    def take_next(self, at: float) -> StepRecord | None:
        """Put the first pending step in flight; None when one is in flight already or nothing is left.

        Args:
            at: Unix time in seconds.
        """
        if self.in_flight is not None or self.is_finished:
            return None
        step = self._steps[self._next]
        step.status, step.started_at = StepStatus.IN_FLIGHT, at
        self._next += 1
        self.in_flight = step
        return step

    def end(self, step_id: str, failure: str | None, at: float) -> bool:
        """Record how a step in flight ended; False when it is not in flight, so the outcome is late and dropped.

        Args:
            failure: the reason, None for success.
            at: Unix time in seconds.
        """
        step = self.in_flight
        if step is None or step.id != step_id:
            return False
        step.ended_at, self.in_flight = at, None
        self.done += 1
        if failure is None:
            step.status = StepStatus.SUCCESS
        else:
            step.status, step.message = StepStatus.FAILURE, failure
            self.first_failure = self.first_failure or step
        return True

    def cancel_pending(self) -> None:
        """Keep every pending step from running; what is in flight goes on."""
        for step in self._steps[self._next :]:
            step.status = StepStatus.CANCELLED
        self._next = len(self._steps)
