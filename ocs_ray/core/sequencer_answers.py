"""What a sequencer's core answers. Source: esw EswSequencerResponse.scala; the texts of Unhandled are ESW's."""

from __future__ import annotations

from typing import Final

from ocs_ray.core.sequencer_states import Hook, Refused
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import Cancelled, CommandIssue, Invalid, IssueType
from ocs_ray.models.sequencer_replies import (
    DiagnosticHookFailed,
    GoOfflineHookFailed,
    GoOnlineHookFailed,
    Ok,
    OperationsHookFailed,
    Unhandled,
)

ID_NOT_AVAILABLE: Final = Id("IdNotAvailable")


def unhandled(refused: Refused) -> Unhandled:
    """The answer to a message that means nothing in the present state."""
    return Unhandled(state=refused.state, message_type=refused.message_type, msg=refused.text)


def invalid(kind: IssueType, reason: str) -> Invalid:
    """The answer to a sequence that cannot be run."""
    return Invalid(run_id=ID_NOT_AVAILABLE, issue=CommandIssue(type=kind, reason=reason))


def nobody_takes(unknown: tuple[str, ...]) -> str:
    """Why a sequence is refused: no handler takes these commands."""
    return f"the script has no handler for {', '.join(unknown)}"


def completes(message_type: str) -> str:
    """Why an edit is refused when its run is being completed."""
    return f"Sequencer can not accept '{message_type}' message: the run is completed, nothing more is taken into it"


def note(hook: Hook, failure: str | None) -> str:
    """What the asker is told of a hook whose failure changed nothing."""
    return "" if failure is None else f"{hook} failed: {failure}"


def mode_failed(hook: Hook, reason: str) -> DiagnosticHookFailed | OperationsHookFailed:
    """The answer when a mode's hook failed."""
    kind = DiagnosticHookFailed if hook is Hook.DIAGNOSTIC_MODE else OperationsHookFailed
    return kind(reason=reason)


def shut_reply(hook: Hook, run_id: str) -> object:
    """What the asker of a hook in progress is told when the sequencer shuts down."""
    reason = "the sequencer is shutting down"
    match hook:
        case Hook.NEW_SEQUENCE:
            return Cancelled(run_id=Id(run_id))
        case Hook.GO_ONLINE:
            return GoOnlineHookFailed(reason=reason)
        case Hook.GO_OFFLINE:
            return GoOfflineHookFailed(reason=reason)
        case Hook.DIAGNOSTIC_MODE | Hook.OPERATIONS_MODE:
            return mode_failed(hook, reason)
        case _:
            return Ok()
