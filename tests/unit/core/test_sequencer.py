"""The sequencer's core: events in, effects out. Case numbers are those of reference section 9."""

from __future__ import annotations

from typing import Any

import pytest

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.run_history import RUNS_KEPT
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook, State
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.editor_messages import Add
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid, IssueType, Started
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.models.steps import StepStatus


def sequence(count: int) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(1, count + 1)))


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"s{n}" for n in range(1, count + 1))


class Driver:
    """Feeds a core and keeps what came out: answers by question, hooks and steps in order."""

    def __init__(self) -> None:
        self.core = SequencerCore()
        self.answers: dict[int, Any] = {}
        self.hooks: list[ev.RunHook] = []
        self.started: list[ev.RunStep] = []
        self.gone = False
        self._asks = 0

    def give(self, event: ev.Event) -> None:
        for effect in self.core.handle(event, at=float(len(self.started))):
            match effect:
                case ev.Answer(ask, reply):
                    assert ask not in self.answers, "a question is answered once"
                    self.answers[ask] = reply
                case ev.RunHook():
                    self.hooks.append(effect)
                case ev.RunStep():
                    self.started.append(effect)
                case ev.Gone():
                    self.gone = True
                case ev.Changed() | ev.CancelStep():
                    pass

    def ask(self) -> int:
        self._asks += 1
        return self._asks

    def submit(self, count: int, run_id: str = "r1", *, hook: str | None = None) -> int:
        ask = self.ask()
        self.give(ev.Submit(ask, sequence(count), ids(count), run_id))
        self.end_hook(hook)
        return ask

    def end_hook(self, failure: str | None = None) -> None:
        """End the hook that was started last; one that ended already is passed over by the core."""
        if self.hooks:
            self.give(ev.HookEnded(self.hooks[-1].token, failure))

    def end_step(self, failure: str | None = None) -> None:
        step = self.started[-1]
        self.give(ev.StepEnded(step.run_id, step.step_id, failure))

    def final(self, run_id: str = "r1") -> int:
        ask = self.ask()
        self.give(ev.AskFinal(ask, run_id))
        return ask

    def end(self, *, abort: bool = True) -> int:
        ask = self.ask()
        self.give(ev.End(ask, abort))
        return ask

    @property
    def statuses(self) -> list[StepStatus]:
        assert self.core.steps is not None
        return [step.status for step in self.core.steps.view()]


def test_given_idle_when_submitted_then_the_hook_runs_before_started_and_before_any_step() -> None:
    given = Driver()  # cases 6 and 10
    given.give(ev.Submit(1, sequence(2), ids(2), "r1"))
    assert given.core.state is State.SUBMITTING
    assert [hook.hook for hook in given.hooks] == [Hook.NEW_SEQUENCE]
    assert not given.answers
    assert not given.started

    given.end_hook()

    assert given.answers[1] == Started(run_id="r1")
    assert given.core.state is State.RUNNING
    assert [step.step_id for step in given.started] == ["s1"]


def test_given_two_steps_when_both_succeed_then_completed_and_idle_and_the_list_stays() -> None:
    given = Driver()  # cases 11, 14 and 15
    given.submit(2)
    waiting = given.final()
    assert waiting not in given.answers

    given.end_step()
    given.end_step()

    assert isinstance(given.answers[waiting], Completed)
    assert given.core.state is State.IDLE
    assert given.statuses == [StepStatus.SUCCESS, StepStatus.SUCCESS]
    assert isinstance(given.answers[given.final()], Completed)


def test_given_three_steps_when_the_second_fails_then_error_names_it_and_the_third_stays_pending() -> None:
    given = Driver()  # cases 12 and 13
    given.submit(3)
    given.end_step()
    given.end_step("boom")

    response = given.answers[given.final()]
    assert response == Error(run_id="r1", message="StepId: s2, CommandName: c2, reason: boom")
    assert given.statuses == [StepStatus.SUCCESS, StepStatus.FAILURE, StepStatus.PENDING]
    assert given.core.state is State.IDLE
    assert given.answers[given.submit(1, "r2")] == Started(run_id="r2")


def test_given_idle_when_the_submit_hook_fails_then_error_and_idle_and_no_list() -> None:
    given = Driver()  # case 7
    ask = given.submit(1, hook="no dome")
    reply = given.answers[ask]
    assert isinstance(reply, Error)
    assert (reply.run_id, given.core.state, given.core.steps) == ("IdNotAvailable", State.IDLE, None)
    assert reply.message == "New sequence handler failed to submit successfully: no dome"


def test_given_loaded_when_the_start_hook_fails_then_loaded_and_the_list_is_kept() -> None:
    given = Driver()  # case 5
    given.give(ev.Load(given.ask(), sequence(2), ids(2)))
    ask = given.ask()
    given.give(ev.Start(ask, "r1"))
    given.end_hook("no dome")
    assert given.answers[ask].message == "New sequence handler failed to start successfully: no dome"
    assert given.core.state is State.LOADED
    assert given.statuses == [StepStatus.PENDING] * 2


