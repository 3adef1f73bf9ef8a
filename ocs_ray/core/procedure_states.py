"""The procedure state machine as tables: seed 004, its diagram, and PackML in one.

Source: reference isa88.md section 3, every cell; there T marks the seed's table, D its diagram, P PackML, X ours.
Where seed and diagram differ both are kept: STOP is accepted in every state; the supervisor also takes RESET from
COMPLETE, while the policy of ``recv_command`` is exactly the seed's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ocs_ray.models.procedure import ProcedureCommand, ProcedureState


class Outcome(StrEnum):
    """What happens of itself: what a state had to do is done (PackML's state complete), or it failed."""

    SC = "SC"
    FAULT = "FAULT"


_S, _C = ProcedureState, ProcedureCommand
Cell = tuple[ProcedureState, ProcedureCommand | Outcome]

_FINISHED: Final = (_S.STOPPING, _S.STOPPED, _S.ABORTING, _S.ABORTED, _S.CLEARING)
"""Where STOP is accepted and changes nothing: the end it asks for is on its way, or behind."""

ACTING: Final[Mapping[ProcedureState, ProcedureState]] = {
    _S.STARTING: _S.EXECUTE,
    _S.EXECUTE: _S.COMPLETING,
    _S.HOLDING: _S.HELD,
    _S.UNHOLDING: _S.EXECUTE,
    _S.SUSPENDING: _S.SUSPENDED,
    _S.UNSUSPENDING: _S.EXECUTE,
    _S.COMPLETING: _S.COMPLETE,
    _S.STOPPING: _S.STOPPED,
    _S.RESETTING: _S.IDLE,
    _S.ABORTING: _S.ABORTED,
    _S.CLEARING: _S.STOPPED,
}
"""States in which something is done -> where they lead when it is done. All others wait for a command."""

AT_REST: Final = frozenset({_S.IDLE, _S.COMPLETE, _S.STOPPED, _S.ABORTED})
YIELDING: Final = frozenset({_S.HOLDING, _S.SUSPENDING})
YIELDED: Final = frozenset({_S.HELD, _S.SUSPENDED})
LEAVING: Final = frozenset({_S.UNHOLDING, _S.UNSUSPENDING})
ENDING: Final = frozenset({_S.STOPPING, _S.ABORTING})
"""Kinds of states: nothing runs; on the way to a hold; in it; on the way out of it; on the way to an early end."""

TRANSITIONS: Final[Mapping[Cell, ProcedureState]] = {
    **{(state, Outcome.SC): target for state, target in ACTING.items()},
    **{(state, Outcome.FAULT): _S.ABORTING for state in ACTING if state is not _S.ABORTING},
    (_S.ABORTING, Outcome.FAULT): _S.ABORTED,  # what fails while aborting must not keep it from ending
    **{(state, _C.STOP): _S.STOPPING for state in _S if state not in _FINISHED},
    **{(state, _C.ABORT): _S.ABORTING for state in _S if state not in (_S.ABORTING, _S.ABORTED)},
    (_S.IDLE, _C.START): _S.STARTING,
    (_S.STARTING, _C.HOLD): _S.HOLDING,
    (_S.EXECUTE, _C.HOLD): _S.HOLDING,
    (_S.UNHOLDING, _C.HOLD): _S.HOLDING,
    (_S.SUSPENDED, _C.HOLD): _S.HOLDING,
    (_S.UNSUSPENDING, _C.HOLD): _S.HOLDING,
    (_S.HELD, _C.RESUME): _S.UNHOLDING,
    (_S.EXECUTE, _C.SUSPEND): _S.SUSPENDING,
    (_S.SUSPENDED, _C.UNSUSPEND): _S.UNSUSPENDING,
    (_S.EXECUTE, _C.COMPLETE): _S.COMPLETING,
    (_S.HELD, _C.COMPLETE): _S.COMPLETING,
    (_S.SUSPENDED, _C.COMPLETE): _S.COMPLETING,
    (_S.COMPLETE, _C.RESET): _S.RESETTING,
    (_S.STOPPED, _C.RESET): _S.RESETTING,
    (_S.ABORTED, _C.RESET): _S.CLEARING,  # goes on through STOPPED and RESETTING to IDLE by itself
    (_S.ABORTED, _C.CLEAR): _S.CLEARING,
}
"""(state, command or outcome) -> the next state. A pair that is missing is refused; see ``next_state``."""

POLICY: Final[Mapping[ProcedureCommand, frozenset[ProcedureState]]] = {
    _C.STOP: frozenset(_S),
    _C.HOLD: frozenset({_S.STARTING, _S.EXECUTE, _S.UNHOLDING}),
    _C.RESUME: frozenset({_S.HELD}),
    _C.RESET: frozenset({_S.STOPPED, _S.ABORTED}),
    **{
        command: frozenset(state for state in _S if (state, command) in TRANSITIONS)
        for command in (_C.START, _C.ABORT, _C.CLEAR, _C.COMPLETE, _C.SUSPEND, _C.UNSUSPEND)
    },
}
"""What ``recv_command`` lets through in which state: the seed's table as it is, and the machine's for the rest."""


def next_state(state: ProcedureState, event: ProcedureCommand | Outcome) -> ProcedureState | None:
    """The next state; the same one when the event is accepted and changes nothing; None when it is refused."""
    if event is _C.STOP and state in _FINISHED:
        return state
    return TRANSITIONS.get((state, event))


def settled(state: ProcedureState) -> ProcedureState:
    """The state a command's first state leads to when all goes well: HOLDING to HELD, UNHOLDING to EXECUTE."""
    while state in ACTING and state is not _S.EXECUTE:
        state = ACTING[state]
    return state


def leads_to(state: ProcedureState, command: ProcedureCommand) -> ProcedureState | None:
    """Where a command leads from ``state`` when all goes well; None when it is refused."""
    first = next_state(state, command)
    if first is None:
        return None
    return _S.IDLE if command is _C.RESET else settled(first)  # RESET goes on through STOPPED
