"""Failures, causes outside and other sequencers. Source: reference isa88.md 3 and 6; cases of its section 8."""

from __future__ import annotations

import pytest

from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure import ProcedureCore
from ocs_ray.core.procedure_events import Check, Moment, RunEnd, Scope
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, state_of

from .procedure_show import Show, stand_in

CHOSEN, DEFERRED, REJECTED = Disposition.CHOSEN, Disposition.DEFERRED, Disposition.REJECTED
SUPERSEDED, UNKNOWN = Disposition.SUPERSEDED, Disposition.UNKNOWN
STOP, ABORT = ProcedureCommand.STOP, ProcedureCommand.ABORT
HOLD, RESUME = ProcedureCommand.HOLD, ProcedureCommand.RESUME


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["STARTING", "EXECUTE", "HOLDING", "UNHOLDING", "SUSPENDING", "UNSUSPENDING"])
def test_given_a_state_that_acts_when_something_fails_then_it_ends_in_error_with_the_cause(
    name: str,
) -> None:  # case 12
    show = stand_in(name)
    if show.running:
        show.end_handlers("Traceback: boom")
    else:
        show.give(show.core.fault("Traceback: boom"))
    assert show.core.state is ProcedureState.ABORTING
    assert show.ended == [ABORT]
    show.end(RunEnd.FAILED, "Traceback: boom")
    assert show.core.state is state_of("ERROR")
    assert show.core.reason == "Traceback: boom"


def test_given_a_step_that_fails_when_the_run_ends_then_it_is_in_error_with_the_cause(running: Show) -> None:  # case 12
    running.end(RunEnd.FAILED, "boom")
    assert running.states().endswith("EXECUTE ABORTING ABORTED")
    assert running.core.reason == "boom"
    assert running.ended == [], "the run is over already"


def test_given_aborting_when_that_fails_too_then_it_is_aborted_all_the_same(running: Show) -> None:  # case 12
    running.send("ABORT")
    running.give(running.core.fault("on_abort_sequence failed"))
    assert running.core.state is ProcedureState.ABORTED
    assert running.ended == [ABORT], "the run is being ended already"
    assert running.core.checkpoint() is Check.ABORT, "the script still runs, and is not to"
    assert running.send("RESET") is DEFERRED, "not while the run goes on"
    running.end(RunEnd.CANCELLED)
    assert running.core.state is ProcedureState.IDLE


def test_given_held_when_a_fault_is_reported_then_it_is_an_abort_as_a_held_script_does_nothing_to_fail() -> None:
    show = stand_in("HELD")
    show.give(show.core.fault("lost"))
    assert (show.entered[-1].state, show.entered[-1].by) == (ProcedureState.ABORTING, "ABORT")


@pytest.mark.parametrize("name", ["IDLE", "COMPLETE", "STOPPED", "ABORTED"])
def test_given_a_script_at_rest_when_a_fault_is_reported_then_nothing_happens(name: str) -> None:
    show = stand_in(name)
    seen = len(show.entered)
    show.give(show.core.fault("late"))
    assert show.states(seen) == ""


def test_given_handlers_of_a_state_that_is_left_when_they_end_then_nothing_happens(running: Show) -> None:
    running.handlers_wait = True
    running.send("HOLD")
    running.send("STOP")
    seen = len(running.entered)
    running.end_handlers("too late")
    assert running.states(seen) == ""


def test_given_a_reset_for_the_next_run_when_it_fails_then_the_run_is_ended_and_not_begun_again() -> None:
    show = stand_in("COMPLETE")
    show.handlers_wait = True
    show.give(show.core.run_begins())
    show.end_handlers("boom")
    assert show.core.state is ProcedureState.ABORTING
    assert show.ended == [ABORT]
    show.give(show.core.fault("again"))
    show.give(show.core.run_ended(RunEnd.CANCELLED))
    assert show.core.state is ProcedureState.ABORTED


# -- SUSPEND -----------------------------------------------------------------------------------------------------------


def test_given_a_cause_outside_when_it_ends_then_the_script_goes_on_by_itself(running: Show) -> None:  # case 29
    running.send("SUSPEND")
    running.checkpoint()
    running.send("UNSUSPEND")
    assert running.look_again() is Check.GO
    assert running.states().endswith("SUSPENDING SUSPENDED UNSUSPENDING EXECUTE")
    assert running.moments[-2:] == [Moment.SUSPEND, Moment.UNSUSPEND]


def test_given_suspended_when_held_then_it_is_held_and_the_end_of_the_cause_does_not_matter() -> None:  # case 29
    show = stand_in("SUSPENDED")
    assert show.send("HOLD") is CHOSEN
    assert show.core.state is ProcedureState.HELD
    assert show.send("UNSUSPEND") is REJECTED
    show.send("RESUME")
    assert show.core.state is ProcedureState.EXECUTE


@pytest.mark.parametrize("name", ["STARTING", "UNHOLDING", "UNSUSPENDING"])
def test_given_a_state_on_the_way_to_running_when_suspended_then_it_is_followed_there(name: str) -> None:
    show = stand_in(name)
    assert show.send("SUSPEND") is DEFERRED
    show.handlers_wait = False
    if show.running:
        show.end_handlers()
    else:
        show.give(show.core.run_began())
        show.step()
        show.checkpoint()
    assert show.states().split()[-1] in ("SUSPENDING", "SUSPENDED")


