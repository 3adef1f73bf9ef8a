"""The Sequence Manager does one changing operation at a time. Source: esw SequenceManagerBehavior.scala; seed 002."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    GetSequenceManagerState,
    Provision,
    ReloadObsModes,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.message import Message


class State(StrEnum):
    """Idle, or busy with one operation."""

    IDLE = "Idle"
    PROCESSING = "Processing"


class Trigger(StrEnum):
    """What comes to the manager: something to do, something to look at, the end of what it did."""

    OPERATION = "operation"
    READ = "read"
    COMPLETE = "ProcessingComplete"


class Refused(NamedTuple):
    """The trigger means nothing in this state."""

    state: State
    trigger: Trigger

    def text(self, message_type: str) -> str:
        """ESW's words, which lack the word 'state' at the end.

        Args:
            message_type: the request's class name, for example ``Configure``.
        """
        return f"Sequence Manager can not accept '{message_type}' message in '{self.state}'"


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = {
    (State.IDLE, Trigger.OPERATION): State.PROCESSING,
    (State.IDLE, Trigger.READ): State.IDLE,
    (State.PROCESSING, Trigger.READ): State.PROCESSING,
    (State.PROCESSING, Trigger.COMPLETE): State.IDLE,
}

OPERATIONS_S: Final[dict[type[Message], float]] = {
    Configure: 120.0,
    Provision: 150.0,
    StartSequencer: 120.0,
    RestartSequencer: 150.0,
    ShutdownSequencer: 60.0,
    ShutdownSubsystemSequencers: 60.0,
    ShutdownObsModeSequencers: 60.0,
    ShutdownAllSequencers: 60.0,
    ShutdownSequenceComponent: 60.0,
    ShutdownAllSequenceComponents: 90.0,
    ReloadObsModes: 20.0,
}
"""What changes something, and the longest it may take, in seconds. Winding up comes on top; see ``longest_s``."""

UNDO_S: Final = 45.0
"""Longest it may take to end what a failed start had started, in seconds."""
UNDONE: Final = frozenset((Configure, StartSequencer))
"""What is taken back when it fails."""
RELEASE_S: Final = 4.0
"""Longest it may take to release what modes hold, in seconds: their components are asked first, which may take 3."""
RELEASES: Final = 2
"""How often an operation that is cut short releases modes, at most: ending one by one, then those it was about."""

READS: Final = frozenset((GetManagerStatus, GetObsModesDetails, GetPlan, GetResources, GetSequenceManagerState))
"""What is answered in every state."""


def longest_s(operation: type[Message]) -> float:
    """After how many seconds an operation is answered for certain, whatever hangs."""
    return OPERATIONS_S[operation] + (UNDO_S if operation in UNDONE else 0.0) + RELEASES * RELEASE_S


def trigger_of(message: object) -> Trigger | None:
    """What a message is to the manager; None when it does not know it."""
    if type(message) in OPERATIONS_S:
        return Trigger.OPERATION
    return Trigger.READ if type(message) in READS else None


def decide(state: State, trigger: Trigger) -> State | Refused:
    """Next state for a trigger."""
    return TRANSITIONS.get((state, trigger)) or Refused(state, trigger)
