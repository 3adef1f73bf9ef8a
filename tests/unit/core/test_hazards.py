"""The hazards of ESW's sequencer (reference 1.13), one test named after each: none of them may exist here.

H9 and H12 are about time: tests/unit/actors/test_sequencer_shell.py.
"""

from __future__ import annotations

from typing import Any

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer_states import State
from ocs_ray.core.sequencer_view import snapshot
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.editor_messages import Add, AddBreakpoint, Reset
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid
from ocs_ray.models.sequencer_replies import GoOfflineHookFailed, GoOnlineHookFailed, Ok, Unhandled
from ocs_ray.models.steps import StepStatus


def commands(count: int) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(1, count + 1)))


def one_more() -> Add:
    return Add(commands=tuple(commands(1)))


def test_h1_given_a_run_before_when_loaded_and_edited_then_nothing_runs_and_start_works(night: Any) -> None:
    # case 86
    night.submit(1, "r1")
    night.end_step()
    assert night.load(1) == Ok()
    assert night.edit(one_more()) == Ok()
    assert len(night.started) == 1
    night.asked(lambda ask: ev.Start(ask, "r2"))
    assert len(night.started) == 2


def test_h2_given_reset_then_load_and_edit_when_not_started_then_no_step_is_executed(night: Any) -> None:
    night.submit(1, "r1")
    night.end_step()
    night.load(2)
    assert night.edit(Reset()) == Ok()
    assert night.core.state is State.IDLE
    night.load(2)
    night.edit(one_more())
    assert len(night.started) == 1
    assert night.core.state is State.LOADED


def test_h3_given_a_breakpoint_on_the_first_step_when_aborted_then_the_run_ends_and_waiters_are_answered(
    night: Any,
) -> None:
    # case 88
    night.load(2)
    night.edit(AddBreakpoint(id="s1"))
    night.asked(lambda ask: ev.Start(ask, "r1"))
    assert not night.started
    waiting = night.ask()
    night.give(ev.AskFinal(waiting, "r1"))
    assert night.asked(lambda ask: ev.End(ask, abort=True)) == Ok()
    assert night.answers[waiting] == Cancelled(run_id="r1")
    assert night.core.state is State.IDLE


def test_h3_given_a_paused_run_when_reset_then_it_ends_at_once(night: Any) -> None:
    night.load(2)
    night.edit(AddBreakpoint(id="s1"))
    night.asked(lambda ask: ev.Start(ask, "r1"))
    assert night.edit(Reset()) == Ok()
    assert isinstance(night.final("r1"), Completed)
    assert night.core.state is State.IDLE


def test_h4_given_a_run_and_then_offline_when_the_old_run_is_queried_then_its_response_comes(night: Any) -> None:
    # cases 55 and 89
    night.submit(1, "r1")
    night.end_step()
    assert night.asked(lambda ask: ev.GoOnOffline(ask, online=False)) == Ok()
    assert night.core.steps is None
    assert isinstance(night.core.history.query("r1"), Completed)
    assert isinstance(night.final("r1"), Completed)


def test_h5_given_run_a_and_b_loaded_when_a_is_queried_then_its_own_result_comes_never_b_s(night: Any) -> None:
    # case 90
    night.submit(1, "a")
    night.end_step("boom")
    night.load(1)
    assert isinstance(night.core.history.query("a"), Error)
    night.asked(lambda ask: ev.Start(ask, "b"))
    night.end_step()
    assert isinstance(night.final("a"), Error)
    assert isinstance(night.final("b"), Completed)


def test_h6_given_the_step_ends_during_the_abort_hook_then_it_is_recorded_and_the_run_ends(night: Any) -> None:
    # case 87
    night.submit(2, "r1")
    night.hooks_wait = True
    night.asked(lambda ask: ev.End(ask, abort=True))
    night.end_step()
    night.end_hook()
    assert night.core.history.query("r1") == Cancelled(run_id="r1")
    assert night.core.steps is not None
    assert [step.status for step in night.core.steps.view()] == [StepStatus.SUCCESS, StepStatus.CANCELLED]


def test_h7_given_the_last_step_ended_when_added_to_then_the_add_is_unhandled_and_never_half_taken(night: Any) -> None:
    # case 91
    night.submit(1, "r1")
    night.end_step()
    refused = night.edit(one_more())
    assert isinstance(refused, Unhandled)
    assert refused.state == "Idle"
    assert len(snapshot(night.core).steps) == 1


