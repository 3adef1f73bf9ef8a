"""What a sequencer understands and how it describes itself. Source: esw SequencerMessages.scala."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from ocs_ray.models.commands import Sequence
from ocs_ray.models.identifiers import Id, ObsMode
from ocs_ray.models.message import Message
from ocs_ray.models.new_id import new_id
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.models.shared_message import SharedMessage
from ocs_ray.models.steps import Step
from ocs_ray.models.times import UTCTime

HOURS_10_S = 36_000.0


OTHER_NAMES: Final = {"Online": "Idle", "InProgress": "Running"}
"""The seed's other names of states -> the name here."""


class SequencerState(StrEnum):
    """The five states clients see; every transitional state is Processing. Source: esw SequencerState.scala."""

    IDLE = "Idle"
    LOADED = "Loaded"
    RUNNING = "Running"
    OFFLINE = "Offline"
    PROCESSING = "Processing"

    @classmethod
    def _missing_(cls, value: object) -> SequencerState | None:
        name = OTHER_NAMES.get(str(value))
        return None if name is None else cls(name)


class Request(Message):
    """A message that changes something: a repeat of it (a retry after a lost reply) takes effect once.

    Args:
        request_id: unique for the request; a repeat with the same id gets the first answer.
    """

    request_id: str = Field(default_factory=new_id)


class SubmitSequence(Request):
    """Run a sequence; answered with Started once the new-sequence hook ended well.

    Args:
        final_within_s: a run that is over so soon is answered with its final response instead, in seconds: who waits
            for it anyway is spared a second question.
    """

    kind: Literal["SubmitSequence"] = "SubmitSequence"
    sequence: Sequence
    final_within_s: NonNegativeFloat = 0.0


class LoadSequence(Request):
    """Take a sequence without starting it."""

    kind: Literal["LoadSequence"] = "LoadSequence"
    sequence: Sequence


class StartSequence(Request):
    """Start what was loaded."""

    kind: Literal["StartSequence"] = "StartSequence"


class RetryFailed(Request):
    """Resume the last run, which failed, at its failed step, under a new run id. Ours; ESW has to load all anew."""

    kind: Literal["RetryFailed"] = "RetryFailed"


class AbortSequence(Request):
    """End the run: abort hook, no further step."""

    kind: Literal["AbortSequence"] = "AbortSequence"


class Stop(Request):
    """End the run after the current step: stop hook, no further step."""

    kind: Literal["Stop"] = "Stop"


class GoOnline(Request):
    """Offline -> Idle, when the hook ends well."""

    kind: Literal["GoOnline"] = "GoOnline"


class GoOffline(Request):
    """Idle or Loaded -> Offline, when the hook ends well; the step list is dropped."""

    kind: Literal["GoOffline"] = "GoOffline"


class DiagnosticMode(Request):
    """Run the diagnostic hooks; accepted in every state.

    Args:
        start_time: when the diagnostic data should begin.
        hint: what kind of diagnostic data.
    """

    kind: Literal["DiagnosticMode"] = "DiagnosticMode"
    start_time: UTCTime
    hint: str


class OperationsMode(Request):
    """Run the operations hooks: back from diagnostic mode; accepted in every state."""

    kind: Literal["OperationsMode"] = "OperationsMode"


class Shutdown(Request):
    """End for good: shutdown hook, every waiter answered."""

    kind: Literal["Shutdown"] = "Shutdown"


class Query(Message):
    """The response of a run as it stands."""

    kind: Literal["Query"] = "Query"
    run_id: Id


class QueryFinal(Message):
    """The final response of a run, waiting for it up to ``timeout_s`` seconds."""

    kind: Literal["QueryFinal"] = "QueryFinal"
    run_id: Id
    timeout_s: PositiveFloat = HOURS_10_S


class GetSequence(Message):
    """The step list, or None when there is none."""

    kind: Literal["GetSequence"] = "GetSequence"


