"""What a sequencer answers besides SubmitResponse. Source: esw EswSequencerResponse.scala."""

from __future__ import annotations

from typing import Literal

from ocs_ray.models.message import Message


class Ok(Message):
    """Done.

    Args:
        note: what the asker should know all the same, for example that the abort hook failed.
    """

    kind: Literal["Ok"] = "Ok"
    note: str = ""


class Unhandled(Message):
    """The message means nothing in the present state; nothing changed."""

    kind: Literal["Unhandled"] = "Unhandled"
    state: str
    message_type: str
    msg: str


class IdDoesNotExist(Message):
    """The list has no step with this id."""

    kind: Literal["IdDoesNotExist"] = "IdDoesNotExist"
    id: str


class CannotOperateOnAnInFlightOrFinishedStep(Message):
    """The step runs or ran already: it is not changed any more."""

    kind: Literal["CannotOperateOnAnInFlightOrFinishedStep"] = "CannotOperateOnAnInFlightOrFinishedStep"


class StepListMoved(Message):
    """The edit named a version of the list that is not the present one; nothing changed. Ours.

    Args:
        list_version: the present one.
    """

    kind: Literal["StepListMoved"] = "StepListMoved"
    list_version: int


class GoOnlineHookFailed(Message):
    """The hook failed; the sequencer stays Offline."""

    kind: Literal["GoOnlineHookFailed"] = "GoOnlineHookFailed"
    reason: str


class GoOfflineHookFailed(Message):
    """The hook failed; the sequencer stays where it was."""

    kind: Literal["GoOfflineHookFailed"] = "GoOfflineHookFailed"
    reason: str


class DiagnosticHookFailed(Message):
    """The hook failed."""

    kind: Literal["DiagnosticHookFailed"] = "DiagnosticHookFailed"
    reason: str


class OperationsHookFailed(Message):
    """The hook failed."""

    kind: Literal["OperationsHookFailed"] = "OperationsHookFailed"
    reason: str


OkOrUnhandled = Ok | Unhandled
GenericResponse = Ok | Unhandled | IdDoesNotExist | CannotOperateOnAnInFlightOrFinishedStep | StepListMoved
PauseResponse = Ok | Unhandled | CannotOperateOnAnInFlightOrFinishedStep | StepListMoved
GoOnlineResponse = Ok | Unhandled | GoOnlineHookFailed
GoOfflineResponse = Ok | Unhandled | GoOfflineHookFailed
DiagnosticModeResponse = Ok | DiagnosticHookFailed
OperationsModeResponse = Ok | OperationsHookFailed
