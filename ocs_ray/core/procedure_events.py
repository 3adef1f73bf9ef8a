"""What comes out of the procedure's core, and the words its inputs use."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState


class Moment(StrEnum):
    """What a script may do on its way from one waiting state to another; the value is the handler's name.

    STARTING, STOPPING and ABORTING have the sequencer's own hooks: on_new_sequence, on_stop, on_abort_sequence.
    """

    HOLD = "on_hold"
    RESUME = "on_resume"
    SUSPEND = "on_suspend"
    UNSUSPEND = "on_unsuspend"
    COMPLETE = "on_complete"
    RESET = "on_reset"
    CLEAR = "on_clear"


MOMENTS: Final[Mapping[ProcedureState, Moment]] = {
    ProcedureState.HOLDING: Moment.HOLD,
    ProcedureState.UNHOLDING: Moment.RESUME,
    ProcedureState.SUSPENDING: Moment.SUSPEND,
    ProcedureState.UNSUSPENDING: Moment.UNSUSPEND,
    ProcedureState.COMPLETING: Moment.COMPLETE,
    ProcedureState.RESETTING: Moment.RESET,
    ProcedureState.CLEARING: Moment.CLEAR,
}


class Scope(StrEnum):
    """Where a hold takes effect: inside the step at its next checkpoint, or when the step has ended."""

    NOW = "now"
    STEP = "step"


class RunEnd(StrEnum):
    """How the sequencer's run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Check(StrEnum):
    """What a script is told at a checkpoint."""

    GO = "go"
    WAIT = "wait"
    STOP = "stop"
    ABORT = "abort"


class Entered(NamedTuple):
    """The machine is in a new state.

    Args:
        by: the command or outcome that led here.
        reason: why, in the words of who asked, or of the failure.
        sender: who asked; empty for what happened of itself.
    """

    state: ProcedureState
    by: str
    reason: str = ""
    sender: str = ""


class RunHandlers(NamedTuple):
    """Run the script's handlers of a moment; bring the outcome back with this token."""

    moment: Moment
    token: int


class Tell(NamedTuple):
    """Tell the sender of a letter what became of it."""

    letter: Letter
    disposition: Disposition
    state: ProcedureState
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be told; a deferred letter is told again later."""
        return self.disposition is not Disposition.DEFERRED


def rejected(letters: list[Letter], state: ProcedureState, reason: str = "") -> list[Effect]:
    """What the senders of these letters are told when nothing comes of them in ``state``."""
    return [Tell(x, Disposition.REJECTED, state, reason or f"{x.command} is not accepted in {state}") for x in letters]


class EndRun(NamedTuple):
    """The sequencer's run is to be ended: by abort, by stop, or, for COMPLETE, with the steps that are left dropped."""

    by: ProcedureCommand


class StartRun(NamedTuple):
    """The loaded sequence is to be started, as this letter asks."""

    letter: Letter


class GateSteps(NamedTuple):
    """From now on the next step is not started, or it is."""

    closed: bool


class Propagate(NamedTuple):
    """Send a command to the sequencers this script waits for.

    Args:
        gently: a STOP or ABORT that is the sequencer's own: it never cuts short what does not follow it.
    """

    command: ProcedureCommand
    children: tuple[str, ...]
    gently: bool = False


class Release(NamedTuple):
    """Those who wait at a checkpoint, or for a command, are to look again."""


Effect = Entered | RunHandlers | Tell | EndRun | StartRun | GateSteps | Propagate | Release
