"""What a sequencer understands and what it answers. Source: esw SequencerMessages.scala, EswSequencerResponse.scala."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from ocs_ray.models.commands import Sequence
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.steps import Step

HOURS_10_S = 36_000.0


class SequencerState(StrEnum):
    """The five states clients see; every transitional state is Processing. Source: esw SequencerState.scala."""

    IDLE = "Idle"
    LOADED = "Loaded"
    RUNNING = "Running"
    OFFLINE = "Offline"
    PROCESSING = "Processing"


class SubmitSequence(Message):
    """Run a sequence; answered with Started once the new-sequence hook ended well."""

    kind: Literal["SubmitSequence"] = "SubmitSequence"
    sequence: Sequence


class LoadSequence(Message):
    """Take a sequence without starting it."""

    kind: Literal["LoadSequence"] = "LoadSequence"
    sequence: Sequence


class StartSequence(Message):
    """Start what was loaded."""

    kind: Literal["StartSequence"] = "StartSequence"


class AbortSequence(Message):
    """End the run: abort hook, no further step."""

    kind: Literal["AbortSequence"] = "AbortSequence"


class Stop(Message):
    """End the run after the current step: stop hook, no further step."""

    kind: Literal["Stop"] = "Stop"


class Query(Message):
    """The response of a run as it stands."""

    kind: Literal["Query"] = "Query"
    run_id: str


class QueryFinal(Message):
    """The final response of a run, waiting for it up to ``timeout_s`` seconds."""

    kind: Literal["QueryFinal"] = "QueryFinal"
    run_id: str
    timeout_s: PositiveFloat = HOURS_10_S


class GetSequence(Message):
    """The step list, or None when there is none."""

    kind: Literal["GetSequence"] = "GetSequence"


class GetSequencerState(Message):
    """The state clients see."""

    kind: Literal["GetSequencerState"] = "GetSequencerState"


class GetStatus(Message):
    """Who and what this is; answered at once in any state."""

    kind: Literal["GetStatus"] = "GetStatus"


class Watch(Message):
    """The snapshot as soon as its version is above ``after``; the present one when ``timeout_s`` passes first."""

    kind: Literal["Watch"] = "Watch"
    after: NonNegativeInt = 0
    timeout_s: NonNegativeFloat = 10.0


class SetTimeFactor(Message):
    """Scale every simulated wait: 1.0 is real time, 0.05 twenty times faster. Also understood by devices."""

    kind: Literal["SetTimeFactor"] = "SetTimeFactor"
    factor: PositiveFloat


class Shutdown(Message):
    """End for good: shutdown hook, every waiter answered."""

    kind: Literal["Shutdown"] = "Shutdown"


class Ok(Message):
    """Done."""

    kind: Literal["Ok"] = "Ok"


class Unhandled(Message):
    """The message means nothing in the present state; nothing changed. Source: esw EswSequencerResponse.scala."""

    kind: Literal["Unhandled"] = "Unhandled"
    state: str
    message_type: str
    msg: str


class SequencerSnapshot(Message):
    """All a progress display needs.

    Args:
        version: grows with every change; pass it to the next Watch.
        run_id: the present or last run, None before the first.
        killed: the sequencer is shutting down; there will be no further version.
    """

    version: int
    state: SequencerState
    run_id: str | None
    steps: tuple[Step, ...]
    killed: bool = False


class SequencerStatus(Message):
    """Who and what a sequencer is.

    Args:
        script: path of the script it runs.
        sequence_component: the component it was loaded in.
        step: ``name`` of the step in flight, or None.
        pid: process id on its machine.
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


OkOrUnhandled = Ok | Unhandled
