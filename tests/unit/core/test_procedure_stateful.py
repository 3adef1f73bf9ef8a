"""Any interleaving of runs, steps, tasks, handlers, children and commands: what must hold whatever happens."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocs_ray.core import procedure_events as ev
from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure import TOPIC, ProcedureCore
from ocs_ray.core.procedure_states import Outcome, next_state
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, state_of

AT_REST = {state_of(name) for name in ("IDLE", "COMPLETE", "STOPPED", "ABORTED")}
LOST = {Disposition.SUPERSEDED, Disposition.REJECTED, Disposition.UNKNOWN}
words = st.sampled_from([*(str(command) for command in ProcedureCommand), *["HOLD", "RESUME"] * 3, "PAUSE", "FOO"])
failures = st.sampled_from([None, None, None, "boom"])


def event_of(word: str) -> ProcedureCommand | Outcome:
    return Outcome(word) if word in list(Outcome) else ProcedureCommand(word)


class ProcedureMachine(RuleBasedStateMachine):
    """A shell that is as slow, and a world that is as careless, as can be."""

    def __init__(self) -> None:
        super().__init__()
        self.without: set[ev.Moment] = set()
        self.core = ProcedureCore(lambda moment: moment not in self.without)
        self.state = ProcedureState.IDLE
        self.letters: dict[str, str] = {}
        self.told: dict[str, list[Disposition]] = {}
        self.closed = False
        self.handlers: list[ev.RunHandlers] = []
        self.late: list[ev.RunHandlers] = []
        self.starts: list[Letter] = []
        self.children: set[str] = set()
        self.asked: list[tuple[str, ProcedureCommand]] = []
        self.to_end: list[ProcedureCommand] = []
        self.run = ""  # "", hook, steps
        self.step = False
        self.parked = 0
        self.guards = 0
        self.started = False
        self.outcomes: list[ProcedureState] = []

    # -- the shell

    def give(self, effects: list[ev.Effect]) -> None:
        released = False
        for effect in effects:
            match effect:
                case ev.Entered(state, by):
                    assert next_state(self.state, event_of(by)) is state, (self.state, by, state)
                    self.state = state
                    assert state is not ProcedureState.STARTING or self.run, "it starts with a run"
                    assert state is not ProcedureState.HELD or not self.guards, "not in a part that is not to be held"
                    self.late += self.handlers
                    self.handlers.clear()
                    if state in AT_REST and self.started:
                        self.outcomes.append(state)
                    self.started |= state is ProcedureState.STARTING  # before it the last run is tidied up
                case ev.Tell(letter, disposition):
                    before = self.told.setdefault(letter.id, [])
                    assert letter.id in self.letters
                    assert not before or before == [Disposition.DEFERRED], "told finally once"
                    assert not (before and disposition is Disposition.DEFERRED)
                    before.append(disposition)
                case ev.GateSteps(closed):
                    assert closed is not self.closed
                    assert closed or self.state in AT_REST or self.state is ProcedureState.EXECUTE
                    self.closed = closed
                case ev.RunHandlers(moment):
                    is_to_hold = moment in (ev.Moment.HOLD, ev.Moment.SUSPEND)
                    assert is_to_hold or moment not in self.without, "there are some"
                    self.handlers.append(effect)
                case ev.StartRun(letter):
                    assert self.state is ProcedureState.IDLE
                    self.starts.append(letter)
                case ev.Propagate(command, names):
                    assert set(names) <= self.children
                    self.asked += [(name, command) for name in names]
                case ev.EndRun(by):
                    assert self.run, "there is a run to end"
                    assert by not in self.to_end
                    self.to_end.append(by)
                case ev.Release():
                    released = True
        assert self.core.state is self.state
        if released and self.parked and self.core.checkpoint() is not ev.Check.WAIT:
            for _ in range(self.parked):
                self.give(self.core.unpark())
            self.parked = 0

    @rule(moments=st.sets(st.sampled_from(list(ev.Moment))))
    def the_script_changes_its_handlers(self, moments: set[ev.Moment]) -> None:
        self.without = moments

    # -- who commands

    @rule(word=words, topic=st.sampled_from([TOPIC, TOPIC, TOPIC, TOPIC, "other"]))
    def somebody_sends(self, word: str, topic: str) -> None:
        letter_id = f"L{len(self.letters)}"
        self.letters[letter_id] = topic
        starts = len(self.starts)
        self.give(self.core.send(Letter(letter_id, word, "operator", 0.0), topic))
        assert letter_id in self.told or len(self.starts) > starts, "told at once, or the sequencer is asked"

    @rule(
        command=st.sampled_from([ProcedureCommand(x) for x in ("HOLD", "RESUME", "STOP", "ABORT", "SUSPEND", "START")]),
        scope=st.sampled_from(list(ev.Scope)),
    )
    def the_sequencer_commands(self, command: ProcedureCommand, scope: ev.Scope) -> None:
        self.give(self.core.command(command, scope=scope))

    # -- the sequencer

    @precondition(lambda self: not self.run)
    @rule(hook_ends=st.booleans(), refused=st.integers(0, 1))
    def a_run_begins(self, hook_ends: bool, refused: int) -> None:
        for letter in self.starts[len(self.starts) - refused :]:
            self.give(self.core.refuse_start(letter, "no"))
        self.run, self.to_end, self.started, self.outcomes = "hook", [], False, []
        self.give(self.core.run_begins())
        for letter in self.starts:
            self.give(self.core.refuse_start(letter, "it runs"))
        self.starts.clear()
        if hook_ends:
            self.the_hook_ends()
            self.a_step_begins()

    @precondition(lambda self: self.run == "hook" and not self.parked)
    @rule()
    def the_hook_ends(self) -> None:
        if self.run == "hook" and not self.parked:
            self.run = "steps"
            self.give(self.core.run_began())

    @precondition(lambda self: self.step and self.core.lets_steps_follow)
    @rule()
    def where_steps_may_follow_the_end_of_one_moves_nothing(self) -> None:
        again = deepcopy(self.core)
        for in_flight in (False, True):
            assert again.step(in_flight=in_flight) == []
            assert (again.state, again.lets_steps_follow, again.checkpoint()) == (self.state, True, ev.Check.GO)

    @precondition(lambda self: self.run == "steps" and not self.step and not self.closed and not self.to_end)
    @rule()
    def a_step_begins(self) -> None:
        if self.run == "steps" and not self.step and not self.closed and not self.to_end:
            self.step = True
            self.give(self.core.step(in_flight=True))

    @precondition(lambda self: self.step and not self.parked)
    @rule()
    def the_step_ends(self) -> None:
        self.tasks_end()
        self.step = False
        self.give(self.core.step(in_flight=False))

    @precondition(lambda self: self.run and (self.to_end or not self.parked))
    @rule(how=st.sampled_from(list(ev.RunEnd)))
    def the_run_ends(self, how: ev.RunEnd) -> None:
        self.tasks_end()
        if self.step:
            self.step = False
            self.give(self.core.step(in_flight=False))
        was = self.core.state
        self.run = ""
        self.give(self.core.run_ended(how, "why"))
        if was is ProcedureState.STOPPING and self.started:
            assert ProcedureState.STOPPED in self.outcomes
            assert ProcedureState.COMPLETE not in self.outcomes

    def tasks_end(self) -> None:
        for _ in range(self.parked):
            self.give(self.core.unpark())
        self.parked = 0
        for _ in range(self.guards):
            self.guards -= 1
            self.give(self.core.guard(closed=False))
        for name in sorted(self.children):
            self.children.discard(name)
            self.give(self.core.child_ended(name))

    # -- the script

    @property
    def is_script(self) -> bool:
        return self.step or self.run == "hook"

    @precondition(lambda self: self.is_script)
    @rule()
    def it_comes_to_a_checkpoint(self) -> None:
        self.give(self.core.touch())
        if self.core.checkpoint() is ev.Check.WAIT:
            assert self.state not in AT_REST
            assert self.state is not ProcedureState.EXECUTE
            self.parked += 1
            self.give(self.core.park())

    @precondition(lambda self: self.is_script)
    @rule(
        says=st.sampled_from([None, None, "RUNNING", "HELD", "STOPPED"]),
        bound=st.integers(0, 5),
        topic=st.sampled_from([TOPIC, TOPIC, "other"]),
    )
    def it_asks_for_a_command(self, says: str | None, bound: int, topic: str) -> None:
        state = None if says is None else state_of(says)
        letter, effects = self.core.receive(state, topic, bound)
        self.give(effects)
        if letter is not None:
            assert self.letters[letter.id] == topic
            assert self.told[letter.id][-1] is Disposition.CHOSEN, "what the script hears, its sender knows of"
            assert not (topic == TOPIC and self.guards and letter.command in ("HOLD", "SUSPEND"))

    @precondition(lambda self: self.is_script)
    @rule(closed=st.booleans())
    def a_part_that_is_not_to_be_held(self, closed: bool) -> None:
        if closed or self.guards:
            self.guards += 1 if closed else -1
            was = self.state
            self.give(self.core.guard(closed=closed))
            assert not closed or self.state is was

    # -- what takes its time

    @precondition(lambda self: self.handlers)
    @rule(failure=failures)
    def handlers_end(self, failure: str | None) -> None:
        one = self.handlers.pop()
        self.give(self.core.handlers_ended(one.token, failure))

    @precondition(lambda self: self.late)
    @rule(failure=failures)
    def late_handlers_end(self, failure: str | None) -> None:
        assert self.core.handlers_ended(self.late.pop().token, failure) == []

    @precondition(lambda self: self.run)
    @rule()
    def something_fails(self) -> None:
        self.give(self.core.fault("boom"))

    @precondition(lambda self: self.step)
    @rule(name=st.sampled_from("ab"))
    def a_child_begins(self, name: str) -> None:
        self.children.add(name)
        self.give(self.core.child_began(name))

    @precondition(lambda self: self.asked)
    @rule(ends=st.booleans(), names_it=st.booleans())
    def a_child_answers(self, ends: bool, names_it: bool) -> None:
        name, command = self.asked.pop(0)
        if ends and name in self.children:
            self.children.discard(name)
            self.give(self.core.child_ended(name))
        else:
            self.give(self.core.child_settled(name, command if names_it else None))

    # -- what must hold

    @invariant()
    def it_is_in_one_of_17_states(self) -> None:
        assert self.core.state in set(ProcedureState)

    @invariant()
    def steps_go_on_at_rest_and_while_running(self) -> None:
        if self.state in AT_REST or self.state is ProcedureState.EXECUTE:
            assert not self.closed

    @invariant()
    def nobody_waits_at_a_checkpoint_at_rest_or_while_running(self) -> None:
        if self.state in AT_REST or self.state is ProcedureState.EXECUTE:
            assert self.core.checkpoint() is not ev.Check.WAIT

    @invariant()
    def who_waits_at_a_checkpoint_is_to_wait(self) -> None:
        if self.parked and not self.guards:
            assert self.core.checkpoint() is ev.Check.WAIT

    @invariant()
    def a_hold_is_waited_for_by_all_children(self) -> None:
        assert self.core.waits_for <= self.children
        if self.state in (ProcedureState.HELD, ProcedureState.SUSPENDED, ProcedureState.EXECUTE):
            assert self.core.waits_for == frozenset()

    @invariant()
    def without_a_run_only_handlers_keep_it_from_rest(self) -> None:
        if not self.run and not self.handlers:
            assert self.state in AT_REST

    @invariant()
    def at_rest_without_a_run_nobody_waits_for_word(self) -> None:
        if not self.run and not self.starts and self.state in AT_REST:
            for letter, topic in self.letters.items():
                assert topic != TOPIC or self.told[letter][-1] is not Disposition.DEFERRED

    @invariant()
    def a_run_that_is_not_being_ended_is_followed(self) -> None:
        if self.run and not self.to_end and not self.handlers:
            assert self.state not in AT_REST
            assert self.state not in {state_of(name) for name in ("COMPLETING", "RESETTING", "CLEARING")}

    def teardown(self) -> None:
        """In the end: everything that runs ends, and every sender has had his word."""
        if self.run:
            self.the_run_ends(ev.RunEnd.COMPLETED)
        for letter in self.starts:
            self.give(self.core.refuse_start(letter, "it is night no more"))
        while self.handlers:
            self.handlers_end(None)
        while self.starts:
            self.give(self.core.refuse_start(self.starts.pop(), "it is night no more"))
        assert self.core.state in AT_REST
        assert not self.closed
        self.a_run_begins(True, 0)  # letters on other topics wait for a run
        while self.handlers:
            self.handlers_end(None)
        self.the_run_ends(ev.RunEnd.COMPLETED)
        while self.handlers:
            self.handlers_end(None)
        for letter in self.starts:
            self.give(self.core.refuse_start(letter, "it is night no more"))
        last: Counter[Any] = Counter(self.told[letter][-1] if letter in self.told else None for letter in self.letters)
        assert set(last) <= {*LOST, Disposition.CHOSEN}


TestProcedure = ProcedureMachine.TestCase
TestProcedure.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