def test_h8_given_going_online_fails_while_others_look_then_offline_and_going_offline_leads_back(
    night: Any, another_night: Any
) -> None:
    # cases 53 and 92
    night.asked(lambda ask: ev.GoOnOffline(ask, online=False))
    night.hooks_wait = True
    ask = night.ask()
    night.give(ev.GoOnOffline(ask, online=True))
    assert isinstance(night.final("never"), Invalid)
    night.end_hook("dome closed")
    assert night.answers[ask] == GoOnlineHookFailed(reason="dome closed")
    assert night.core.state is State.OFFLINE

    other = another_night()
    other.load(1)
    other.hooks_wait = True
    ask = other.ask()
    other.give(ev.GoOnOffline(ask, online=False))
    other.final("never")
    other.end_hook("busy")
    assert other.answers[ask] == GoOfflineHookFailed(reason="busy")
    assert other.core.state is State.LOADED
    assert len(snapshot(other.core).steps) == 1


def test_h10_given_loaded_when_the_hook_of_a_submit_fails_then_what_was_loaded_can_be_edited_and_started(
    night: Any,
) -> None:
    night.load(1)
    night.hooks_wait = True
    night.submit(3, "r1")
    night.end_hook("no dome")
    night.hooks_wait = False
    assert night.core.state is State.LOADED
    assert night.edit(one_more()) == Ok()
    night.asked(lambda ask: ev.Start(ask, "r2"))
    assert len(snapshot(night.core).steps) == 2


def test_h11_given_waiters_and_a_hook_in_progress_when_shut_down_then_all_are_answered(night: Any) -> None:
    night.submit(2, "r1")
    first, second, aborting = night.ask(), night.ask(), night.ask()
    night.give(ev.AskFinal(first, "r1"))
    night.give(ev.AskFinal(second, "r1"))
    night.hooks_wait = True
    night.give(ev.End(aborting, abort=True))
    night.hooks_wait = False
    shut = night.ask()
    night.give(ev.Shut(shut))
    assert night.answers[first] == night.answers[second] == Cancelled(run_id="r1")
    assert night.answers[aborting] == night.answers[shut] == Ok()
    assert night.core.state is State.KILLED


def test_given_a_run_that_is_being_ended_when_added_to_then_it_takes_nothing_more(night: Any) -> None:
    # weakness 32
    night.submit(2, "r1")
    night.asked(lambda ask: ev.End(ask, abort=False))
    refused = night.edit(one_more())
    assert isinstance(refused, Unhandled)
    assert refused.msg == "Sequencer can not accept 'Add' message in 'Stopping' state"


def test_given_commands_nobody_takes_when_submitted_or_loaded_then_refused_before_anything_runs(night: Any) -> None:
    unknown = ("Setup what", "Wait for")
    reply = night.asked(lambda ask: ev.Submit(ask, commands(2), ("a", "b"), "r1", unknown))
    assert isinstance(reply, Invalid)
    assert reply.reason.endswith("the script has no handler for Setup what, Wait for")
    loaded = night.asked(lambda ask: ev.Load(ask, commands(2), ("a", "b"), unknown))
    assert loaded == Unhandled(
        state="Idle", message_type="LoadSequence", msg="the script has no handler for Setup what, Wait for"
    )
    assert night.core.state is State.IDLE
    assert night.core.steps is None


def test_given_a_failed_run_when_retried_then_it_goes_on_at_the_failed_step_under_a_new_id(night: Any) -> None:
    night.submit(3, "r1")
    night.end_step()
    night.end_step("boom")
    reply = night.asked(lambda ask: ev.Retry(ask, "r2"))
    assert reply.is_started
    assert night.started[-1].step_id == "s2"
    night.end_step()
    night.end_step()
    assert isinstance(night.final("r2"), Completed)
    assert isinstance(night.final("r1"), Error)
    records = {run.run_id: run for run in night.core.history.view(None)}
    assert [step.attempts for step in records["r2"].steps] == [1, 2, 1]
    assert [step.status for step in records["r1"].steps][1:] == [StepStatus.FAILURE, StepStatus.PENDING]


def test_given_no_failed_run_when_retried_then_invalid_says_so(night: Any) -> None:
    assert "no failed run" in night.asked(lambda ask: ev.Retry(ask, "r1")).reason
    night.submit(1, "r2")
    night.end_step()
    assert "no failed run" in night.asked(lambda ask: ev.Retry(ask, "r3")).reason


def test_given_an_edit_made_for_another_list_when_it_comes_then_it_is_refused_with_the_present_version(
    night: Any,
) -> None:
    night.load(2)
    version = snapshot(night.core).list_version
    assert night.edit(Add(commands=tuple(commands(1)), if_version=version)) == Ok()
    moved = night.edit(Add(commands=tuple(commands(1)), if_version=version))
    assert moved.list_version == version + 1
    assert len(snapshot(night.core).steps) == 3