def test_given_loaded_when_the_hook_of_another_submit_fails_then_what_was_loaded_can_still_be_started() -> None:
    given = Driver()  # hazard H10
    given.give(ev.Load(given.ask(), sequence(2), ids(2)))
    given.submit(3, hook="no dome")
    assert given.core.state is State.LOADED
    ask = given.ask()
    given.give(ev.Start(ask, "r2"))
    given.end_hook()
    assert given.answers[ask] == Started(run_id="r2")
    assert len(given.statuses) == 2


def test_given_loaded_when_loaded_again_then_the_list_is_replaced() -> None:
    given = Driver()  # case 3
    given.give(ev.Load(1, sequence(2), ids(2)))
    given.give(ev.Load(2, sequence(3), ids(3)))
    assert (given.answers, given.core.state, len(given.statuses)) == ({1: Ok(), 2: Ok()}, State.LOADED, 3)
    assert not given.hooks  # case 9


def test_given_loaded_when_another_is_submitted_then_the_submitted_one_runs() -> None:
    given = Driver()  # case 8
    given.give(ev.Load(given.ask(), sequence(2), ids(2)))
    given.submit(3)
    assert len(given.statuses) == 3


def test_given_running_when_submitted_to_then_invalid_and_the_run_goes_on() -> None:
    given = Driver()  # case 18
    given.submit(1)
    ask = given.ask()
    given.give(ev.Submit(ask, sequence(1), ids(1), "r2"))
    reply = given.answers[ask]
    assert isinstance(reply, Invalid)
    assert reply.run_id == "IdNotAvailable"
    assert reply.issue.type is IssueType.UnsupportedCommandInStateIssue
    assert "'SubmitSequenceInternal' message in 'Running'" in reply.issue.reason
    assert given.core.run_id == "r1"


def test_given_running_when_loaded_then_unhandled_names_state_and_message() -> None:
    given = Driver()  # case 20
    given.submit(1)
    ask = given.ask()
    given.give(ev.Load(ask, sequence(1), ids(1)))
    assert given.answers[ask] == Unhandled(
        state="Running",
        message_type="LoadSequence",
        msg="Sequencer can not accept 'LoadSequence' message in 'Running' state",
    )


def test_given_another_id_when_asked_for_the_final_response_then_invalid_at_once() -> None:
    given = Driver()  # cases 16 and 17
    assert isinstance(given.answers[given.final("never")], Invalid)
    given.submit(1)
    reply = given.answers[given.final("other")]
    assert reply.issue.type is IssueType.IdNotAvailableIssue
    assert reply.issue.reason == "Sequencer is not running any sequence with runId Id(other)"


def test_given_an_empty_sequence_when_submitted_then_it_completes_at_once() -> None:
    given = Driver()  # hazard H3
    ask = given.submit(0)
    assert given.answers[ask] == Started(run_id="r1")
    assert isinstance(given.answers[given.final()], Completed)
    assert given.core.state is State.IDLE


def test_given_a_step_in_flight_when_aborted_then_it_runs_to_its_end_and_the_rest_is_cancelled() -> None:
    given = Driver()  # case 47; Cancelled instead of ESW's Completed, see docs/decisions
    given.submit(3)
    waiting, ask = given.final(), given.end()
    assert given.core.state is State.ABORTING
    assert ask not in given.answers

    given.end_hook()
    assert given.answers[ask] == Ok()
    assert given.statuses == [StepStatus.IN_FLIGHT, StepStatus.CANCELLED, StepStatus.CANCELLED]

    given.end_step()
    assert given.answers[waiting] == Cancelled(run_id="r1")
    assert given.core.state is State.IDLE


def test_given_the_abort_hook_fails_when_aborted_then_the_run_ends_all_the_same() -> None:
    given = Driver()  # case 48
    given.submit(2)
    ask = given.end()
    given.end_hook("hook broke")
    assert given.answers[ask] == Ok(note="on_abort_sequence failed: hook broke")
    given.end_step()
    assert given.core.history.query("r1") == Cancelled(run_id="r1")


def test_given_aborting_when_the_step_ends_first_then_its_outcome_is_not_lost() -> None:
    given = Driver()  # hazard H6
    given.submit(2)
    waiting = given.final()
    given.end(abort=False)
    given.end_step()
    assert given.core.state is State.STOPPING
    assert waiting not in given.answers
    given.end_hook()
    assert given.answers[waiting] == Cancelled(run_id="r1")
    assert given.statuses == [StepStatus.SUCCESS, StepStatus.CANCELLED]


def test_given_idle_when_aborted_then_unhandled() -> None:
    given = Driver()  # case 21
    assert isinstance(given.answers[given.end()], Unhandled)
    assert given.core.state is State.IDLE


