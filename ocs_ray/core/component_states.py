"""A sequence component: idle, running, and on the way between.

Source: esw SequenceComponentBehavior.scala.
Loading takes seconds and must not block status, so it is a state of its own; ESW blocks the actor instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class State(StrEnum):
    """Where a component stands."""

    IDLE = "Idle"
    LOADING = "Loading"
    RUNNING = "Running"
    UNLOADING = "Unloading"
    RESTARTING = "Restarting"


class Trigger(StrEnum):
    """What can move it; the value is ESW's message type."""

    LOAD = "LoadScript"
    LOADED = "ScriptLoaded"
    LOAD_FAILED = "LoadingScriptFailed"
    UNLOAD = "UnloadScript"
    UNLOADED = "ScriptUnloaded"
    RESTART = "RestartScript"
    SHUTDOWN = "ShutdownComponent"
    ENDED = "SequencerEnded"
    LOST = "SequencerLost"


class Refused(NamedTuple):
    """The trigger means nothing in this state."""

    state: State
    trigger: Trigger

    @property
    def text(self) -> str:
        """ESW's words, which here lack the word 'state' at the end."""
        return f"Sequence Component can not accept '{self.trigger}' message in '{self.state}'"


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = {
    (State.IDLE, Trigger.LOAD): State.LOADING,
    (State.IDLE, Trigger.UNLOAD): State.IDLE,  # nothing to do is Ok
    (State.LOADING, Trigger.LOADED): State.RUNNING,
    (State.LOADING, Trigger.LOAD_FAILED): State.IDLE,
    (State.LOADING, Trigger.UNLOAD): State.UNLOADING,  # ESW's blocked actor would load first, then unload
    (State.RUNNING, Trigger.UNLOAD): State.UNLOADING,
    (State.RUNNING, Trigger.RESTART): State.RESTARTING,
    (State.RUNNING, Trigger.ENDED): State.UNLOADING,  # somebody shut the sequencer down; what is left of it goes
    (State.RUNNING, Trigger.LOST): State.IDLE,
    (State.RESTARTING, Trigger.LOADED): State.RUNNING,
    (State.RESTARTING, Trigger.UNLOAD): State.UNLOADING,
    (State.RESTARTING, Trigger.LOAD_FAILED): State.IDLE,  # ESW stays Running with the dead sequencer: a defect
    (State.UNLOADING, Trigger.UNLOADED): State.IDLE,
    **{(state, Trigger.SHUTDOWN): State.UNLOADING for state in State},  # always: it is the last that happens to it
}


def decide(state: State, trigger: Trigger) -> State | Refused:
    """Next state for a trigger."""
    return TRANSITIONS.get((state, trigger)) or Refused(state, trigger)
