"""A sequencer as ESW's clients speak to it. Source: esw SequencerRequest.scala; reference esw_sequencer 5, esw_sm 7.7.

Its edits and modes are answered with the replies of ``sequencer_replies`` as ESW writes them.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field

from ocs_ray.models.commands import Sequence, SequenceCommand
from ocs_ray.models.esw_manager import Unhandled
from ocs_ray.models.identifiers import Id
from ocs_ray.models.prefix import ComponentId
from ocs_ray.models.times import UTCTime
from ocs_ray.models.wire_model import Number, WireModel, kind_field

Commands: TypeAlias = tuple[SequenceCommand, ...]
LONGEST_S = 366 * 86_400.0
"""Longest a client may wait for the end of a run, in seconds."""


class _WithSequence(WireModel):
    sequence: Sequence


class _WithCommands(WireModel):
    commands: Commands


class _WithId(WireModel):
    id: Id


class _WithIdAndCommands(WireModel):
    id: Id
    commands: Commands


class LoadSequence(_WithSequence):
    """Take a sequence without starting it."""

    kind: Literal["LoadSequence"] = kind_field("LoadSequence")


class StartSequence(WireModel):
    """Start what was loaded."""

    kind: Literal["StartSequence"] = kind_field("StartSequence")


class Submit(_WithSequence):
    """Run a sequence."""

    kind: Literal["Submit"] = kind_field("Submit")


class Query(WireModel):
    """The response of a run as it stands."""

    kind: Literal["Query"] = kind_field("Query")
    run_id: Id


class GetSequence(WireModel):
    """The step list."""

    kind: Literal["GetSequence"] = kind_field("GetSequence")


class Add(_WithCommands):
    """Append commands."""

    kind: Literal["Add"] = kind_field("Add")


class Prepend(_WithCommands):
    """Put commands before the next step."""

    kind: Literal["Prepend"] = kind_field("Prepend")


class Replace(_WithIdAndCommands):
    """Put commands in the place of a step."""

    kind: Literal["Replace"] = kind_field("Replace")


class InsertAfter(_WithIdAndCommands):
    """Put commands after a step."""

    kind: Literal["InsertAfter"] = kind_field("InsertAfter")


class Delete(_WithId):
    """Take a step out."""

    kind: Literal["Delete"] = kind_field("Delete")


class AddBreakpoint(_WithId):
    """Pause before a step."""

    kind: Literal["AddBreakpoint"] = kind_field("AddBreakpoint")


class RemoveBreakpoint(_WithId):
    """Do not pause there any more."""

    kind: Literal["RemoveBreakpoint"] = kind_field("RemoveBreakpoint")


class Reset(WireModel):
    """Drop what has not begun."""

    kind: Literal["Reset"] = kind_field("Reset")


class Pause(WireModel):
    """Pause before the next step."""

    kind: Literal["Pause"] = kind_field("Pause")


class Resume(WireModel):
    """Go on."""

    kind: Literal["Resume"] = kind_field("Resume")


class GetSequencerState(WireModel):
    """One of five."""

    kind: Literal["GetSequencerState"] = kind_field("GetSequencerState")


class GetSequenceComponent(WireModel):
    """Where its sequence component is."""

    kind: Literal["GetSequenceComponent"] = kind_field("GetSequenceComponent")


class IsAvailable(WireModel):
    """Whether it is Idle."""

    kind: Literal["IsAvailable"] = kind_field("IsAvailable")


class IsOnline(WireModel):
    """Whether it is not Offline."""

    kind: Literal["IsOnline"] = kind_field("IsOnline")


class GoOnline(WireModel):
    """Back from Offline."""

    kind: Literal["GoOnline"] = kind_field("GoOnline")


class GoOffline(WireModel):
    """To Offline."""

    kind: Literal["GoOffline"] = kind_field("GoOffline")


class AbortSequence(WireModel):
    """End the run."""

    kind: Literal["AbortSequence"] = kind_field("AbortSequence")


class Stop(WireModel):
    """End the run after the current step."""

    kind: Literal["Stop"] = kind_field("Stop")


class DiagnosticMode(WireModel):
    """Begin with diagnostic data."""

    kind: Literal["DiagnosticMode"] = kind_field("DiagnosticMode")
    start_time: UTCTime
    hint: str


class OperationsMode(WireModel):
    """End with diagnostic data."""

    kind: Literal["OperationsMode"] = kind_field("OperationsMode")


class QueryFinal(WireModel):
    """The final response of a run; by WebSocket only.

    Args:
        timeout: longest wait, in seconds.
    """

    kind: Literal["QueryFinal"] = kind_field("QueryFinal")
    run_id: Id
    timeout: Number = Field(ge=0, le=LONGEST_S)


class SubscribeSequencerState(WireModel):
    """State and steps, now and whenever they change; by WebSocket only."""

    kind: Literal["SubscribeSequencerState"] = kind_field("SubscribeSequencerState")


SequencerRequest: TypeAlias = Annotated[
    LoadSequence
    | StartSequence
    | Submit
    | Query
    | GetSequence
    | Add
    | Prepend
    | Replace
    | InsertAfter
    | Delete
    | AddBreakpoint
    | RemoveBreakpoint
    | Reset
    | Pause
    | Resume
    | GetSequencerState
    | GetSequenceComponent
    | IsAvailable
    | IsOnline
    | GoOnline
    | GoOffline
    | AbortSequence
    | Stop
    | DiagnosticMode
    | OperationsMode,
    Discriminator("kind"),
]
SequencerStreamRequest: TypeAlias = Annotated[QueryFinal | SubscribeSequencerState, Discriminator("kind")]


class SequencerCommand(WireModel):
    """A request and the sequencer it is for."""

    kind: Literal["SequencerCommand"] = kind_field("SequencerCommand")
    component_id: ComponentId
    command: SequencerRequest


class SequencerStreamCommand(WireModel):
    """The same by WebSocket."""

    kind: Literal["SequencerCommand"] = kind_field("SequencerCommand")
    component_id: ComponentId
    command: SequencerStreamRequest


# -- answers ---------------------------------------------------------------------------------------------------------


class Ok(WireModel):
    """Done."""

    kind: Literal["Ok"] = kind_field("Ok")


class IdDoesNotExist(WireModel):
    """There is no such step."""

    kind: Literal["IdDoesNotExist"] = kind_field("IdDoesNotExist")
    id: Id


class CannotOperateOnAnInFlightOrFinishedStep(WireModel):
    """The step has begun."""

    kind: Literal["CannotOperateOnAnInFlightOrFinishedStep"] = kind_field("CannotOperateOnAnInFlightOrFinishedStep")


class HookFailed(WireModel):
    """A hook of the script failed; which one is in ``_type``."""

    kind: Literal["GoOnlineHookFailed", "GoOfflineHookFailed", "DiagnosticHookFailed", "OperationsHookFailed"] = Field(
        validation_alias="_type", serialization_alias="_type"
    )


SequencerAnswer: TypeAlias = Annotated[
    Ok | Unhandled | IdDoesNotExist | CannotOperateOnAnInFlightOrFinishedStep | HookFailed, Discriminator("kind")
]


class SequencerState(WireModel):
    """In JSON ``{"_type": "Idle"}``."""

    kind: Literal["Idle", "Loaded", "Running", "Offline", "Processing"] = Field(
        validation_alias="_type", serialization_alias="_type"
    )


class StepStatus(WireModel):
    """In JSON ``{"_type": "Pending"}``; a failed step tells why."""

    kind: Literal["Pending", "InFlight", "Success", "Failure"] = Field(
        validation_alias="_type", serialization_alias="_type"
    )
    message: str | None = Field(default=None, exclude_if=lambda message: message is None)


class Step(WireModel):
    """A command and where it stands."""

    id: Id
    command: SequenceCommand
    status: StepStatus
    has_breakpoint: bool


class SequencerStateResponse(WireModel):
    """State and steps."""

    kind: Literal["SequencerStateResponse"] = kind_field("SequencerStateResponse")
    step_list: tuple[Step, ...]
    sequencer_state: SequencerState


class InvalidComponent(WireModel):
    """There is no such component. Source: esw GatewayException.scala."""

    kind: Literal["InvalidComponent"] = kind_field("InvalidComponent")
    msg: str
