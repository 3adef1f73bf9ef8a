"""The sequencers a script waits for: what holds here holds there, and is over here when it is over there.

Source: reference isa88.md section 6, 'HOLD/STOP propagate down in tree order, parent HELD only when all children HELD'.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.core.procedure_events import Propagate
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

_S, _C = ProcedureState, ProcedureCommand
_YIELD: Final = {_S.HOLDING: _C.HOLD, _S.HELD: _C.HOLD, _S.SUSPENDING: _C.SUSPEND, _S.SUSPENDED: _C.SUSPEND}
_GO_ON: Final = {_C.HOLD: _C.RESUME, _C.SUSPEND: _C.UNSUSPEND}
ENDED_BY: Final = {_S.STOPPED: _C.STOP, _S.ABORTED: _C.ABORT}
"""The states in which a script was ended -> the command it was ended by."""
END_OF: Final = {_S.STOPPING: _C.STOP, _S.ABORTING: _C.ABORT}
"""The states in which a script is being ended -> the command it is ended by."""


class Children:
    """Who they are, which of them yield because they were told to, and whose answer is waited for."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._yield: dict[str, ProcedureCommand] = {}
        self._asked: dict[str, ProcedureCommand] = {}

    @property
    def waits_for(self) -> frozenset[str]:
        """Those that have not followed yet."""
        return frozenset(self._asked)

    def entered(self, state: ProcedureState, *, gently: bool = False) -> list[Propagate]:
        """What they are told when the machine is in a new state; a pause tells them nothing: their step is to end."""
        if not self._names and not self._yield:
            return []
        if state in (_S.HOLDING, _S.SUSPENDING):
            self._yield = dict.fromkeys(self._names, _YIELD[state])
            self._asked = dict(self._yield)
            return _told(self._yield)
        if state in (_S.UNHOLDING, _S.UNSUSPENDING, _S.COMPLETING):
            released = {name: _GO_ON[command] for name, command in self._yield.items()}
            self._yield, self._asked = {}, {} if state is _S.COMPLETING else released
            return _told(released)
        if state in END_OF:
            self._yield, self._asked = {}, {}
            return _told(dict.fromkeys(self._names, END_OF[state]), gently=gently)
        return []

    def began(self, name: str, state: ProcedureState, *, is_pause: bool, gently: bool = False) -> list[Propagate]:
        """One more, while the machine is in ``state``; one of a step that may run to its end is told nothing."""
        self._names.add(name)
        if state in END_OF:
            lets_finish = is_pause and state is _S.STOPPING
            return [] if lets_finish else [Propagate(END_OF[state], (name,), gently)]
        if state not in _YIELD or is_pause:
            return []
        self._yield[name] = _YIELD[state]
        if state in (_S.HOLDING, _S.SUSPENDING):
            self._asked[name] = _YIELD[state]
        return [Propagate(_YIELD[state], (name,))]

    def outlives(
        self, name: str, state: ProcedureState, by: ProcedureCommand | None, *, gently: bool
    ) -> list[Propagate]:
        """One that began for nobody is ended as its run was: as the last one, or, when another goes on, by ``by``."""
        if state in END_OF:
            return []  # it is told as one of the children
        by = ENDED_BY.get(state, by)
        return [] if by is None else [Propagate(by, (name,), gently)]

    def ended(self, name: str) -> None:
        """One less."""
        self._names.discard(name)
        self._yield.pop(name, None)
        self._asked.pop(name, None)

    def settled(self, name: str, command: ProcedureCommand | None) -> None:
        """One followed; an answer to an earlier command than the last says nothing. None: to whatever it was told."""
        if command is None or self._asked.get(name) is command:
            self._asked.pop(name, None)


def _told(commands: dict[str, ProcedureCommand], *, gently: bool = False) -> list[Propagate]:
    return [
        Propagate(command, tuple(sorted(name for name, told in commands.items() if told is command)), gently)
        for command in dict.fromkeys(commands.values())
    ]
