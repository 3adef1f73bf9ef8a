"""Any interleaving of commands, edits, hook outcomes and step outcomes: what must hold whatever happens."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook, State
from ocs_ray.core.sequencer_view import changes_since, snapshot, updated
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.editor_messages import (
    Add,
    AddBreakpoint,
    Delete,
    InsertAfter,
    Move,
    Pause,
    Prepend,
    RemoveBreakpoint,
    Replace,
    Reset,
    Resume,
    Skip,
    StepOnce,
)
from ocs_ray.models.responses import Started
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerSnapshot, SequencerState
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.models.steps import StepStatus

failures = st.sampled_from([None, "boom"])


def has_list(machine: SequencerMachine) -> bool:
    """Edits elsewhere are refused all alike; ``edit_made_for_another_version`` goes on trying."""
    return machine.core.steps is not None and machine.core.state in (State.LOADED, State.RUNNING)


class SequencerMachine(RuleBasedStateMachine):
    """Drives the core as a careless world would: outcomes late, twice, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.core = SequencerCore()
        self.asked: set[int] = set()
        self.forgotten: set[int] = set()
        self.answers: dict[int, Any] = {}
        self.hooks: list[ev.RunHook] = []
        self.steps: list[ev.RunStep] = []
        self.runs: list[str] = []
        self.clock = 0.0
        self.journal: list[tuple[ev.Event, float]] = []
        self.known: SequencerSnapshot = snapshot(self.core)
        self.names = 0
        self.core_is_ending = False
        self.gated = False

    def give(self, event: ev.Event) -> None:
        self.clock += 1
        self.journal.append((event, self.clock))
        before = snapshot(self.core)
        version = self.core.log.version
        self.core_is_ending = any(step.status is StepStatus.CANCELLED for step in before.steps) and (
            before.state is SequencerState.RUNNING
        )
        effects = self.core.handle(event, self.clock)
        changed = any(isinstance(effect, ev.Changed) for effect in effects)
        assert changed == (self.core.log.version == version + 1)
        if not changed:
            assert snapshot(self.core) == before
        for effect in effects:
            match effect:
                case ev.Answer(ask, reply):
                    assert ask in self.asked - self.forgotten
                    assert ask not in self.answers, "a question is answered once"
                    self.answers[ask] = reply
                    if isinstance(reply, Unhandled):
                        assert not changed
                    if isinstance(event, ev.TakeNested):
                        assert not (self.gated and reply), "nor takes one into the present one"
                    if isinstance(event, ev.EditList) and isinstance(reply, Ok):
                        assert not self.core_is_ending, "nothing is taken into a run that is being ended"
                case ev.RunHook():
                    self.hooks.append(effect)
                case ev.RunStep():
                    assert not self.gated, "a held procedure begins no step"
                    self.steps.append(effect)
                case _:
                    pass

    def ask(self) -> int:
        self.asked.add(len(self.asked) + 1)
        return len(self.asked)

    def fresh(self, count: int) -> tuple[str, ...]:
        self.names += count
        return tuple(f"s{self.names - n}" for n in range(count))

    def some_id(self, data: st.DataObject) -> str:
        ids = self.core.steps.ids() if self.core.steps is not None else ()
        return data.draw(st.sampled_from([*ids, "nobody"]))

    @rule(count=st.integers(0, 4), unknown=st.sampled_from([(), (), ("Setup what",)]))
    def submit(self, count: int, unknown: tuple[str, ...]) -> None:
        self.runs.append(f"r{len(self.runs)}")
        self.give(ev.Submit(self.ask(), commands(count), self.fresh(count), self.runs[-1], unknown))

    @rule(count=st.integers(0, 4), unknown=st.sampled_from([(), (), ("Wait what",)]))
    def load(self, count: int, unknown: tuple[str, ...]) -> None:
        self.give(ev.Load(self.ask(), commands(count), self.fresh(count), unknown))

    @precondition(lambda self: self.core.state in (State.IDLE, State.LOADED))
    @rule(count=st.integers(2, 5))
    def a_run_begins(self, count: int) -> None:
        """What mostly happens, so that the rest mostly happens to a run."""
        self.submit(count, ())
        self.last_hook_ends(None)

    @precondition(lambda self: self.core.state is State.RUNNING)
    @rule(failure=st.sampled_from([None, None, None, "boom"]))
    def the_step_in_flight_ends(self, failure: str | None) -> None:
        if self.core.steps is not None and self.core.steps.driven is not None:
            step = self.core.steps.driven
            self.give(ev.StepEnded(str(self.core.run_id), step.id, failure))

    @precondition(lambda self: self.core.state is State.RUNNING)
    @rule(abort=st.booleans(), failure=failures)
    def the_run_is_ended(self, abort: bool, failure: str | None) -> None:
        self.end(abort)
        self.last_hook_ends(failure)

    @precondition(lambda self: self.core.peeked is not None)
    @rule(is_held_meanwhile=st.booleans())
    def the_next_step_is_taken_nested(self, is_held_meanwhile: bool) -> None:
        """By a script that looked before."""
        step = self.core.peeked
        assert step is not None
        if is_held_meanwhile:
            self.gate(True)
        self.give(ev.TakeNested(self.ask(), step.id))

    @rule(retry=st.booleans())
    def start_or_retry(self, retry: bool) -> None:
        self.runs.append(f"r{len(self.runs)}")
        self.give(ev.Retry(self.ask(), self.runs[-1]) if retry else ev.Start(self.ask(), self.runs[-1]))

    @rule(abort=st.booleans())
    def end(self, abort: bool) -> None:
        self.give(ev.End(self.ask(), abort))

    @rule()
    def complete(self) -> None:
        self.give(ev.Complete(self.ask()))

    @precondition(lambda self: self.core.state is not State.RUNNING)
    @rule(online=st.booleans())
    def go(self, online: bool) -> None:
        self.give(ev.GoOnOffline(self.ask(), online))

    @rule(closed=st.booleans())
    def gate(self, closed: bool) -> None:
        """The procedure is held, or goes on: a HOLD is this, and the outcome of what runs comes all the same."""
        begun = len(self.steps)
        self.gated = closed
        self.give(ev.Gate(closed))
        assert not closed or len(self.steps) == begun

    @rule(hook=st.sampled_from([Hook.DIAGNOSTIC_MODE, Hook.OPERATIONS_MODE]))
    def change_mode(self, hook: Hook) -> None:
        self.give(ev.ChangeMode(self.ask(), hook))

    @precondition(has_list)
    @rule(kind=st.sampled_from([Add, Prepend]), count=st.integers(0, 2), current=st.booleans())
    def bring_in(self, kind: type[Add | Prepend], count: int, current: bool) -> None:
        version = self.core.log.list_version if current else None
        edit = kind(commands=tuple(commands(count)), if_version=version)
        self.give(ev.EditList(self.ask(), edit, self.fresh(count)))

    @precondition(has_list)
    @rule(kind=st.sampled_from([Replace, InsertAfter]), count=st.integers(0, 2), data=st.data())
    def bring_in_at(self, kind: type[Replace | InsertAfter], count: int, data: st.DataObject) -> None:
        edit = kind(id=self.some_id(data), commands=tuple(commands(count)))
        self.give(ev.EditList(self.ask(), edit, self.fresh(count)))

    @precondition(has_list)
    @rule(kind=st.sampled_from([Delete, AddBreakpoint, RemoveBreakpoint, Skip]), data=st.data())
    def change_one(self, kind: type[Delete | AddBreakpoint | RemoveBreakpoint | Skip], data: st.DataObject) -> None:
        self.give(ev.EditList(self.ask(), kind(id=self.some_id(data))))

    @precondition(has_list)
    @rule(kind=st.sampled_from([Pause, Resume, StepOnce, Reset]))
    def change_flow(self, kind: type[Pause | Resume | StepOnce | Reset]) -> None:
        self.give(ev.EditList(self.ask(), kind()))

    @precondition(has_list)
    @rule(data=st.data(), first=st.booleans())
    def move(self, data: st.DataObject, first: bool) -> None:
        before = set(self.core.steps.ids()) if self.core.steps is not None else set()
        edit = Move(id=self.some_id(data), after=None if first else self.some_id(data))
        self.give(ev.EditList(self.ask(), edit))
        assert (set(self.core.steps.ids()) if self.core.steps is not None else set()) == before

    @rule(data=st.data())
    def edit_made_for_another_version(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(-1, self.core.log.list_version - 1))
        before = snapshot(self.core).steps
        self.give(ev.EditList(self.ask(), Delete(id=self.some_id(data), if_version=version)))
        assert snapshot(self.core).steps == before

    @precondition(lambda self: self.core.steps is not None and self.core.steps.driven is not None)
    @rule(most=st.integers(1, 6))
    def what_is_ahead_comes_while_steps_end_well_and_nothing_else_is_to_be_done(self, most: int) -> None:
        ahead, again = self.core.ahead(most), deepcopy(self.core)
        assert again.steps is not None
        for expected in (*ahead, None):
            assert again.steps.driven is not None
            effects = again.handle(ev.StepEnded(str(again.run_id), again.steps.driven.id, None), self.clock)
            if expected is not None:
                assert effects == [expected, ev.Changed()]
        is_more = again.steps.driven is not None
        assert len(ahead) == most or not is_more

    @rule(data=st.data(), most=st.integers(1, 6))
    def a_question_leaves_what_is_ahead(self, data: st.DataObject, most: int) -> None:
        before, ahead, asked = snapshot(self.core), self.core.ahead(most), self.ask()
        for question in (ev.AskFinal(asked, data.draw(st.sampled_from([*self.runs, "nobody"]))), ev.Forget(asked)):
            assert isinstance(question, ev.QUESTIONS)
            self.give(question)
            assert (snapshot(self.core), self.core.ahead(most)) == (before, ahead)
        self.forgotten.add(asked)

    @rule(data=st.data())
    def take_nested(self, data: st.DataObject) -> None:
        self.give(ev.TakeNested(self.ask(), self.some_id(data)))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def wait_for_a_run(self, data: st.DataObject) -> None:
        self.give(ev.AskFinal(self.ask(), data.draw(st.sampled_from(self.runs))))

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), failure=failures)
    def hook_ends(self, data: st.DataObject, failure: str | None) -> None:
        self.give(ev.HookEnded(data.draw(st.sampled_from(self.hooks)).token, failure))

    @precondition(lambda self: self.hooks)
    @rule(failure=failures)
    def last_hook_ends(self, failure: str | None) -> None:
        self.give(ev.HookEnded(self.hooks[-1].token, failure))

    @precondition(lambda self: self.steps)
    @rule(data=st.data(), failure=failures)
    def step_ends(self, data: st.DataObject, failure: str | None) -> None:
        step = data.draw(st.sampled_from(self.steps[-3:]))
        self.give(ev.StepEnded(step.run_id, step.step_id, failure))

    @precondition(lambda self: len(self.asked) > 25)
    @rule()
    def shut(self) -> None:
        self.give(ev.Shut(self.ask()))

    @rule()
    def subscriber_pulls(self) -> None:
        """Pulled at any moment, the changes give what a full look gives."""
        news = changes_since(self.core, self.known.version)
        self.known = updated(self.known, news) if isinstance(news, SequencerDelta) else news
        assert self.known == snapshot(self.core)

    @invariant()
    def one_driven_step_at_most(self) -> None:
        if self.core.steps is not None:
            flying = [s.id for s in self.core.steps.view() if s.status is StepStatus.IN_FLIGHT]
            driven = [self.core.steps.driven.id] if self.core.steps.driven is not None else []
            assert sorted(flying) == sorted([*driven, *(s.id for s in self.core.steps.nested)])
            assert driven or not flying

    @invariant()
    def running_means_a_step_runs_or_a_breakpoint_or_the_gate_holds(self) -> None:
        """Otherwise nothing would ever end the run."""
        if self.core.state is State.RUNNING:
            assert self.core.steps is not None
            following = self.core.steps.next_pending
            holds = following is not None and (following.has_breakpoint or self.gated)
            assert self.core.steps.driven is not None or holds

    @invariant()
    def what_is_held_shows_no_next_step(self) -> None:
        if self.gated:
            assert self.core.peeked is None

    @invariant()
    def finished_steps_are_counted(self) -> None:
        if self.core.steps is not None:
            ended = [s for s in self.core.steps.view() if s.status.is_finished and s.status is not StepStatus.CANCELLED]
            assert self.core.steps.done == len(ended)

    def teardown(self) -> None:
        """Let everything end: every question has had its answer, no run is open, and the journal tells it all again."""
        self.give(ev.Shut(self.ask()))
        for hook in list(self.hooks):
            self.give(ev.HookEnded(hook.token, None))
        assert self.core.state is State.KILLED
        assert set(self.answers) | self.forgotten == self.asked
        started = {str(reply.run_id) for reply in self.answers.values() if isinstance(reply, Started)}
        assert all(self.core.history.query(run_id).is_final for run_id in started)
        again = SequencerCore()
        for event, at in self.journal:
            again.handle(event, at)
        assert snapshot(again) == snapshot(self.core)
        assert again.history.view(None) == self.core.history.view(None)


def commands(count: int) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(count)))


TestSequencerMachine = SequencerMachine.TestCase
TestSequencerMachine.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
