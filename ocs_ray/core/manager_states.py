"""The Sequence Manager does one changing operation at a time. Source: esw SequenceManagerBehavior.scala; seed 002."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Idle, or busy with one operation."""

    IDLE = "Idle"
    PROCESSING = "Processing"


def refusal(state: State, operation: str) -> str | None:
    """Why a changing operation cannot begin now, in ESW's words; None when it can.

    Args:
        operation: the message type, for example ``Configure``.
    """
    if state is State.IDLE:
        return None
    return f"Sequence Manager can not accept '{operation}' message in '{state}'"
