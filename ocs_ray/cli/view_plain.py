"""An observation as plain lines, one a change: for files, pipes and terminals that can do no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from ocs_ray.cli.observation_picture import (
    USUAL,
    Change,
    EventSeen,
    PhaseBegan,
    Picture,
    ProcedureMoved,
    RunBegan,
    SequencerChanged,
    key_data,
)
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure_messages import ProcedureChange, ProcedureStatus
from ocs_ray.models.steps import Step, StepStatus


class PlainView:
    """Writes lines such as ``[  3.2s] step 4/9 setupObservation InFlight``.

    Args:
        picture: what is shown.
        write: takes one line.
        elapsed_s: seconds since the command began.
    """

    def __init__(self, picture: Picture, write: Callable[[str], None], elapsed_s: Callable[[], float]) -> None:
        self._picture, self._write, self._elapsed_s = picture, write, elapsed_s
        self._told: dict[str, StepStatus] = {}  # step id -> the status a line was written for
        self._unusual: set[Prefix] = set()  # those whose procedure was last told to be in no usual state
        self._late: dict[Prefix, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def tell(self, change: Change) -> None:
        """Write what is new."""
        match change:
            case PhaseBegan(text):
                self._line(text)
            case RunBegan(run_id):
                self._line(f"sequence accepted by {self._picture.target}, run {run_id}")
                self._steps(self._picture.target, self._picture.steps)
            case SequencerChanged(prefix, snapshot) if prefix == self._picture.target:
                self._steps(prefix, self._picture.steps)
            case SequencerChanged(prefix, snapshot):
                if self._picture.run_id is None:
                    self._forget(snapshot.steps)
                else:
                    self._steps(prefix, snapshot.steps)
            case ProcedureMoved(prefix, status):
                self._procedure(prefix, status)
            case EventSeen(event):
                self._line(f"event {event.event_name} {event.source} {key_data(event)}".rstrip())

    def pause(self) -> None:
        """Lines written meanwhile do no harm."""

    def resume(self) -> None:
        """Nothing was held back."""

    def _forget(self, steps: tuple[Step, ...]) -> None:
        """What ran before this observation is not told."""
        self._told |= {step.id: step.status for step in steps}

    def _steps(self, prefix: Prefix, steps: tuple[Step, ...]) -> None:
        whose = "" if prefix == self._picture.target else f"{prefix} "
        for number, step in enumerate(steps, 1):
            if self._told.get(step.id, StepStatus.PENDING) is step.status:
                continue
            self._told[step.id] = step.status
            self._line(f"{whose}step {number}/{len(steps)} {step.command.command_name} {_status(step)}")

    def _procedure(self, prefix: Prefix, status: ProcedureStatus) -> None:
        """Holds, suspensions and early ends; and that it goes on after them."""
        for change in status.changes:
            if change.state not in USUAL:
                self._line(f"{prefix} {_entered(change)}")
                self._unusual.add(prefix)
            elif prefix in self._unusual:
                self._line(f"{prefix} {change.state}")
                self._unusual.discard(prefix)
        if status.late and self._late.get(prefix) != status.late:
            self._line(f"{prefix} late: {status.late}")
        self._late[prefix] = status.late

    def _line(self, text: str) -> None:
        self._write(f"[{self._elapsed_s():6.1f}s] {text}")


def _status(step: Step) -> str:
    took = "" if step.duration_s is None else f" after {step.duration_s:.1f} s"
    return f"{step.status}{took}" + (f": {step.message}" if step.message else "")


def _entered(change: ProcedureChange) -> str:
    who = f" by {change.by} from {change.sender}" if change.sender else ""
    return f"{change.state}{who}" + (f": {change.reason}" if change.reason else "")