# -- other sequencers --------------------------------------------------------------------------------------------------


def test_given_children_when_held_then_it_is_held_only_when_all_of_them_are(running: Show) -> None:  # section 6
    for name in ("ESW.a", "ESW.b"):
        running.give(running.core.child_began(name))
    running.send("HOLD")
    assert running.propagated == [(HOLD, ("ESW.a", "ESW.b"))]
    running.checkpoint()
    running.give(running.core.child_settled("ESW.a"))
    assert running.core.state is ProcedureState.HOLDING
    assert running.core.waits_for == {"ESW.b"}, "who does not follow can be named"
    running.give(running.core.child_settled("ESW.b"))
    assert running.core.state is ProcedureState.HELD


def test_given_held_children_when_resumed_then_it_goes_on_only_when_all_of_them_do(running: Show) -> None:
    running.give(running.core.child_began("ESW.a"))
    running.send("HOLD")
    running.checkpoint()
    running.give(running.core.child_settled("ESW.a"))
    running.send("RESUME")
    assert running.propagated[-1] == (RESUME, ("ESW.a",))
    assert running.core.state is ProcedureState.UNHOLDING
    assert running.core.checkpoint() is Check.WAIT
    running.give(running.core.child_settled("ESW.a"))
    assert running.core.state is ProcedureState.EXECUTE


@pytest.mark.parametrize("way", ["settled", "ended"])
def test_given_a_child_that_began_while_holding_when_it_has_not_followed_then_it_is_waited_for(
    running: Show, way: str
) -> None:
    running.send("HOLD")
    running.give(running.core.child_began("ESW.late"))
    assert running.propagated == [(HOLD, ("ESW.late",))]
    running.checkpoint()
    assert running.core.state is ProcedureState.HOLDING
    core = running.core
    running.give(core.child_settled("ESW.late") if way == "settled" else core.child_ended("ESW.late"))
    assert running.core.state is ProcedureState.HELD


def test_given_held_when_a_child_begins_then_it_is_held_too_and_resumed_with_the_others() -> None:
    show = stand_in("HELD")
    show.give(show.core.child_began("ESW.late"))
    assert show.propagated == [(HOLD, ("ESW.late",))]
    show.send("RESUME")
    assert show.propagated[-1] == (RESUME, ("ESW.late",))


@pytest.mark.parametrize("command", [STOP, ABORT])
def test_given_children_when_stopped_or_aborted_then_they_are_too_even_one_that_begins_now(
    running: Show, command: ProcedureCommand
) -> None:
    running.give(running.core.child_began("ESW.a"))
    running.send(str(command))
    running.give(running.core.child_began("ESW.b"))
    assert running.propagated == [(command, ("ESW.a",)), (command, ("ESW.b",))]
    assert running.core.waits_for == frozenset()


def test_given_held_children_when_the_procedure_is_completed_then_they_go_on_as_the_step_is_to_end(
    running: Show,
) -> None:
    running.give(running.core.child_began("ESW.a"))
    running.send("HOLD")
    running.checkpoint()
    running.give(running.core.child_settled("ESW.a"))
    running.send("COMPLETE")
    assert running.propagated[-1] == (RESUME, ("ESW.a",))


def test_given_a_second_hold_when_the_child_s_answer_to_the_resume_before_it_comes_then_it_says_nothing(
    running: Show,
) -> None:
    running.give(running.core.child_began("ESW.a"))
    running.send("HOLD")
    running.checkpoint()
    running.give(running.core.child_settled("ESW.a", HOLD))
    running.send("RESUME")
    running.send("HOLD")
    running.give(running.core.child_settled("ESW.a", RESUME))
    assert running.core.state is ProcedureState.HOLDING
    running.give(running.core.child_settled("ESW.a", HOLD))
    assert running.core.state is ProcedureState.HELD


def test_given_children_that_never_answered_when_the_run_ends_then_they_are_not_waited_for(running: Show) -> None:
    running.give(running.core.child_began("ESW.a"))
    running.send("HOLD")
    running.end()
    assert running.core.state is ProcedureState.COMPLETE
    running.begin()
    running.send("HOLD")
    assert len(running.propagated) == 1


def test_given_two_cores_when_one_is_told_then_the_other_is_not() -> None:
    one, other = ProcedureCore(), ProcedureCore()
    one.run_begins()
    one.send(Letter("x", "HOLD", "operator", 0.0))
    assert (one.state, other.state) == (ProcedureState.HOLDING, ProcedureState.IDLE)


def test_given_a_stop_after_the_step_when_a_child_begins_then_it_is_left_alone_and_an_abort_reaches_it(
    running: Show,
) -> None:
    running.command("STOP", scope=Scope.STEP)
    running.give(running.core.child_began("ESW.late"))
    assert running.propagated == []
    running.command("ABORT", scope=Scope.STEP)
    assert running.propagated == [(ABORT, ("ESW.late",))]
