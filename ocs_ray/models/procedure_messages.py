"""What a sequencer understands of its procedure. Source: seed 004; reference isa88.md sections 4 and 6."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeFloat

from ocs_ray.models.message import Message
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.sequencer_messages import Request
from ocs_ray.models.times import UTCTime


class SendCommand(Request):
    """Tell a running script, or who supervises it, what to do.

    Args:
        message: the command by name, or for another topic than ``cmd`` whatever the script understands.
        topic: of the mailbox.
        sender: who sends it, for the record.
        wait_s: how long to wait until the command has been carried out; 0 answers at once with what became of it.
    """

    kind: Literal["SendCommand"] = "SendCommand"
    message: Any
    topic: str = "cmd"
    sender: str = ""
    wait_s: NonNegativeFloat = 0.0


class CommandResult(Message):
    """What became of a command.

    Args:
        accepted: whether it was followed, or will be.
        disposition: ``chosen``, ``superseded``, ``deferred``, ``rejected`` or ``unknown``.
        state: where the procedure stands now.
        reached: whether the state the command leads to was reached.
        reason: why it was not accepted, or what is still waited for.
    """

    kind: Literal["CommandResult"] = "CommandResult"
    accepted: bool
    disposition: Literal["chosen", "superseded", "deferred", "rejected", "unknown"]
    state: ProcedureState
    reached: bool = False
    reason: str = ""


class GetProcedure(Message):
    """Where the procedure stands."""

    kind: Literal["GetProcedure"] = "GetProcedure"


class WatchProcedure(Message):
    """What changed since ``after``, as soon as something did; nothing new after ``timeout_s`` seconds."""

    kind: Literal["WatchProcedure"] = "WatchProcedure"
    after: int = 0
    timeout_s: NonNegativeFloat = Field(default=10.0, le=60.0)


class ProcedureChange(Message):
    """The machine entered a state.

    Args:
        number: counts the changes of this sequencer, from 1.
        by: the command or the outcome (``SC``, ``FAULT``) that led there.
        sender: who asked; empty for what happened of itself.
    """

    number: int
    at: UTCTime
    state: ProcedureState
    by: str
    reason: str = ""
    sender: str = ""
    run_id: str | None = None


class ProcedureStatus(Message):
    """Where the procedure stands.

    Args:
        number: of the last change.
        waits_for: sequencers that have not followed yet.
        late: what should have happened by now and has not, for people.
        causes: external causes that are present.
        changes: the changes after the number asked for, at most the last 500.
    """

    kind: Literal["ProcedureStatus"] = "ProcedureStatus"
    state: ProcedureState
    number: int
    reason: str = ""
    waits_for: tuple[str, ...] = ()
    late: str = ""
    causes: tuple[str, ...] = ()
    changes: tuple[ProcedureChange, ...] = ()


FOLLOWED = frozenset({"chosen", "deferred"})
"""Dispositions that count as accepted."""
