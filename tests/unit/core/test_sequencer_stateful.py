"""Any interleaving of commands, hook outcomes and step outcomes: what must hold whatever happens."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import State
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.responses import Started
from ocs_ray.models.sequencer_messages import Unhandled
from ocs_ray.models.steps import StepStatus

failures = st.sampled_from([None, "boom"])


class SequencerMachine(RuleBasedStateMachine):
    """Drives the core as a careless world would: outcomes late, twice, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.core = SequencerCore()
        self.asked: set[int] = set()
        self.answers: dict[int, Any] = {}
        self.hooks: list[ev.RunHook] = []
        self.steps: list[ev.RunStep] = []
        self.runs: list[str] = []
        self.clock = 0.0

    def give(self, event: ev.Event) -> None:
        self.clock += 1
        before = (self.core.state, self.core.run_id, self.core.steps)
        for effect in self.core.handle(event, self.clock):
            match effect:
                case ev.Answer(ask, reply):
                    assert ask in self.asked
                    assert ask not in self.answers
                    self.answers[ask] = reply
                    if isinstance(reply, Unhandled):
                        assert (self.core.state, self.core.run_id, self.core.steps) == before
                case ev.RunHook():
                    self.hooks.append(effect)
                case ev.RunStep():
                    self.steps.append(effect)
                case _:
                    pass

    def new_ask(self) -> int:
        self.asked.add(len(self.asked) + 1)
        return len(self.asked)

    @rule(count=st.integers(0, 3))
    def submit(self, count: int) -> None:
        self.runs.append(f"r{len(self.runs)}")
        self.give(ev.Submit(self.new_ask(), commands(count), step_ids(self.runs[-1], count), self.runs[-1]))

    @rule(count=st.integers(0, 3))
    def load(self, count: int) -> None:
        self.give(ev.Load(self.new_ask(), commands(count), step_ids(f"l{len(self.asked)}", count)))

    @rule()
    def start(self) -> None:
        self.runs.append(f"r{len(self.runs)}")
        self.give(ev.Start(self.new_ask(), self.runs[-1]))

    @rule(abort=st.booleans())
    def end(self, abort: bool) -> None:
        self.give(ev.End(self.new_ask(), abort))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def wait_for_a_run(self, data: st.DataObject) -> None:
        self.give(ev.AskFinal(self.new_ask(), data.draw(st.sampled_from(self.runs))))

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), failure=failures)
    def hook_ends(self, data: st.DataObject, failure: str | None) -> None:
        self.give(ev.HookEnded(data.draw(st.sampled_from(self.hooks)).token, failure))

    @precondition(lambda self: self.steps)
    @rule(data=st.data(), failure=failures)
    def step_ends(self, data: st.DataObject, failure: str | None) -> None:
        step = data.draw(st.sampled_from(self.steps))
        self.give(ev.StepEnded(step.run_id, step.step_id, failure))

    @precondition(lambda self: len(self.asked) > 12)
    @rule()
    def shut(self) -> None:
        self.give(ev.Shut(self.new_ask()))

    @invariant()
    def at_most_one_step_is_in_flight(self) -> None:
        if self.core.steps is not None:
            statuses = [step.status for step in self.core.steps.view()]
            assert statuses.count(StepStatus.IN_FLIGHT) <= 1

    @invariant()
    def a_step_is_started_once(self) -> None:
        assert len({step.step_id for step in self.steps}) == len(self.steps)

    @invariant()
    def running_means_a_step_is_in_flight(self) -> None:
        """Otherwise nothing would ever end the run."""
        if self.core.state is State.RUNNING:
            assert self.core.steps is not None
            assert self.core.steps.in_flight is not None

    def teardown(self) -> None:
        """Let everything end: then every question has had its answer and no run is left open."""
        self.give(ev.Shut(self.new_ask()))
        for hook in list(self.hooks):
            self.give(ev.HookEnded(hook.token, None))
        assert self.core.state is State.KILLED
        assert set(self.answers) == self.asked
        started = {str(reply.run_id) for reply in self.answers.values() if isinstance(reply, Started)}
        assert all(self.core.query(run_id).is_final for run_id in started)


def commands(count: int) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(count)))


def step_ids(run: str, count: int) -> tuple[str, ...]:
    return tuple(f"{run}-{n}" for n in range(count))


TestSequencerMachine = SequencerMachine.TestCase
TestSequencerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
