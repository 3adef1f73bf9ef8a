"""The procedure state of a running script: commands, checkpoints and outcomes in, effects out.

It stands beside the sequencer's life cycle, which decides what messages are legal; this decides how the script yields.
Source: seed 004; reference isa88.md sections 3, 4 and 6.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.core.mailbox import Disposition, Letter, Mailbox, Received
from ocs_ray.core.procedure_events import (
    Check,
    Effect,
    EndRun,
    Entered,
    GateSteps,
    Moment,
    Propagate,
    Release,
    RunEnd,
    RunHandlers,
    Scope,
    StartRun,
    Tell,
)
from ocs_ray.core.procedure_states import ACTING, POLICY, Outcome, next_state, settled
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

TOPIC: Final = "cmd"
"""The topic whose commands drive the machine; every other topic is a mailbox and nothing more."""

_S, _C = ProcedureState, ProcedureCommand
_MOMENTS: Final = {
    _S.HOLDING: Moment.HOLD,
    _S.UNHOLDING: Moment.RESUME,
    _S.SUSPENDING: Moment.SUSPEND,
    _S.UNSUSPENDING: Moment.UNSUSPEND,
    _S.COMPLETING: Moment.COMPLETE,
    _S.RESETTING: Moment.RESET,
    _S.CLEARING: Moment.CLEAR,
}
_AT_REST: Final = frozenset({_S.IDLE, _S.COMPLETE, _S.STOPPED, _S.ABORTED})
_YIELDING: Final = frozenset({_S.HOLDING, _S.SUSPENDING})
_YIELDED: Final = frozenset({_S.HELD, _S.SUSPENDED})
_LEAVING: Final = frozenset({_S.UNHOLDING, _S.UNSUSPENDING})
_ENDING: Final = frozenset({_S.STOPPING, _S.ABORTING})
_FOR_CHILDREN: Final = {
    _S.HOLDING: _C.HOLD,
    _S.UNHOLDING: _C.RESUME,
    _S.SUSPENDING: _C.SUSPEND,
    _S.UNSUSPENDING: _C.UNSUSPEND,
    _S.STOPPING: _C.STOP,
    _S.ABORTING: _C.ABORT,
}


class ProcedureCore:
    """State, mailboxes and conditions of one script. Every method returns what the shell is to do, in that order."""

    def __init__(self) -> None:
        self.state = _S.IDLE
        self.reason = ""
        self.in_flight = False
        self.waits_for: frozenset[str] = frozenset()
        self._mailboxes: dict[str, Mailbox] = {}
        self._children: set[str] = set()
        self._is_run = False
        self._hook_done = True
        self._wants_start = False
        self._resets = False
        self._scope = Scope.NOW
        self._parked = 0
        self._guards = 0
        self._script_holds = False
        self._polled_in: ProcedureState | None = None
        self._token = 0
        self._handlers: int | None = None
        self._gated = False

    # -- commands ------------------------------------------------------------------------------------------------

    def send(self, letter: Letter, topic: str = TOPIC) -> list[Effect]:
        """Take a message. Its sender is told at once what became of it, or that it waits."""
        box = self._box(topic)
        if topic != TOPIC:
            if box.is_full:
                return [Tell(letter, Disposition.REJECTED, self.state, "the mailbox is full")]
            box.put(letter)
            return [Tell(letter, Disposition.DEFERRED, self.state, "it waits for the script"), Release()]
        command = letter.command
        if command is None:
            return [Tell(letter, Disposition.UNKNOWN, self.state, "it is no command")]
        if command is _C.START and self.state is _S.IDLE:
            return [StartRun(letter)]
        if command is _C.HOLD and self.state is _S.HOLDING and self._scope is Scope.STEP:
            self._scope = Scope.NOW  # a pause becomes a hold: it need not wait for the end of the step any more
            return [Tell(letter, Disposition.CHOSEN, self.state), Release()]
        if command in (_C.HOLD, _C.SUSPEND) and self._guards and self.state is _S.EXECUTE:
            return self._defer(letter, "the script is in a part that is not to be held")
        if next_state(self.state, command) is not None:
            return self._follow(letter, command)
        if next_state(settled(self.state), command) is not None and settled(self.state) is not self.state:
            return self._defer(letter, f"it waits for {settled(self.state)}")
        if self._polled_in is not None and self._polled_in in POLICY[command]:
            return self._defer(letter, "it waits for the script")
        return [Tell(letter, Disposition.REJECTED, self.state, f"{command} is not accepted in {self.state}")]

    def refuse_start(self, letter: Letter, reason: str) -> list[Effect]:
        """The sequencer would not start its sequence."""
        return [Tell(letter, Disposition.REJECTED, self.state, reason)]

    def _defer(self, letter: Letter, reason: str) -> list[Effect]:
        box = self._box(TOPIC)
        if box.is_full:
            return [Tell(letter, Disposition.REJECTED, self.state, "the mailbox is full")]
        box.put(letter)
        return [Tell(letter, Disposition.DEFERRED, self.state, reason), Release()]

    def _follow(self, letter: Letter, command: ProcedureCommand) -> list[Effect]:
        """Do as a letter says. It stays in the mailbox while the script may still ask for it."""
        before = self.state
        effects: list[Effect] = [Tell(letter, Disposition.CHOSEN, before)]
        box = self._box(TOPIC)
        superseded = box.take(lambda one: one.accepted_in is not None or command.is_urgent)
        effects += [
            Tell(one, Disposition.SUPERSEDED, before, f"{command} was followed")
            for one in superseded
            if one.accepted_in is None
        ]
        if self.in_flight and not self._parked and not box.is_full:
            box.put(letter)
            box.accept(letter, before)
        return effects + self.command(command, sender=letter.sender)

    def command(
        self, command: ProcedureCommand, *, reason: str = "", sender: str = "", scope: Scope = Scope.NOW
    ) -> list[Effect]:
        """Follow a command that came by another way: the sequencer's stop, abort or pause, or a rule.

        One that is not accepted in the present state does nothing.
        """
        target = next_state(self.state, command)
        if target is None or target is self.state:
            return []
        self._scope = scope
        self._resets = command is _C.RESET
        effects = self._enter(target, command, reason, sender)
        if command in (_C.STOP, _C.ABORT, _C.COMPLETE) and self._is_run:
            effects.append(EndRun(command))
        return effects + self._settle()

    # -- the script ----------------------------------------------------------------------------------------------

    def receive(
        self, current_state: ProcedureState | None, topic: str, max_messages: int
    ) -> tuple[Letter | None, list[Effect]]:
        """The script asks for its next command; see ``Mailbox.receive``. Asking shows that it has followed the last."""
        effects = self._script_came_back() if topic == TOPIC else []
        if topic == TOPIC:
            self._polled_in = current_state or self.state
        state = current_state or self.state
        received: Received = self._box(topic).receive(state, max_messages)
        for verdict in received.verdicts:
            if verdict.letter.accepted_in is None:  # the others were told when they were followed
                effects.append(Tell(verdict.letter, verdict.disposition, self.state, verdict.reason))
        letter = received.chosen
        if letter is None or topic != TOPIC or letter.command is None:
            return letter, effects
        if letter.command in (_C.HOLD, _C.SUSPEND):
            self._script_holds = True
        if letter.accepted_in is None:
            effects += self.command(letter.command, sender=letter.sender)
        return letter, effects

    def checkpoint(self) -> Check:
        """What the script is to do here and now."""
        if self.state is _S.ABORTING:
            return Check.ABORT
        if self.state is _S.STOPPING:
            return Check.STOP
        if self._script_holds or self._scope is Scope.STEP or self._guards:
            return Check.GO
        return Check.WAIT if self.state in _YIELDING | _YIELDED | _LEAVING else Check.GO

    def park(self) -> list[Effect]:
        """A task of the script waits at a checkpoint."""
        self._parked += 1
        self._forget_followed()
        return self._settle()

    def unpark(self) -> list[Effect]:
        """It goes on."""
        self._parked -= 1
        return []

    def touch(self) -> list[Effect]:
        """The script passed a checkpoint: one that holds by itself shows so that it has followed."""
        return self._script_came_back()

    def _script_came_back(self) -> list[Effect]:
        return self._settle(came_back=True)

    def guard(self, *, closed: bool) -> list[Effect]:
        """A part of the script begins that is not to be held, or ends; what was asked meanwhile is done then."""
        self._guards += 1 if closed else -1
        return [] if self._guards else self._retry_deferred()

    # -- outcomes ------------------------------------------------------------------------------------------------

    def handlers_ended(self, token: int, failure: str | None) -> list[Effect]:
        """The script's handlers of a moment ended; a late outcome is dropped."""
        if token != self._handlers:
            return []
        self._handlers = None
        return self._settle() if failure is None else self.fault(failure)

    def fault(self, reason: str) -> list[Effect]:
        """Something failed that ends the procedure."""
        target = next_state(self.state, Outcome.FAULT if self.state in ACTING else _C.ABORT)
        if target is None or self.state in _AT_REST:
            return []
        effects = self._enter(target, Outcome.FAULT, reason)
        if self._is_run:
            effects.append(EndRun(_C.ABORT))
        return effects + self._settle()

    def run_begins(self) -> list[Effect]:
        """The sequencer runs its new-sequence hook. What is left of the last run is reset first."""
        self._is_run, self._hook_done, self._wants_start = True, False, True
        self._polled_in, self._script_holds, self._scope, self._guards = None, False, Scope.NOW, 0
        return self._settle()

    def run_began(self) -> list[Effect]:
        """The hook ended well: steps are run now."""
        self._hook_done = True
        return self._settle()

    def step(self, *, in_flight: bool) -> list[Effect]:
        """A step began, or ended."""
        self.in_flight = in_flight
        if in_flight:
            return []
        self._script_holds = False
        self._forget_followed()
        return self._settle()

    def _forget_followed(self) -> None:
        """A command that was followed without the script's asking is no news to it any more."""
        self._box(TOPIC).take(lambda one: one.accepted_in is not None)

    def run_ended(self, how: RunEnd, reason: str = "") -> list[Effect]:
        """The run is over, whatever the procedure was at."""
        self._is_run, self.in_flight, self._wants_start = False, False, False
        effects: list[Effect] = [
            Tell(letter, Disposition.REJECTED, self.state, "the run ended first")
            for letter in self._box(TOPIC).take(lambda _: True)
            if letter.accepted_in is None
        ]
        if self.state not in _ENDING and how is RunEnd.FAILED:
            effects += self.fault(reason)
        elif self.state not in _ENDING and how is RunEnd.CANCELLED:
            effects += self.command(_C.STOP, reason=reason)
        return effects + self._settle()

    # -- other sequencers ----------------------------------------------------------------------------------------

    def child_began(self, name: str) -> list[Effect]:
        """The script waits for another sequencer from now on; what holds here holds there."""
        self._children.add(name)
        if self.state in _YIELDING | _YIELDED:
            command = _C.HOLD if self.state in (_S.HOLDING, _S.HELD) else _C.SUSPEND
            return [Propagate(command, (name,))]
        return []

    def child_ended(self, name: str) -> list[Effect]:
        """It does not any more."""
        self._children.discard(name)
        return self.child_settled(name)

    def child_settled(self, name: str) -> list[Effect]:
        """Another sequencer followed the command that was handed on to it."""
        self.waits_for = self.waits_for - {name}
        return self._settle()

    # -- moving --------------------------------------------------------------------------------------------------

    def _enter(
        self, state: ProcedureState, by: ProcedureCommand | Outcome, reason: str = "", sender: str = ""
    ) -> list[Effect]:
        self.state, self.reason, self._handlers = state, reason, None
        effects: list[Effect] = [Entered(state, by.value, reason, sender), Release()]
        if state in _LEAVING or state in _ENDING:
            self._script_holds = False
        if (command := _FOR_CHILDREN.get(state)) is not None and self._children:
            children = tuple(sorted(self._children))
            self.waits_for = frozenset() if state in _ENDING else frozenset(children)
            effects.append(Propagate(command, children))
        gated = state in _YIELDING | _YIELDED | _LEAVING
        if gated is not self._gated:
            self._gated = gated
            effects.append(GateSteps(closed=gated))
        if (moment := _MOMENTS.get(state)) is not None:
            self._token += 1
            self._handlers = self._token
            effects.append(RunHandlers(moment, self._token))
        return effects

    def _settle(self, *, came_back: bool = False) -> list[Effect]:
        """Go on through every state whose work is done."""
        effects: list[Effect] = []
        while True:
            if self._wants_start and self.state in _AT_REST:
                effects += self._start_anew()
            elif self.state is _S.STOPPED and self._resets:
                self._resets = False
                effects += self._enter(_S.RESETTING, _C.RESET)
            elif not self._is_run and self.state in _YIELDED:
                effects += self._enter(_S.COMPLETING, _C.COMPLETE, "the last step ended")
            elif not self._is_run and self.state is _S.EXECUTE:
                effects += self._enter(_S.COMPLETING, Outcome.SC)
            elif self.state is not _S.EXECUTE and self.state in ACTING and self._is_done(came_back):
                effects += self._enter(ACTING[self.state], Outcome.SC)
            else:
                return effects + (self._retry_deferred() if effects else [])

    def _start_anew(self) -> list[Effect]:
        """One step from rest to STARTING: what is left of the last run is cleared and reset first."""
        if self.state is _S.IDLE:
            self._wants_start = False
            return self._enter(_S.STARTING, _C.START)
        if self.state is _S.ABORTED:
            return self._enter(_S.CLEARING, _C.RESET, "a new run begins")
        return self._enter(_S.RESETTING, _C.RESET, "a new run begins")

    def _is_done(self, came_back: bool) -> bool:
        if self._handlers is not None:
            return False
        if self.state in _YIELDING:
            yields = came_back if self._script_holds else self._parked > 0 and self._scope is Scope.NOW
            return (yields or not self.in_flight) and self._hook_done and not self.waits_for
        if self.state in _LEAVING:
            return not self.waits_for
        if self.state is _S.STARTING:
            return self._hook_done or not self._is_run
        return not (self._is_run and self.state in (*_ENDING, _S.COMPLETING))

    def _retry_deferred(self) -> list[Effect]:
        """What waited for this state is followed now, the first of the most urgent."""
        box = self._box(TOPIC)
        ready = [x for x in box.letters if x.accepted_in is None and self._is_ready(x)]
        if not ready:
            return []
        letter = max(ready, key=lambda one: one.command.priority if one.command is not None else 0)
        box.take(lambda one: one is letter)
        assert letter.command is not None
        return self._follow(letter, letter.command)

    def _is_ready(self, letter: Letter) -> bool:
        if letter.command is None or (letter.command in (_C.HOLD, _C.SUSPEND) and self._guards):
            return False
        return next_state(self.state, letter.command) is not None

    def _box(self, topic: str) -> Mailbox:
        return self._mailboxes.setdefault(topic, Mailbox())