def test_given_a_late_outcome_of_an_earlier_run_when_it_arrives_then_it_is_dropped() -> None:
    given = Driver()
    given.submit(2)
    late = given.started[-1]
    given.end_step("boom")
    given.submit(2, "r2")
    given.give(ev.StepEnded(late.run_id, late.step_id, None))
    assert given.statuses == [StepStatus.IN_FLIGHT, StepStatus.PENDING]


def test_given_waiters_when_shut_down_then_every_one_is_answered_and_killed_is_final() -> None:
    given = Driver()  # hazard H11
    given.submit(2)
    first, second = given.final(), given.final()
    ask = given.ask()
    given.give(ev.Shut(ask))
    assert given.answers[first] == given.answers[second] == Cancelled(run_id="r1")
    given.end_hook("shutdown hook broke")
    reply = Ok(note="on_shutdown failed: shutdown hook broke")
    assert (given.answers[ask], given.core.state, given.gone) == (reply, State.KILLED, True)
    assert isinstance(given.answers[given.submit(1, "r2")], Invalid)


def test_given_a_hook_in_progress_when_shut_down_then_its_asker_is_answered_and_its_late_outcome_dropped() -> None:
    given = Driver()
    given.give(ev.Submit(1, sequence(1), ids(1), "r1"))
    late = given.hooks[-1]
    given.give(ev.Shut(2))
    assert given.answers[1] == Cancelled(run_id="r1")
    given.give(ev.HookEnded(late.token, None))
    assert given.core.state is State.SHUTTING_DOWN
    assert not given.started


def test_given_a_waiter_that_gave_up_when_the_run_ends_then_only_the_others_are_answered() -> None:
    given = Driver()
    given.submit(1)
    gone, waiting = given.final(), given.final()
    given.give(ev.Forget(gone))
    given.end_step()
    assert gone not in given.answers
    assert isinstance(given.answers[waiting], Completed)


def test_given_many_runs_when_queried_then_the_last_hundred_are_kept() -> None:
    given = Driver()
    for n in range(RUNS_KEPT + 5):
        given.submit(1, f"r{n}")
        given.end_step()
    assert isinstance(given.core.history.query("r4"), Invalid)
    assert isinstance(given.core.history.query("r5"), Completed)


def test_given_a_finished_step_when_viewed_then_its_start_and_end_are_recorded() -> None:
    given = Driver()
    given.submit(1)
    given.end_step()
    assert given.core.steps is not None
    (step,) = given.core.steps.view()
    assert (step.started_at, step.ended_at, step.duration_s) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize(("first", "second"), [("stop", "stop"), ("abort", "abort"), ("abort", "stop")])
def test_given_running_and_a_run_that_is_being_ended_when_ended_again_so_or_less_quickly_then_ok_and_no_hook(
    first: str, second: str
) -> None:
    given = Driver()  # seed 001: stop and abort are accepted in Running
    given.submit(2)
    given.end(abort=first == "abort")
    given.end_hook()
    assert given.core.state is State.RUNNING
    hooks = len(given.hooks)

    again = given.end(abort=second == "abort")

    assert given.answers[again] == Ok()
    assert len(given.hooks) == hooks
    waiting = given.final()
    given.end_step()
    assert isinstance(given.answers[waiting], Cancelled)


def test_given_the_hook_of_a_stop_runs_when_stopped_again_then_unhandled_names_the_state_it_is_in() -> None:
    given = Driver()  # seed 001: in any other state than Running, Unhandled
    given.submit(2)
    given.end(abort=False)
    reply = given.answers[given.end(abort=False)]
    assert isinstance(reply, Unhandled)
    assert (reply.state, given.core.state) == ("Stopping", State.STOPPING)


def test_given_a_run_that_is_being_completed_when_edited_then_refused_and_the_run_ends_completed() -> None:
    given = Driver()
    given.submit(3)
    waiting, completing, editing = given.final(), given.ask(), given.ask()
    given.give(ev.Complete(completing))
    assert given.answers[completing] == Ok()

    given.give(ev.EditList(editing, Add(commands=(Setup("ESW.test", "more"),)), ("s9",)))

    reply = given.answers[editing]
    assert isinstance(reply, Unhandled)
    assert reply.msg == "Sequencer can not accept 'Add' message: the run is completed, nothing more is taken into it"
    given.end_step()
    assert isinstance(given.answers[waiting], Completed)
    assert [step.step_id for step in given.started] == ["s1"]
    assert given.answers[given.submit(1, "r2")] == Started(run_id="r2")
    given.give(ev.EditList(given.ask(), Add(commands=(Setup("ESW.test", "more"),)), ("s9",)))
    assert len(given.statuses) == 2, "the next run takes edits again"


def test_given_no_run_when_it_is_to_be_completed_then_unhandled() -> None:
    given = Driver()
    ask = given.ask()
    given.give(ev.Complete(ask))
    assert isinstance(given.answers[ask], Unhandled)
