"""The life cycle of a sequencer as a table.

Source: esw SequencerBehavior.scala, one receive block a state; seed 000. Going online and offline, and the editor,
come with the issue on the sequencer. Killed is final and reached from every state.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from ocs_ray.models.sequencer_messages import SequencerState


class State(StrEnum):
    """Internal states; the value is the name ESW puts in an Unhandled text."""

    IDLE = "Idle"
    LOADED = "Loaded"
    SUBMITTING = "Submitting"
    STARTING = "Starting"
    RUNNING = "Running"
    ABORTING = "AbortingSequence"
    STOPPING = "Stopping"
    SHUTTING_DOWN = "ShuttingDown"
    KILLED = "Killed"


class Trigger(StrEnum):
    """What can move the state; the value is the message type ESW puts in an Unhandled text."""

    LOAD = "LoadSequence"
    START = "StartSequence"
    SUBMIT = "SubmitSequenceInternal"
    ABORT = "AbortSequence"
    STOP = "Stop"
    SHUTDOWN = "Shutdown"
    HOOK_OK = "HookOk"
    HOOK_FAILED = "HookFailed"
    RUN_ENDED = "GoIdle"


class Hook(StrEnum):
    """Moments of a sequencer's life a script may handle."""

    NEW_SEQUENCE = "on_new_sequence"
    ABORT_SEQUENCE = "on_abort_sequence"
    STOP = "on_stop"
    SHUTDOWN = "on_shutdown"


class Accepted(NamedTuple):
    """The next state, and the hook that must run to get out of it."""

    state: State
    hook: Hook | None = None


class Refused(NamedTuple):
    """The trigger means nothing in this state; nothing changed."""

    state: State
    trigger: Trigger

    @property
    def text(self) -> str:
        """ESW's exact words."""
        return f"Sequencer can not accept '{self.trigger}' message in '{self.state}' state"


_S, _T = State, Trigger
TRANSITIONS: Final[Mapping[tuple[State, Trigger], Accepted]] = {
    (_S.IDLE, _T.LOAD): Accepted(_S.LOADED),
    (_S.IDLE, _T.SUBMIT): Accepted(_S.SUBMITTING, Hook.NEW_SEQUENCE),
    (_S.LOADED, _T.LOAD): Accepted(_S.LOADED),
    (_S.LOADED, _T.SUBMIT): Accepted(_S.SUBMITTING, Hook.NEW_SEQUENCE),
    (_S.LOADED, _T.START): Accepted(_S.STARTING, Hook.NEW_SEQUENCE),
    (_S.SUBMITTING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.STARTING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.STARTING, _T.HOOK_FAILED): Accepted(_S.LOADED),
    (_S.RUNNING, _T.RUN_ENDED): Accepted(_S.IDLE),
    (_S.RUNNING, _T.ABORT): Accepted(_S.ABORTING, Hook.ABORT_SEQUENCE),
    (_S.RUNNING, _T.STOP): Accepted(_S.STOPPING, Hook.STOP),
    # A failed abort or stop hook does not keep the run alive: the operator asked for its end.
    (_S.ABORTING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.ABORTING, _T.HOOK_FAILED): Accepted(_S.RUNNING),
    (_S.STOPPING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.STOPPING, _T.HOOK_FAILED): Accepted(_S.RUNNING),
    (_S.SHUTTING_DOWN, _T.HOOK_OK): Accepted(_S.KILLED),
    (_S.SHUTTING_DOWN, _T.HOOK_FAILED): Accepted(_S.KILLED),
}

_EXTERNAL: Final = {
    State.IDLE: SequencerState.IDLE,
    State.LOADED: SequencerState.LOADED,
    State.RUNNING: SequencerState.RUNNING,
}


def decide(state: State, trigger: Trigger) -> Accepted | Refused:
    """Next state for a trigger. Shutdown is accepted in every state but the two it leads to.

    A submit hook that failed goes back to where the submit came from; the caller knows that state, so it is no row
    here.
    """
    if trigger is Trigger.SHUTDOWN and state not in (State.SHUTTING_DOWN, State.KILLED):
        return Accepted(State.SHUTTING_DOWN, Hook.SHUTDOWN)
    return TRANSITIONS.get((state, trigger)) or Refused(state, trigger)


def external(state: State) -> SequencerState:
    """What clients see: every transitional state is Processing. Source: esw InternalSequencerState.scala."""
    return _EXTERNAL.get(state, SequencerState.PROCESSING)
