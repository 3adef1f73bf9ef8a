"""The procedure state of a running script: commands, checkpoints and outcomes in, effects out.

It stands beside the sequencer's life cycle, which decides what messages are legal; this decides how the script yields.
Source: seed 004; reference isa88.md sections 3, 4 and 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ocs_ray.core import procedure_events as ev
from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure_children import Children
from ocs_ray.core.procedure_post import TOPIC, Post
from ocs_ray.core.procedure_run import RunSide
from ocs_ray.core.procedure_script import PULLS_UP, ScriptSide
from ocs_ray.core.procedure_states import (
    ACTING,
    AT_REST,
    ENDING,
    LEAVING,
    YIELDED,
    YIELDING,
    Outcome,
    leads_to,
    next_state,
    settled,
)
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

_S, _C = ProcedureState, ProcedureCommand
Effects = list[ev.Effect]
_AFTER_RUN: Final = frozenset({_C.RESET, _C.CLEAR})


class ProcedureCore:
    """State, mailboxes and conditions of one script. Every method returns what the shell is to do, in that order.

    Args:
        has_handlers: whether the script has any for a moment; without them there is nothing to wait for.
    """

    def __init__(self, has_handlers: Callable[[ev.Moment], bool] = lambda _: True) -> None:
        self._has_handlers = has_handlers
        self.state = _S.IDLE
        self.reason = ""
        self.run = RunSide()
        self._post = Post()
        self._children = Children()
        self._resets = False
        self.script = ScriptSide()
        self._token = 0
        self._handlers: int | None = None
        self._gated = False

    @property
    def waits_for(self) -> frozenset[str]:
        """The other sequencers that have not followed yet."""
        return self._children.waits_for

    @property
    def held_off(self) -> ProcedureCommand | None:
        """The HOLD or SUSPEND that waits for nothing but the end of a part that is not to be held."""
        return self._post.asks_to_hold(self.state) if self.script.guards else None

    # -- commands ------------------------------------------------------------------------------------------------

    def send(self, letter: Letter, topic: str = TOPIC) -> Effects:
        """Take a message. Its sender is told at once what became of it, or that it waits."""
        if topic != TOPIC:
            return self._defer(letter, "it waits for the script", topic=topic)
        command = letter.command
        if command is None:
            return [ev.Tell(letter, Disposition.UNKNOWN, self.state, "it is no command")]
        if self._is_ready(command):
            return self._follow(letter, command) + self._settle()
        expected = self._expected()
        if leads_to(expected, command) is not None:
            is_guarded = self.script.guards and command in PULLS_UP
            where = "the end of the part that is not to be held" if is_guarded else expected
            return self._defer(letter, f"it waits for {where}")
        if any(waiting is command for _, waiting in self._post.waiting()):
            return [ev.Tell(letter, Disposition.SUPERSEDED, self.state, f"{command} waits already")]
        is_ending = not self.run.is_on or self.state in ENDING
        if not is_ending and self.script.may_take(command):
            return self._defer(letter, "it waits for the script", is_for_script=True)
        return ev.rejected([letter], self.state)

    def refuse_start(self, letter: Letter, reason: str) -> Effects:
        """The sequencer would not start its sequence."""
        if letter not in self._post.start_asked:
            return []
        self._post.start_asked.remove(letter)
        return ev.rejected([letter], self.state, reason) + self._settle()

    def command(
        self, command: ProcedureCommand, *, reason: str = "", sender: str = "", scope: ev.Scope = ev.Scope.NOW
    ) -> Effects:
        """Follow a command that came by another way: the sequencer's stop, abort or pause.

        One that is not accepted in the present state does nothing. Unlike a letter it waits for no ``no_hold``, nor
        does a script hear of it. START is none of them: a run begins with ``run_begins``.
        """
        if command is _C.START or (command in _AFTER_RUN and self.run.is_on):
            return []
        return self._do(command, reason, sender, scope) + self._settle()

    def _defer(self, letter: Letter, reason: str, *, topic: str = TOPIC, is_for_script: bool = False) -> Effects:
        if no_room := self._post.no_room(topic):
            return ev.rejected([letter], self.state, no_room)
        self._post.box(topic).put(letter, is_for_script=is_for_script)
        return [ev.Tell(letter, Disposition.DEFERRED, self.state, reason), ev.Release()]

    def _follow(self, letter: Letter, command: ProcedureCommand) -> Effects:
        """Do as a letter says. It stays in the mailbox while the script may still ask for it."""
        if command is _C.START:
            self._post.start_asked.append(letter)
            return [ev.StartRun(letter)]
        box, before = self._post.box(), self.state
        effects: Effects = [ev.Tell(letter, Disposition.CHOSEN, before)]
        unread = box.take(lambda one: one.accepted_in is not None)
        superseded = box.take(lambda _: command.is_urgent)
        effects += [ev.Tell(x, Disposition.SUPERSEDED, before, f"{command} was followed") for x in superseded]
        if command is _C.HOLD and any(one.command is _C.RESUME for one in unread):
            self.script.never_went_on()
        elif self.run.is_busy and not self.script.parked and not box.is_full:
            is_after_pause = before is _S.HOLDING and command is _C.HOLD
            box.put(letter, accepted_in=_S.EXECUTE if is_after_pause else before)
            effects.append(ev.Release())
        return effects + self._do(command, "", letter.sender, ev.Scope.NOW)

    def _do(self, command: ProcedureCommand, reason: str, sender: str, scope: ev.Scope) -> Effects:
        if scope is ev.Scope.NOW and self.script.can_hurry(command, self.state):
            self.script.scope = scope  # a pause becomes a hold: it need not wait for the end of the step any more
            self.script.is_pressed = True
            return [*self._children.entered(self.state), ev.Release()]
        target = next_state(self.state, command)
        if target is None or target is self.state:
            return []
        # Who has yielded does not go on for a pause.
        self.script.scope = ev.Scope.NOW if self.state in YIELDED else scope
        if target in ENDING:
            self.script.is_ended(scope, again=self.state in ENDING)
        self._resets = target is _S.CLEARING and command is _C.RESET
        effects = self._enter(target, command, reason, sender)
        if command in (_C.STOP, _C.ABORT, _C.COMPLETE) and self.run.is_on:
            effects.append(ev.EndRun(command))
        return effects

    def _is_ready(self, command: ProcedureCommand) -> bool:
        if self.script.can_hurry(command, self.state):
            return True
        is_early = (command in PULLS_UP and self.script.guards) or (command in _AFTER_RUN and self.run.is_on)
        return not is_early and next_state(self.state, command) is not None

    def _expected(self) -> ProcedureState:
        """Where the machine will stand when all that waits for it has been followed."""
        if self.run.wants_start:
            return self._post.expected(_S.EXECUTE)
        return self._post.expected(_S.IDLE if self._resets else settled(self.state))

    # -- the script ----------------------------------------------------------------------------------------------

    def receive(
        self, current_state: ProcedureState | None, topic: str, max_messages: int
    ) -> tuple[Letter | None, Effects]:
        """The script asks for its next command; see ``Mailbox.receive``. Asking shows that it has followed the last.

        On the commands' topic it hears of what was followed, and of what only a script in ``current_state`` accepts.
        What waits for the machine it does not hear before: it would go on while the machine does not.
        """
        if topic != TOPIC:
            received = self._post.box(topic).receive(current_state or self.state, max_messages)
            return received.chosen, [ev.Tell(x.letter, x.disposition, self.state, x.reason) for x in received.verdicts]
        effects = self.touch()
        state = current_state or self.state
        self.script.polled(state, self.state)
        received = self._post.box().receive(state, max_messages, is_hidden=self._is_hidden)
        for verdict in received.verdicts:
            if verdict.letter.accepted_in is None:  # the others were told when they were followed
                effects.append(ev.Tell(verdict.letter, verdict.disposition, self.state, verdict.reason))
        letter = received.chosen
        if letter is None or letter.command is None:
            return letter, effects
        if letter.accepted_in is None:
            effects += self.command(letter.command, sender=letter.sender)
        if self.state in YIELDING | YIELDED:
            self.script.took(letter.command)
        return letter, effects

    def _is_hidden(self, letter: Letter) -> bool:
        is_guarded = self.script.guards and letter.command in PULLS_UP
        return bool(is_guarded) or (letter.accepted_in is None and not letter.is_for_script)

    def checkpoint(self) -> ev.Check:
        """What the script is to do here and now."""
        return self.script.check(self.state, is_run=self.run.is_on)

    def park(self) -> Effects:
        """A task of the script waits at a checkpoint."""
        self.script.parked += 1
        self._post.forget_followed()
        return self._settle()

    def unpark(self) -> Effects:
        """It goes on."""
        self.script.parked -= 1
        return []

    def touch(self) -> Effects:
        """The script passed a checkpoint: one that holds by itself shows so that it has followed."""
        self.script.came_back()
        return self._settle()

    def guard(self, *, closed: bool) -> Effects:
        """A part of the script begins that nobody is held in, or ends; what was asked meanwhile is done then."""
        self.script.guard(closed=closed)
        return [*([ev.Release()] if closed and self.script.parked else []), *self._settle()]

    # -- outcomes ------------------------------------------------------------------------------------------------

    def handlers_ended(self, token: int, failure: str | None) -> Effects:
        """The script's handlers of a moment ended; a late outcome is dropped."""
        if token != self._handlers:
            return []
        self._handlers = None
        return self._settle() if failure is None else self.fault(failure)

    def end_hook_failed(self, reason: str) -> None:
        """The hook of a stop or an abort failed: the run ends all the same, and that is said."""
        if self.state in ENDING:
            self.reason = f"{self.reason}; {reason}" if self.reason else reason

    def fault(self, reason: str) -> Effects:
        """Something failed that ends the procedure."""
        if self.state in AT_REST:
            return []
        by = Outcome.FAULT if self.state in ACTING else _C.ABORT
        target = next_state(self.state, by)
        assert target is not None
        self.script.is_pressed = True
        effects = self._enter(target, by, reason)
        if self.run.is_on and target is _S.ABORTING:
            effects.append(ev.EndRun(_C.ABORT))
        return effects + self._settle()

    def run_begins(self) -> Effects:
        """The sequencer runs its new-sequence hook. What is left of the last run is reset first."""
        self.run.begins()
        self.script.run_changed()
        started = [ev.Tell(letter, Disposition.CHOSEN, self.state) for letter in self._post.start_asked[:1]]
        del self._post.start_asked[:1]
        return started + self._settle()

    def run_began(self) -> Effects:
        """The hook ended well: steps are run now."""
        self.run.hook_done = True
        return self._part_ended()

    @property
    def lets_steps_follow(self) -> bool:
        """Whether one step may follow the other as things stand: the end of none of them moves anything."""
        return self.state is _S.EXECUTE and not len(self._post.box())

    def step(self, *, in_flight: bool) -> Effects:
        """A step began, or ended."""
        self.run.in_flight = in_flight
        if in_flight:
            return []
        if not self.lets_steps_follow:
            return self._part_ended()
        self.script.part_ended()  # thousands a second come this way
        return []

    def _part_ended(self) -> Effects:
        self.script.part_ended()
        self._post.forget_followed()
        return self._settle()

    def run_ended(self, how: ev.RunEnd, reason: str = "") -> Effects:
        """The run is over, whatever the procedure was at; what failed after a stop was followed is its reason."""
        self.run.ended()
        self._children = Children()
        self.script.run_changed()
        effects = ev.rejected(self._post.left_by_the_run(), self.state, "the run ended first")
        if self.state in ENDING:
            self.reason = reason or self.reason
        elif how is ev.RunEnd.FAILED:
            effects += self.fault(reason)
        elif how is ev.RunEnd.CANCELLED:
            effects += self.command(_C.STOP, reason=reason)
        return effects + self._settle()

    # -- other sequencers ----------------------------------------------------------------------------------------

    def child_began(self, name: str) -> Effects:
        """A run began in another sequencer: what holds here holds there."""
        is_pause = self.script.scope is ev.Scope.STEP
        return [*self._children.began(name, self.state, is_pause=is_pause, gently=not self.script.is_pressed)]

    def child_outlives(self, name: str, by: ProcedureCommand | None) -> Effects:
        """One of the runs that began there is for nobody; ``by``: what was ending its step when that was cancelled."""
        return [*self._children.outlives(name, self.state, by, gently=not self.script.is_pressed)]

    def child_ended(self, name: str) -> Effects:
        """It does not any more."""
        self._children.ended(name)
        return self._settle()

    def child_settled(self, name: str, command: ProcedureCommand | None = None, *, silent: bool = False) -> Effects:
        """It followed what it was told (``command``: late answers are dropped), or is silent and not waited for."""
        if silent and command in PULLS_UP and not self._post.goes_on:
            return []
        self._children.settled(name, command)
        return self._settle()

    # -- moving --------------------------------------------------------------------------------------------------

    def _enter(
        self, state: ProcedureState, by: ProcedureCommand | Outcome, reason: str = "", sender: str = ""
    ) -> Effects:
        self.state, self.reason, self._handlers = state, reason, None
        effects: Effects = [ev.Entered(state, by.value, reason, sender), ev.Release()]
        if state in LEAVING or state in ENDING:
            self.script.goes_on()
        if state in ENDING:
            self.run.wants_start = self._resets = False
        if not (self.script.scope is ev.Scope.STEP and (state in YIELDING or state is _S.STOPPING)):
            effects += self._children.entered(state, gently=not self.script.is_pressed)
        effects += self._gate(state)
        # On its way to a hold it waits for the shell all the same: the gate of the steps may have been open until now.
        if (moment := ev.MOMENTS.get(state)) and (state in YIELDING or self._has_handlers(moment)):
            self._token += 1
            self._handlers = self._token
            effects.append(ev.RunHandlers(moment, self._token))
        return effects

    def _gate(self, state: ProcedureState) -> Effects:
        """Steps wait from the beginning of a hold to its end; when the run is ended out of a hold, to the run's end."""
        gated = state in YIELDING or (self._gated and state is not _S.EXECUTE and state not in AT_REST)
        if gated is self._gated:
            return []
        self._gated = gated
        return [ev.GateSteps(closed=gated)]

    def _settle(self) -> Effects:
        """Go on through every state whose work is done, and follow what waited for one of them."""
        effects: Effects = []
        while more := self._move_on() or self._take_up():
            effects += more
        return effects + self._give_up()

    def _move_on(self) -> Effects:
        state = self.state
        if state in AT_REST:
            if self.run.wants_start and state is not _S.IDLE:  # what is left of the last run is tidied up first
                tidying = _S.CLEARING if state is _S.ABORTED else _S.RESETTING
                return self._enter(tidying, _C.RESET, "a new run begins")
            if self.run.wants_start:
                self.run.wants_start = False
                return self._enter(_S.STARTING, _C.START)
            if state is not _S.STOPPED or not self._resets:
                return []
            self._resets = False
            return self._enter(_S.RESETTING, _C.RESET)
        if not self.run.is_alive and state in YIELDED:
            return self._enter(_S.COMPLETING, _C.COMPLETE, "the last step ended")
        if state is _S.EXECUTE:
            return [] if self.run.is_alive else self._enter(_S.COMPLETING, Outcome.SC)
        if state in ACTING and self._is_done:
            return self._enter(ACTING[state], Outcome.SC, self.reason if state in ENDING else "")
        return []

    @property
    def _is_done(self) -> bool:
        if self._handlers is not None:
            return False
        if self.state in YIELDING:
            return self.script.yields(is_busy=self.run.is_busy) and not self.waits_for
        if self.state in LEAVING:
            return not self.waits_for
        if self.state is _S.STARTING:
            return self.run.hook_done or not self.run.is_alive
        return not (self.run.is_alive and self.state in (*ENDING, _S.COMPLETING))

    def _take_up(self) -> Effects:
        """What waited for this state is followed now, the first of the most urgent."""
        ready = [(letter, command) for letter, command in self._post.waiting() if self._is_ready(command)]
        if not ready:
            return []
        letter, command = max(ready, key=lambda one: one[1].priority)
        self._post.box().take(lambda one: one is letter)
        return self._follow(letter, command)

    def _give_up(self) -> Effects:
        """At rest nothing comes of itself: what still waits has waited in vain."""
        if self.run.is_on or self.state not in AT_REST:
            return []
        return ev.rejected(self._post.left_at_rest(), self.state)
