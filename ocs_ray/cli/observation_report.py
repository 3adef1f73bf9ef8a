"""What is left of an observation: the final table, the JSON document, the sentence about its failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from ocs_ray.cli.failures import FAILED, OK
from ocs_ray.models import wire
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.responses import Cancelled, Completed, SubmitResponse
from ocs_ray.models.steps import Step, StepStatus

ENDED_EARLY: Final = (ProcedureState.STOPPED, ProcedureState.ABORTED)


@dataclass(frozen=True)
class Observation:
    """A sequence that was sent.

    Args:
        response: its final response; None when the sequencer was lost before it gave one.
        problem: why there is no response.
        elapsed_s: from the submission to the response.
        procedure: where the procedure of its sequencer stood afterwards; None when it could not be asked.
    """

    mode: str
    sequencer: Prefix
    run_id: str
    response: SubmitResponse | None
    problem: str
    steps: tuple[Step, ...]
    events: tuple[ObserveEvent, ...]
    elapsed_s: float
    time_factor: float | None
    procedure: ProcedureState | None = None

    @property
    def exit_code(self) -> int:
        """0 when it completed, else 1."""
        return OK if isinstance(self.response, Completed) else FAILED

    @property
    def outcome(self) -> str:
        """``Completed``, ``Error``, ``Cancelled``, ``Invalid``, ``Locked``, or ``lost``."""
        return "lost" if self.response is None else type(self.response).__name__


def failure_text(seen: Observation) -> str:
    """Why it did not complete, in one line; empty when it did."""
    total = len(seen.steps)
    match seen.response:
        case Completed():
            return ""
        case None:
            return f"the sequence was lost: {seen.problem}"
        case Cancelled():
            ran = sum(1 for step in seen.steps if step.status in (StepStatus.SUCCESS, StepStatus.FAILURE))
            by = f", {seen.procedure}" if seen.procedure in ENDED_EARLY else ""
            return f"the sequence was cancelled after {ran} of {total} steps{by}"
        case response:
            failed = [(n, step) for n, step in enumerate(seen.steps, 1) if step.status is StepStatus.FAILURE]
            if not failed:
                return f"{seen.sequencer} answered {seen.outcome}: {response.reason}"
            number, step = failed[0]
            return f"step {number}/{total} {step.command.command_name} failed: {step.message}"


def table(seen: Observation) -> Table:
    """The steps with their durations, and the total."""
    title = f"{seen.mode}: {seen.outcome} in {seen.elapsed_s:.1f} s"
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_footer=True)
    shown.add_column("#", justify="right")
    shown.add_column("command")
    shown.add_column("name", footer="total")
    shown.add_column("status", footer=seen.outcome)
    shown.add_column("started (UTC)")
    shown.add_column("duration", justify="right", footer=f"{seen.elapsed_s:.1f} s")
    for number, step in enumerate(seen.steps, 1):
        duration = "" if step.duration_s is None else f"{step.duration_s:.1f} s"
        command = step.command
        shown.add_row(str(number), command.kind, command.command_name, step.status, _clock(step.started_at), duration)
    return shown


def document(seen: Observation) -> dict[str, Any]:
    """All of it, for programs. Times are Unix times in seconds; the response is CSW's JSON."""
    return {
        "mode": seen.mode,
        "sequencer": seen.sequencer,
        "run_id": seen.run_id,
        "response": None if seen.response is None else wire.encode(seen.response),
        "problem": failure_text(seen) or None,
        "procedure": seen.procedure,
        "steps": [_step(step) for step in seen.steps],
        "observe_events": [wire.encode(event) for event in seen.events],
        "time_factor": seen.time_factor,
        "elapsed_s": round(seen.elapsed_s, 3),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "name": step.command.command_name,
        "type": step.command.kind,
        "status": step.status.value,
        "message": step.message,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "duration_s": None if step.duration_s is None else round(step.duration_s, 3),
    }


def _clock(unix_s: float | None) -> str:
    return "" if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%H:%M:%S.%f")[:-5]
