"""What a script does about a hold: waits at a checkpoint, holds by itself, or is in a part that is not to be held.

Source: reference isa88.md section 6, the script's interface; seed 004 'Workflow example' holds by itself.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.core.procedure_events import Check, Scope
from ocs_ray.core.procedure_states import LEAVING, POLICY, YIELDED, YIELDING
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

PULLS_UP: Final = frozenset({ProcedureCommand.HOLD, ProcedureCommand.SUSPEND})
"""The commands that ask a script to hold."""

_WAITS: Final = YIELDING | YIELDED | LEAVING
"""Where a task of the script waits at its checkpoints."""

ENDED_BY: Final = {
    ProcedureCommand.STOP: ProcedureState.STOPPING,
    ProcedureCommand.ABORT: ProcedureState.ABORTING,
}
"""Where the commands that end a script lead."""


class ScriptSide:
    """How far the script is with a hold; it says so by where it waits and what it asks for."""

    def __init__(self) -> None:
        self.scope = Scope.NOW
        self.is_pressed = True
        """Whether what does not follow its end is cancelled in time: not by the sequencer's own stop and abort."""
        self.parked = 0
        self.guards = 0
        self._holds = False
        self._has_followed = False
        self._polled_in: ProcedureState | None = None

    def run_changed(self) -> None:
        """A run begins, or is over: nothing but tasks that still wait is left of what was before."""
        self.scope, self.is_pressed, self.guards = Scope.NOW, True, 0
        self.part_ended()

    def part_ended(self) -> None:
        """A step ended, or the hook: what held by itself, or asked for commands, is gone."""
        self._holds, self._polled_in = False, None

    def polled(self, says: ProcedureState, state: ProcedureState) -> None:
        """It asked for a command as one in ``says``, which is of interest when the machine is elsewhere."""
        self._polled_in = None if says is state else says

    def may_take(self, command: ProcedureCommand) -> bool:
        """Whether a command the machine does not accept is one for the script, which says it is elsewhere."""
        return self._polled_in is not None and self._polled_in in POLICY[command]

    def took(self, command: ProcedureCommand) -> None:
        """It was handed a command. One that asks to hold it is to follow by itself, unless a task of it waits."""
        if command in PULLS_UP and not self.parked:
            self._holds, self._has_followed = True, False

    def never_went_on(self) -> None:
        """It is held again before it heard that it might go on: it holds already."""
        self._holds = self._has_followed = True

    def goes_on(self) -> None:
        """Whatever it held for is over."""
        self._holds = False

    def came_back(self) -> None:
        """It asked for a command, or passed a checkpoint: it has followed what it was handed before."""
        self._has_followed = True

    def guard(self, *, closed: bool) -> None:
        """One more, or one less, part that is not to be held; one of an earlier run may end late."""
        self.guards = self.guards + 1 if closed else max(0, self.guards - 1)

    def yields(self, *, is_busy: bool) -> bool:
        """Whether it does what a hold asks for; ``is_busy``: a step of it, or its hook, runs."""
        if self.guards:
            return False
        follows = self._has_followed if self._holds else self.parked > 0 and self.scope is Scope.NOW
        return follows or not is_busy

    def lets_finish(self, state: ProcedureState) -> bool:
        """Whether the step in flight may run to its end: the sequencer's own stop ends the run after it."""
        return state is ProcedureState.STOPPING and self.scope is Scope.STEP

    def is_ended(self, scope: Scope, *, again: bool) -> None:
        """It is to end; a gentle end (scope STEP) that comes ``again``, after a pressing one, makes it no gentler."""
        self.is_pressed = scope is Scope.NOW or (again and self.is_pressed)

    def is_paused(self, state: ProcedureState) -> bool:
        """Whether it is held, or is to be, at the end of a step."""
        return state in (ProcedureState.HOLDING, ProcedureState.HELD) and self.scope is Scope.STEP

    def can_hurry(self, command: ProcedureCommand, state: ProcedureState) -> bool:
        """Whether what waits for the end of the step may be had at once."""
        if command in ENDED_BY and state is ENDED_BY[command]:
            return not self.is_pressed
        return command is ProcedureCommand.HOLD and state is ProcedureState.HOLDING and self.is_paused(state)

    def check(self, state: ProcedureState, *, is_run: bool) -> Check:
        """Whether a checkpoint lets it through."""
        if state is ProcedureState.ABORTING or (state is ProcedureState.ABORTED and is_run):
            return Check.ABORT
        if state is ProcedureState.STOPPING:  # the sequencer's own stop lets the step run to its end
            return Check.GO if self.scope is Scope.STEP else Check.STOP
        if self._holds or self.scope is Scope.STEP or (self.guards and state in YIELDING):
            return Check.GO
        return Check.WAIT if state in _WAITS else Check.GO