class GetSequencerState(Message):
    """The state clients see."""

    kind: Literal["GetSequencerState"] = "GetSequencerState"


class GetSequenceComponent(Message):
    """Prefix of the sequence component the sequencer was loaded in."""

    kind: Literal["GetSequenceComponent"] = "GetSequenceComponent"


class GetRuns(Message):
    """The last runs with their times, steps and responses; one only when ``run_id`` is given."""

    kind: Literal["GetRuns"] = "GetRuns"
    run_id: str | None = None


class GetStatus(Message):
    """Who and what this is; answered at once in any state."""

    kind: Literal["GetStatus"] = "GetStatus"


class GetMetrics(Message):
    """The process's metrics in Prometheus' text form."""

    kind: Literal["GetMetrics"] = "GetMetrics"


class Watch(Message):
    """What changed since version ``after``, as soon as something did; what there is after ``timeout_s`` seconds.

    With ``after`` 0, or when the changes since are not kept any more, the whole list comes.
    """

    kind: Literal["Watch"] = "Watch"
    after: NonNegativeInt = 0
    timeout_s: NonNegativeFloat = 10.0


class SetTimeFactor(Message):
    """Scale every simulated wait: 1.0 is real time, 0.05 twenty times faster. Also understood by devices."""

    kind: Literal["SetTimeFactor"] = "SetTimeFactor"
    factor: PositiveFloat


class SequencerSnapshot(SharedMessage):
    """All a progress display needs.

    Args:
        version: grows with every change; pass it to the next Watch.
        list_version: grows when the list itself changed (loaded, edited), and with every restart of the sequencer;
            edits may name the one they were made for.
        run_id: the present or last run, None before the first.
        killed: the sequencer is shutting down; there will be no further version.
    """

    version: int
    list_version: int
    state: SequencerState
    run_id: str | None
    steps: tuple[Step, ...]
    killed: bool = False


class SequencerDelta(SharedMessage):
    """What changed between two versions.

    Args:
        since: the version this starts from.
        changed: the steps that changed, whole, in the order of the list.
        order: ids of all steps in order when the list itself changed, else None.
    """

    since: int
    version: int
    list_version: int
    state: SequencerState
    run_id: str | None
    changed: tuple[Step, ...]
    order: tuple[str, ...] | None = None
    killed: bool = False


class RunRecord(Message):
    """One run of the history.

    Args:
        started_at: Unix time in seconds.
        ended_at: Unix time in seconds, None while it runs.
        response: as it stands.
        steps: with their times, attempts and results.
        digest: of the script package it ran; empty for a plain file.
    """

    run_id: str
    started_at: float
    ended_at: float | None
    response: SubmitResponse
    steps: tuple[Step, ...]
    digest: str = ""


class AwaitEnd(Message):
    """Answered with Ok when the sequencer was shut down; when its process dies, the question fails at once instead."""

    kind: Literal["AwaitEnd"] = "AwaitEnd"


class SequencerStatus(Message):
    """Who and what a sequencer is.

    Args:
        script: path of the script it runs.
        sequence_component: the component it was loaded in.
        step: ``name`` of the step in flight, or None.
        pid: process id on its machine.
        online: False in Offline only.
        hook_limit_s: longest a hook of its script may take, in seconds; clients wait as long for its end.
        blocked_s: seconds for which the script has kept its strand from running anything else; 0 when it has not.
        blocked_at: the script's line it is at, ``file:line function``.
        procedure: where its procedure stands.
        late: what its procedure should have done by now and has not, for people.
    """

    prefix: Prefix
    obs_mode: ObsMode
    state: SequencerState
    script: str
    sequence_component: Prefix
    run_id: str | None
    step: str | None
    steps_done: int
    steps_total: int
    pid: int
    online: bool = True
    hook_limit_s: float = 60.0
    blocked_s: float = 0.0
    blocked_at: str = ""
    procedure: ProcedureState = ProcedureState.IDLE
    late: str = ""
