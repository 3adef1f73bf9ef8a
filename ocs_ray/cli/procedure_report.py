"""A sequencer's procedure in words and tables."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from ocs_ray.cli import report_table
from ocs_ray.core.procedure_states import next_state
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import ProcedureChange, ProcedureStatus

CHANGES_SHOWN = 12


def remedy(state: ProcedureState, prefix: Prefix) -> str:
    """What a sequencer in this state can be told; STOP where it would change nothing is left out."""
    words = [c.lower() for c in ProcedureCommand if next_state(state, c) not in (None, state)]
    return f"it takes: ocs sequencer {'|'.join(words)} {prefix}" if words else f"see: ocs sequencer state {prefix}"


def refusal(command: str, prefix: Prefix, state: ProcedureState, disposition: str, reason: str) -> str:
    """Why a command was not accepted, and what would be; one line."""
    return f"{command} of {prefix} was {disposition} in {state}: {reason} ({remedy(state, prefix)})"


def accepted(command: str, prefix: Prefix, state: ProcedureState, reason: str) -> str:
    """What a person is told of an accepted command; one line."""
    return f"{prefix}: {command} accepted, {state}{_because(reason)}"


def change_line(change: ProcedureChange) -> str:
    """One change: ``2026-11-22T03:00:00.123Z HELD by SC``."""
    who = f" from {change.sender}" if change.sender else ""
    return f"{change.at} {change.state} by {change.by}{who}{_because(change.reason)}"


def troubles(status: ProcedureStatus) -> list[str]:
    """What is late, who has not followed yet, and the external causes that are present."""
    return [
        *([f"late: {status.late}"] if status.late else []),
        *([f"waits for: {', '.join(status.waits_for)}"] if status.waits_for else []),
        *(f"external cause: {cause}" for cause in status.causes),
    ]


def tables(prefix: Prefix, status: ProcedureStatus) -> Iterator[RenderableType]:
    """Where it stands, for people."""
    yield Text(f"{prefix}: {status.state}{_because(status.reason)}")
    for trouble in troubles(status):
        yield Text(trouble)
    shown = report_table.table("changes", "at", "state", "by", "from", "reason")
    for change in status.changes[-CHANGES_SHOWN:]:
        shown.add_row(str(change.at), change.state, change.by, change.sender, change.reason)
    if status.changes:
        yield shown


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
