"""The steps of one sequence, in order. Source: esw StepList.scala, Step.scala.

A pointer to the first pending step makes taking the next one cost the same with ten steps and with 100,000; only
edits look a step up by its id.
"""

from __future__ import annotations

from collections.abc import Iterable

from ocs_ray.core.step_record import StepRecord
from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.responses import Result
from ocs_ray.models.sequencer_replies import CannotOperateOnAnInFlightOrFinishedStep, IdDoesNotExist
from ocs_ray.models.steps import Step, StepStatus

EditRefusal = IdDoesNotExist | CannotOperateOnAnInFlightOrFinishedStep


class StepList:
    """Steps with their progress.

    Args:
        steps: in order, those that are not pending first.
    """

    def __init__(self, steps: Iterable[StepRecord]) -> None:
        self._steps = list(steps)
        self._by_id = {step.id: step for step in self._steps}
        self._next = 0
        self.driven: StepRecord | None = None
        self.nested: list[StepRecord] = []
        self.done = sum(step.status.is_done for step in self._steps)
        self.first_failure: StepRecord | None = None
        self._touched: list[StepRecord] = []

    @classmethod
    def of(cls, commands: Iterable[SequenceCommand], ids: Iterable[str]) -> StepList:
        """All pending; one id a command.

        Raises:
            ValueError: not as many ids as commands.
        """
        return cls(new_steps(commands, ids))

    def __len__(self) -> int:
        return len(self._steps)

    def view(self) -> tuple[Step, ...]:
        """All steps, frozen, for clients."""
        return tuple(step.view() for step in self._steps)

    def view_of(self, ids: Iterable[str]) -> tuple[Step, ...]:
        """These steps, frozen; ids that are not in the list any more are passed over."""
        return tuple(self._by_id[id_].view() for id_ in ids if id_ in self._by_id)

    def ids(self) -> tuple[str, ...]:
        """Ids of all steps, in order."""
        return tuple(step.id for step in self._steps)

    def drain_touched(self) -> list[StepRecord]:
        """The steps that changed since the last call."""
        touched, self._touched = self._touched, []
        return touched

    # -- running -------------------------------------------------------------------------------------------------

    @property
    def next_pending(self) -> StepRecord | None:
        """The first pending step."""
        while self._next < len(self._steps) and not self._steps[self._next].is_pending:
            self._next += 1  # a step further on may have been skipped
        return self._steps[self._next] if self._next < len(self._steps) else None

    @property
    def next_executable(self) -> StepRecord | None:
        """The first pending step, unless a breakpoint pauses before it or a step failed."""
        step = self.next_pending
        return None if step is None or step.has_breakpoint or self.first_failure is not None else step

    @property
    def is_paused(self) -> bool:
        """Whether a breakpoint stands before the next pending step."""
        step = self.next_pending
        return step is not None and step.has_breakpoint

    @property
    def is_finished(self) -> bool:
        """Nothing runs, and nothing is left to run or a step failed. An empty list is finished."""
        return self.driven is None and (self.first_failure is not None or self.next_pending is None)

    def ahead(self, most: int) -> list[StepRecord]:
        """The steps after the driven one that begin next if each ends well and nothing is edited; at most so many."""
        following: list[StepRecord] = []
        if self.driven is None or self.next_executable is None:
            return following
        for place in range(self._next, len(self._steps)):
            step = self._steps[place]
            if len(following) == most or (step.is_pending and step.has_breakpoint):
                break
            if step.is_pending:
                following.append(step)
        return following

    def take_next(self, at: float) -> StepRecord | None:
        """Put the next executable step in flight; None when one is in flight already or there is none.

        Args:
            at: Unix time in seconds.
        """
        if self.driven is not None or (step := self.next_executable) is None:
            return None
        self.driven = step
        return self._start(step, at)

    def take_nested(self, step_id: str, at: float) -> StepRecord | None:
        """Put exactly this step in flight beside the driven one, if it is the next; it ends with it."""
        step = self.next_executable
        if self.driven is None or step is None or step.id != step_id:
            return None
        self.nested.append(step)
        return self._start(step, at)

    def end(
        self, step_id: str, failure: str | None, at: float, *, attempts: int = 1, result: Result | None = None
    ) -> bool:
        """Record how the driven step ended, and with it those nested in it.

        Args:
            failure: the reason, None for success.
            at: Unix time in seconds.
            attempts: how often its handler was run.
            result: what the handler returned.

        Returns:
            False when ``step_id`` is not the driven one: the outcome is late and dropped.
        """
        if self.driven is None or self.driven.id != step_id:
            return False
        ended = [self.driven, *self.nested]
        self.driven.attempts += attempts - 1
        self.driven.result = result
        for step in ended:
            step.ended_at = at
            step.status = StepStatus.SUCCESS if failure is None else StepStatus.FAILURE
            step.message = failure or ""
        if failure is not None:
            self.first_failure = self.driven
        self.done += len(ended)
        self.driven, self.nested = None, []
        self._touched += ended
        return True

    def cancel_pending(self) -> None:
        """Keep every pending step from running; what is in flight goes on."""
        cancelled = [step for step in self._steps[self._next :] if step.is_pending]
        for step in cancelled:
            step.status = StepStatus.CANCELLED
        self._next = len(self._steps)
        self._touched += cancelled

    def retried(self) -> StepList:
        """The same steps, to go on from the failed one; this list stays as it is, for the history."""
        failed = self.first_failure
        nested = {id(step) for step in self._steps if step.status is StepStatus.FAILURE}
        return StepList(step.again() if step is failed or id(step) in nested else step.copy() for step in self._steps)

    # -- editing -------------------------------------------------------------------------------------------------

    def add(self, steps: list[StepRecord]) -> None:
        """Append."""
        self._steps.extend(steps)
        self._came(steps)

    def prepend(self, steps: list[StepRecord]) -> None:
        """Put before the first pending step; at the end when there is none."""
        place = self._place_of_next()
        self._steps[place:place] = steps
        self._came(steps)

    def replace(self, step_id: str, steps: list[StepRecord]) -> EditRefusal | None:
        """Put in the place of a pending step."""
        place = self._pending_place(step_id)
        if not isinstance(place, int):
            return place
        del self._by_id[step_id]
        self._steps[place : place + 1] = steps
        self._came(steps)
        return None

    def insert_after(self, step_id: str, steps: list[StepRecord]) -> EditRefusal | None:
        """Put after a step, unless that would be before one that has begun, has ended or was skipped already.

        One that was skipped among pending ones is no obstacle: only what comes before the first pending step is past.
        """
        place = self._place_after(step_id)
        if not isinstance(place, int):
            return place
        self._steps[place:place] = steps
        self._came(steps)
        return None

    def delete(self, step_id: str) -> EditRefusal | None:
        """Take a pending step out."""
        return self.replace(step_id, [])

    def drop_pending(self) -> None:
        """Take all pending steps out."""
        self._steps = [step for step in self._steps if not step.is_pending]
        self._by_id = {step.id: step for step in self._steps}
        self._next = len(self._steps)

    def skip(self, step_id: str) -> EditRefusal | None:
        """Pass a pending step over."""
        place = self._pending_place(step_id)
        if not isinstance(place, int):
            return place
        self._steps[place].status = StepStatus.SKIPPED
        self._touched.append(self._steps[place])
        self.done += 1
        return None

    def move(self, step_id: str, after: str | None) -> EditRefusal | None:
        """Put a pending step after another one, or first among the pending ones."""
        place = self._pending_place(step_id)
        if not isinstance(place, int):
            return place
        if after == step_id:
            return None
        if after is not None and not isinstance(target := self._place_after(after), int):
            return target
        step = self._steps.pop(place)
        target_place = self._place(after) if after is not None else None
        if isinstance(target_place, int):
            self._steps.insert(target_place + 1, step)
        else:
            self.prepend([step])
        return None

    def set_breakpoint(self, step_id: str) -> EditRefusal | None:
        """Pause before a pending step."""
        place = self._pending_place(step_id)
        if not isinstance(place, int):
            return place
        self._mark(self._steps[place], True)
        return None

    def clear_breakpoint(self, step_id: str) -> EditRefusal | None:
        """Do not pause before a step; on a step that is not pending, or has none, nothing happens."""
        place = self._place(step_id)
        if not isinstance(place, int):
            return place
        self._mark(self._steps[place], False)
        return None

    def pause(self) -> EditRefusal | None:
        """Pause before the next pending step."""
        step = self.next_pending
        if step is None:
            return CannotOperateOnAnInFlightOrFinishedStep()
        self._mark(step, True)
        return None

    def resume(self) -> None:
        """Clear the breakpoint of the next pending step only."""
        if (step := self.next_pending) is not None:
            self._mark(step, False)

    def step_once(self) -> EditRefusal | None:
        """Let one step run and pause before the one after it; one that runs already is that step."""
        step = self.next_pending
        if self.driven is not None or step is None:
            return self.pause()
        self._mark(step, False)
        following = next((s for s in self._steps[self._next + 1 :] if s.is_pending), None)
        if following is not None:
            self._mark(following, True)
        return None

    def _came(self, steps: list[StepRecord]) -> None:
        self._by_id.update((step.id, step) for step in steps)
        self._touched += steps

    def _mark(self, step: StepRecord, has_breakpoint: bool) -> None:
        step.has_breakpoint = has_breakpoint
        self._touched.append(step)

    def _start(self, step: StepRecord, at: float) -> StepRecord:
        step.status, step.started_at, step.attempts = StepStatus.IN_FLIGHT, at, step.attempts + 1
        self._touched.append(step)
        return step

    def _place(self, step_id: str) -> int | IdDoesNotExist:
        for place, step in enumerate(self._steps):
            if step.id == step_id:
                return place
        return IdDoesNotExist(id=step_id)

    def _pending_place(self, step_id: str) -> int | EditRefusal:
        place = self._place(step_id)
        if isinstance(place, int) and not self._steps[place].is_pending:
            return CannotOperateOnAnInFlightOrFinishedStep()
        return place

    def _place_of_next(self) -> int:
        """Where the first pending step stands; the end when there is none."""
        return len(self._steps) if self.next_pending is None else self._next

    def _place_after(self, step_id: str) -> int | EditRefusal:
        place = self._place(step_id)
        if not isinstance(place, int):
            return place
        if place + 1 < self._place_of_next():
            return CannotOperateOnAnInFlightOrFinishedStep()
        return place + 1


def new_steps(commands: Iterable[SequenceCommand], ids: Iterable[str]) -> list[StepRecord]:
    """A pending step a command.

    Raises:
        ValueError: not as many ids as commands.
    """
    return [StepRecord(id_, command) for id_, command in zip(ids, commands, strict=True)]
