"""What ``ocs sequencer`` does: send a command to a procedure, look at one, follow one."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from ocs_ray.cli import cluster_session, procedure_report, terminal
from ocs_ray.cli.failures import OK
from ocs_ray.client import Sequencer
from ocs_ray.core.procedure_states import AT_REST, YIELDED, leads_to
from ocs_ray.errors import RefusedError
from ocs_ray.models import wire
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import CommandResult, ProcedureStatus

WATCH_S: Final = 10.0
SENDER: Final = "ocs"


def send(sequencer: str, name: str, wait_s: float | None, as_json: bool) -> int:
    """Send a command; with ``wait_s``, see it carried out.

    Raises:
        RefusedError: it was not accepted, or not carried out in time.
    """
    prefix, command = Prefix(sequencer), ProcedureCommand[name.upper()]
    result = cluster_session.ask(lambda: _sent(Sequencer.at(prefix), command, wait_s))
    if as_json:
        terminal.put_document(wire.encode(result))
    if not result.accepted:
        text = procedure_report.refusal(command, prefix, result.state, result.disposition, result.reason)
        raise RefusedError(state=result.state, message_type=command, msg=text)
    if wait_s is not None and not result.reached:
        text = f"{command} of {prefix} was accepted, but it is {result.state} (waited for up to {wait_s:g} s)"
        raise RefusedError(state=result.state, message_type=command, msg=f"{text}: {result.reason}")
    if not as_json:
        terminal.say(procedure_report.accepted(command, prefix, result.state, result.reason))
    return OK


async def _sent(sequencer: Sequencer, command: ProcedureCommand, wait_s: float | None) -> CommandResult:
    before = await sequencer.procedure_state()
    result = await sequencer.send_command(command, sender=SENDER)
    if wait_s is None or not result.accepted:
        return result
    target = _target(before.state, command)
    yields = target in YIELDED
    seen = await sequencer.watch_procedure(before.number, 0)
    try:
        async with asyncio.timeout(wait_s):
            while not _is_there(seen, target):
                if yields and seen.state in AT_REST:
                    return result.model_copy(update={"state": seen.state, "reason": "the run ended first"})
                changed = await sequencer.watch_procedure(seen.number, WATCH_S)
                seen = changed.model_copy(update={"changes": (*seen.changes, *changed.changes)})
    except TimeoutError:
        reason = "; ".join(procedure_report.troubles(seen)) or f"{target} was not reached"
        return result.model_copy(update={"state": seen.state, "reason": reason})
    return result.model_copy(update={"state": seen.state, "reached": True, "reason": ""})


def _target(state: ProcedureState, command: ProcedureCommand) -> ProcedureState:
    """Where a command that was accepted leads; one that was deferred leads where it does in its own good time."""
    usual = {
        ProcedureCommand.HOLD: ProcedureState.HELD,
        ProcedureCommand.SUSPEND: ProcedureState.SUSPENDED,
        ProcedureCommand.COMPLETE: ProcedureState.COMPLETE,
        ProcedureCommand.ABORT: ProcedureState.ABORTED,
        ProcedureCommand.RESET: ProcedureState.IDLE,
        ProcedureCommand.STOP: ProcedureState.STOPPED,
        ProcedureCommand.CLEAR: ProcedureState.STOPPED,
    }
    if command is ProcedureCommand.STOP and state in (ProcedureState.ABORTING, ProcedureState.ABORTED):
        return ProcedureState.ABORTED  # accepted there, and changes nothing
    return leads_to(state, command) or usual.get(command, ProcedureState.EXECUTE)


def _is_there(seen: ProcedureStatus, target: ProcedureState) -> bool:
    return seen.state is target or any(change.state is target for change in seen.changes)


def state(sequencer: str, as_json: bool) -> int:
    """Where the procedure stands."""
    prefix = Prefix(sequencer)
    seen = cluster_session.ask(lambda: Sequencer.at(prefix).procedure_state())
    if as_json:
        terminal.put_document(wire.encode(seen))
        return OK
    screen = terminal.console()
    for part in procedure_report.tables(prefix, seen):
        screen.print(part)
    return OK


def follow(sequencer: str, as_json: bool) -> int:
    """Every change, until the sequencer is gone or somebody interrupts.

    Raises:
        OcsError: the sequencer is not there, or is there no more.
    """
    prefix = Prefix(sequencer)
    return cluster_session.ask(lambda: _followed(Sequencer.at(prefix), as_json))


async def _followed(sequencer: Sequencer, as_json: bool) -> int:
    seen = await sequencer.procedure_state()
    _tell(seen.model_copy(update={"changes": seen.changes[-1:]}), as_json)
    if not seen.changes and not as_json:
        terminal.say(str(seen.state))
    late = seen.late
    while True:
        seen = await sequencer.watch_procedure(seen.number, WATCH_S)
        _tell(seen, as_json, late)
        late = seen.late


def _tell(seen: ProcedureStatus, as_json: bool, late: str = "") -> None:
    for change in seen.changes:
        terminal.say(json.dumps(wire.encode(change)) if as_json else procedure_report.change_line(change))
    if seen.late and seen.late != late:
        terminal.note(f"late: {seen.late}")
