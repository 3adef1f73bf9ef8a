"""The life cycle of a sequencer as tables.

Source: seed 000 and esw SequencerBehavior.scala, one receive block a state. Where they differ the seed wins: going
online is for Offline only, going offline for Idle and Loaded only. Killed is final and reached from every state.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from ocs_ray.models.sequencer_messages import OTHER_NAMES, SequencerState


class State(StrEnum):
    """Internal states; the value is the name ESW puts in an Unhandled text."""

    IDLE = "Idle"
    LOADED = "Loaded"
    RUNNING = "Running"
    OFFLINE = "Offline"
    SUBMITTING = "Submitting"
    STARTING = "Starting"
    GOING_ONLINE = "GoingOnline"
    GOING_OFFLINE = "GoingOffline"
    ABORTING = "AbortingSequence"
    STOPPING = "Stopping"
    SHUTTING_DOWN = "ShuttingDown"
    KILLED = "Killed"

    @classmethod
    def _missing_(cls, value: object) -> State | None:
        name = OTHER_NAMES.get(str(value))
        return None if name is None else cls(name)


class Trigger(StrEnum):
    """What can move the state; the value is the message type ESW puts in an Unhandled text."""

    LOAD = "LoadSequence"
    START = "StartSequence"
    SUBMIT = "SubmitSequenceInternal"
    RETRY = "RetryFailed"
    RESET = "Reset"
    ABORT = "AbortSequence"
    STOP = "Stop"
    GO_ONLINE = "GoOnline"
    GO_OFFLINE = "GoOffline"
    SHUTDOWN = "Shutdown"
    HOOK_OK = "HookOk"
    HOOK_FAILED = "HookFailed"
    RUN_ENDED = "GoIdle"


class Hook(StrEnum):
    """Moments of a sequencer's life a script may handle."""

    NEW_SEQUENCE = "on_new_sequence"
    GO_ONLINE = "on_go_online"
    GO_OFFLINE = "on_go_offline"
    ABORT_SEQUENCE = "on_abort_sequence"
    STOP = "on_stop"
    SHUTDOWN = "on_shutdown"
    DIAGNOSTIC_MODE = "on_diagnostic_mode"
    OPERATIONS_MODE = "on_operations_mode"


class Accepted(NamedTuple):
    """The next state, and the hook that must run to get out of it."""

    state: State
    hook: Hook | None = None


class Refused(NamedTuple):
    """The message means nothing in this state; nothing changed."""

    state: State
    message_type: str

    @property
    def text(self) -> str:
        """ESW's exact words."""
        return f"Sequencer can not accept '{self.message_type}' message in '{self.state}' state"


_S, _T = State, Trigger
TRANSITIONS: Final[Mapping[tuple[State, Trigger], Accepted]] = {
    (_S.IDLE, _T.LOAD): Accepted(_S.LOADED),
    (_S.IDLE, _T.SUBMIT): Accepted(_S.SUBMITTING, Hook.NEW_SEQUENCE),
    (_S.IDLE, _T.RETRY): Accepted(_S.STARTING, Hook.NEW_SEQUENCE),
    (_S.IDLE, _T.GO_OFFLINE): Accepted(_S.GOING_OFFLINE, Hook.GO_OFFLINE),
    (_S.LOADED, _T.LOAD): Accepted(_S.LOADED),
    (_S.LOADED, _T.SUBMIT): Accepted(_S.SUBMITTING, Hook.NEW_SEQUENCE),
    (_S.LOADED, _T.START): Accepted(_S.STARTING, Hook.NEW_SEQUENCE),
    (_S.LOADED, _T.RESET): Accepted(_S.IDLE),
    (_S.LOADED, _T.GO_OFFLINE): Accepted(_S.GOING_OFFLINE, Hook.GO_OFFLINE),
    (_S.OFFLINE, _T.GO_ONLINE): Accepted(_S.GOING_ONLINE, Hook.GO_ONLINE),
    (_S.SUBMITTING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.STARTING, _T.HOOK_OK): Accepted(_S.RUNNING),
    (_S.GOING_ONLINE, _T.HOOK_OK): Accepted(_S.IDLE),
    (_S.GOING_ONLINE, _T.HOOK_FAILED): Accepted(_S.OFFLINE),
    (_S.GOING_OFFLINE, _T.HOOK_OK): Accepted(_S.OFFLINE),
    (_S.RUNNING, _T.RESET): Accepted(_S.RUNNING),
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
"""A failed submit, start or go-offline hook leads back to where it came from, which no table can know."""

_LISTED: Final = frozenset({State.LOADED, State.RUNNING})
EDITS: Final[Mapping[str, frozenset[State]]] = {
    **dict.fromkeys(
        ("Add", "Prepend", "Replace", "InsertAfter", "Delete", "AddBreakpoint", "RemoveBreakpoint", "Skip", "Move"),
        _LISTED,
    ),
    **dict.fromkeys(("Pause", "Resume", "StepOnce"), frozenset({State.RUNNING})),
}
"""Message type of an edit -> the states that take it."""

_EXTERNAL: Final = {
    State.IDLE: SequencerState.IDLE,
    State.LOADED: SequencerState.LOADED,
    State.RUNNING: SequencerState.RUNNING,
    State.OFFLINE: SequencerState.OFFLINE,
}


def decide(state: State, trigger: Trigger) -> Accepted | Refused:
    """Next state for a trigger. Shutdown is accepted in every state but the two it leads to."""
    if trigger is Trigger.SHUTDOWN and state not in (State.SHUTTING_DOWN, State.KILLED):
        return Accepted(State.SHUTTING_DOWN, Hook.SHUTDOWN)
    return TRANSITIONS.get((state, trigger)) or Refused(state, trigger)


def external(state: State) -> SequencerState:
    """What clients see: every transitional state is Processing. Source: esw InternalSequencerState.scala."""
    return _EXTERNAL.get(state, SequencerState.PROCESSING)
