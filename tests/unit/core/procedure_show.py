"""A procedure's core with a shell that plays: handlers end at once unless ``handlers_wait``; everything is noted."""

from __future__ import annotations

from typing import Any

from ocs_ray.core import procedure_events as ev
from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure import TOPIC, ProcedureCore
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

CHOSEN = Disposition.CHOSEN


class Show:
    """One script, and what came out of its core."""

    def __init__(self) -> None:
        self.core = ProcedureCore()
        self.entered: list[ev.Entered] = []
        self.told: dict[str, list[ev.Tell]] = {}
        self.ended: list[ProcedureCommand] = []
        self.gates: list[bool] = []
        self.propagated: list[tuple[ProcedureCommand, tuple[str, ...]]] = []
        self.starts: list[Letter] = []
        self.moments: list[ev.Moment] = []
        self.running: list[ev.RunHandlers] = []
        self.handlers_wait = False
        self.releases = 0
        self._letters = 0
        self._is_ending_handlers = False

    def give(self, effects: list[ev.Effect]) -> None:
        """Do what the core asks for."""
        for effect in effects:
            match effect:
                case ev.Entered():
                    self.entered.append(effect)
                case ev.Tell(letter):
                    self.told.setdefault(letter.id, []).append(effect)
                case ev.EndRun(by):
                    self.ended.append(by)
                case ev.GateSteps(closed):
                    self.gates.append(closed)
                case ev.Propagate(command, children):
                    self.propagated.append((command, children))
                case ev.StartRun(letter):
                    self.starts.append(letter)
                case ev.RunHandlers(moment):
                    self.moments.append(moment)
                    self.running.append(effect)
                case ev.Release():
                    self.releases += 1
        if not self._is_ending_handlers:  # what the end of one leads to is done in this loop, not deeper and deeper
            self._is_ending_handlers = True
            while self.running and not self.handlers_wait:
                self.end_handlers()
            self._is_ending_handlers = False

    def end_handlers(self, failure: str | None = None) -> None:
        """The handlers that were started first end."""
        self.give(self.core.handlers_ended(self.running.pop(0).token, failure))

    def send(self, message: Any, topic: str = TOPIC) -> Disposition | None:
        """What the sender is told at once."""
        self._letters += 1
        letter = Letter(f"L{self._letters}", message, "operator", 0.0)
        self.give(self.core.send(letter, topic))
        return self.last(letter.id)

    def last(self, letter_id: str) -> Disposition | None:
        """What a sender was told last."""
        told = self.told.get(letter_id)
        return told[-1].disposition if told else None

    def command(self, command: str, **how: Any) -> None:
        """The sequencer's own way."""
        self.give(self.core.command(ProcedureCommand(command), **how))

    def receive(self, current_state: str | None = None, topic: str = TOPIC, max_messages: int = 5) -> Any:
        """The script asks; the message it gets."""
        state = None if current_state is None else ProcedureState(current_state)
        letter, effects = self.core.receive(state, topic, max_messages)
        self.give(effects)
        return None if letter is None else letter.message

    def checkpoint(self) -> ev.Check:
        """The script comes to a checkpoint, and waits there if it is to."""
        self.give(self.core.touch())
        check = self.core.checkpoint()
        if check is ev.Check.WAIT:
            self.give(self.core.park())
        return check

    def look_again(self) -> ev.Check:
        """A task that waits was released, and looks whether it may go on."""
        check = self.core.checkpoint()
        if check is not ev.Check.WAIT:
            self.give(self.core.unpark())
        return check

    def begin(self, *, step: bool = True) -> None:
        """A run, up to its first step."""
        self.give(self.core.run_begins())
        self.give(self.core.run_began())
        if step:
            self.step()

    def step(self, *, in_flight: bool = True) -> None:
        """A step begins, or ends."""
        self.give(self.core.step(in_flight=in_flight))

    def end(self, how: ev.RunEnd = ev.RunEnd.COMPLETED, reason: str = "") -> None:
        """The step in flight and the run end."""
        self.step(in_flight=False)
        self.give(self.core.run_ended(how, reason))

    def states(self, first: int = 0) -> str:
        """The states entered, from the ``first`` on."""
        return " ".join(one.state for one in self.entered[first:])


def stand_in(name: str) -> Show:
    """A script that stands in a state; acting states have their handlers running, or a run that goes on."""
    show = Show()
    state = ProcedureState(name)
    if state is ProcedureState.IDLE:
        return show
    if state is ProcedureState.STARTING:
        show.give(show.core.run_begins())
        return show
    show.begin()
    show.handlers_wait = state.value in ["HOLDING", "UNHOLDING", "SUSPENDING", "UNSUSPENDING"]
    way = {
        "HOLDING": ["HOLD"],
        "HELD": ["HOLD", "park"],
        "UNHOLDING": ["HOLD", "park", "handlers", "RESUME"],
        "SUSPENDING": ["SUSPEND"],
        "SUSPENDED": ["SUSPEND", "park"],
        "UNSUSPENDING": ["SUSPEND", "park", "handlers", "UNSUSPEND"],
        "COMPLETING": ["COMPLETE"],
        "COMPLETE": ["end"],
        "STOPPING": ["STOP"],
        "STOPPED": ["STOP", "end"],
        "RESETTING": ["end", "wait", "RESET"],
        "ABORTING": ["ABORT"],
        "ABORTED": ["ABORT", "end"],
        "CLEARING": ["ABORT", "end", "wait", "CLEAR"],
        "EXECUTE": [],
    }[state.value]
    for step in way:
        match step:
            case "park":
                show.checkpoint()
            case "handlers":
                show.end_handlers()
            case "end":
                show.end(ev.RunEnd.COMPLETED if state is ProcedureState.COMPLETE else ev.RunEnd.CANCELLED)
            case "wait":
                show.handlers_wait = True
            case _:
                assert show.send(step) is CHOSEN
    assert show.core.state is state, show.states()
    return show
