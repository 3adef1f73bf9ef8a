"""How a running script is held and goes on. Source: seed 004; reference isa88.md 3, 4, 6; cases of its section 8."""

from __future__ import annotations

import pytest

from ocs_ray.core.mailbox import CAPACITY, Disposition, Letter
from ocs_ray.core.procedure_events import Check, RunEnd, Scope, Tell
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState

from .procedure_show import Show, stand_in

CHOSEN, DEFERRED, REJECTED = Disposition.CHOSEN, Disposition.DEFERRED, Disposition.REJECTED
SUPERSEDED, UNKNOWN = Disposition.SUPERSEDED, Disposition.UNKNOWN
STOP, ABORT = ProcedureCommand.STOP, ProcedureCommand.ABORT
HOLD, RESUME = ProcedureCommand.HOLD, ProcedureCommand.RESUME


# -- HOLD and RESUME, by three kinds of scripts ------------------------------------------------------------------------


def test_given_the_seed_s_example_when_held_and_resumed_before_it_asks_then_it_holds_and_goes_on(running: Show) -> None:
    running.send("HOLD")  # cases 16, 21
    assert running.send("RESUME") is DEFERRED
    assert running.receive("RUNNING") == "HOLD"
    assert running.receive("HELD") == "RESUME"
    assert running.states().endswith("EXECUTE HOLDING HELD UNHOLDING EXECUTE")
    assert running.last("L2") is CHOSEN
    assert running.receive("RUNNING") is None


def test_given_a_script_that_passes_checkpoints_when_held_and_resumed_before_one_then_it_does_both(
    running: Show,
) -> None:  # case 16
    running.send("HOLD")
    running.send("RESUME")
    assert running.checkpoint() is Check.WAIT
    assert running.states().endswith("EXECUTE HOLDING HELD UNHOLDING EXECUTE")
    assert running.look_again() is Check.GO
    assert running.receive("RUNNING") is None, "what it followed by waiting is no news to it"


def test_given_a_script_that_never_polls_when_held_then_it_is_at_the_end_of_the_step(running: Show) -> None:
    running.send("HOLD")  # cases 16, 23 (core half)
    running.send("RESUME")
    assert running.core.state is ProcedureState.HOLDING
    running.step(in_flight=False)
    assert running.states().endswith("EXECUTE HOLDING HELD UNHOLDING EXECUTE")
    assert running.gates == [True, False]


def test_given_hold_resume_hold_when_sent_at_once_then_it_ends_held(running: Show) -> None:  # case 16, section 4
    assert [running.send(one) for one in ("HOLD", "RESUME", "HOLD")] == [CHOSEN, DEFERRED, DEFERRED]
    running.checkpoint()
    assert running.core.state is ProcedureState.HELD
    assert [running.last(f"L{n}") for n in (1, 2, 3)] == [CHOSEN] * 3


def test_given_a_script_that_holds_by_itself_when_it_is_handed_hold_then_it_is_held_once_it_comes_back(
    running: Show,
) -> None:
    running.send("HOLD")
    assert running.receive("RUNNING") == "HOLD"
    assert running.core.state is ProcedureState.HOLDING, "it may still have things to do"
    assert running.checkpoint() is Check.GO, "it holds by itself"
    assert running.core.state is ProcedureState.HELD


def test_given_it_came_back_when_on_hold_ends_later_then_it_is_held_without_its_asking_again(running: Show) -> None:
    running.handlers_wait = True
    running.send("HOLD")
    running.receive("RUNNING")
    running.receive("HELD")  # it waits in here for what comes
    running.end_handlers()
    assert running.core.state is ProcedureState.HELD


def test_given_on_hold_runs_when_a_script_in_held_asks_then_it_does_not_hear_resume_before_the_machine_does(
    running: Show,
) -> None:
    running.handlers_wait = True
    running.send("HOLD")
    running.receive("RUNNING")
    running.send("RESUME")
    assert running.receive("HELD") is None, "it would go on, and the machine be held for ever"
    running.handlers_wait = False
    running.end_handlers()
    assert running.receive("HELD") == "RESUME"
    assert running.core.state is ProcedureState.EXECUTE


def test_given_resume_unread_when_held_again_then_the_script_holds_still_and_the_next_resume_reaches_it(
    running: Show,
) -> None:
    running.send("HOLD")
    running.receive("RUNNING")
    running.receive("HELD")
    running.send("RESUME")
    running.send("HOLD")
    assert running.core.state is ProcedureState.HELD
    assert running.checkpoint() is Check.GO
    running.send("RESUME")
    assert running.receive("HELD") == "RESUME"


def test_given_held_when_the_run_is_stopped_then_the_gate_opens_with_the_run_s_end_and_not_before(
    running: Show,
) -> None:
    running.send("HOLD")
    running.checkpoint()
    running.send("STOP")
    assert running.gates == [True], "no step begins between STOP and the end of the run"
    running.end(RunEnd.CANCELLED)
    assert running.gates == [True, False]


def test_given_a_second_hold_while_holding_when_resumed_then_it_goes_on(running: Show) -> None:
    running.receive("RUNNING")
    running.send("HOLD")
    assert running.send("HOLD") is REJECTED  # section 3: HOLDING's row has no HOLD
    running.checkpoint()
    running.send("RESUME")
    assert running.core.state is ProcedureState.EXECUTE


def test_given_starting_when_held_then_the_hook_waits_at_its_checkpoint_and_resume_reaches_it(show: Show) -> None:
    show.give(show.core.run_begins())  # seed 004: HOLD is allowed in STARTING
    show.send("HOLD")
    assert show.checkpoint() is Check.WAIT
    assert show.core.state is ProcedureState.HELD
    show.send("RESUME")
    assert show.look_again() is Check.GO
    show.give(show.core.run_began())
    assert show.core.state is ProcedureState.EXECUTE


def test_given_starting_when_held_and_the_hook_polls_then_it_hears_of_it(show: Show) -> None:
    show.give(show.core.run_begins())
    show.send("HOLD")
    assert show.receive() == "HOLD"


def test_given_a_step_that_ended_when_the_next_one_asks_then_it_does_not_hear_of_what_was_before(
    running: Show,
) -> None:
    running.send("HOLD")
    running.step(in_flight=False)
    running.send("RESUME")
    running.step()
    assert running.receive("RUNNING") is None


def test_given_a_held_script_when_more_hold_and_resume_wait_than_python_recurses_then_all_are_followed(
    running: Show,
) -> None:
    for _ in range(150):
        running.send("HOLD")
        running.send("RESUME")
    running.checkpoint()
    assert running.core.state is ProcedureState.EXECUTE
    assert {told[-1].disposition for told in running.told.values()} == {CHOSEN}


def test_given_a_mailbox_that_is_full_when_another_comes_then_it_is_rejected_and_stop_is_not(running: Show) -> None:
    for _ in range(CAPACITY):
        assert running.send("hello", topic="chat") is DEFERRED
    assert running.send("hello", topic="chat") is REJECTED
    assert running.send("STOP") is CHOSEN


# -- asking in a state of one's own ------------------------------------------------------------------------------------


def test_given_no_state_when_asked_then_the_machine_s_is_the_filter(running: Show) -> None:  # case 20
    running.receive("HELD")
    assert running.send("RESUME") is DEFERRED
    assert running.receive() is None
    assert running.last("L1") is REJECTED


def test_given_held_is_said_while_running_when_asked_then_held_is_the_filter(running: Show) -> None:  # case 20
    running.receive("HELD")
    running.send("RESUME")
    assert running.receive("HELD") == "RESUME"
    assert running.last("L1") is CHOSEN
    assert running.core.state is ProcedureState.EXECUTE


def test_given_a_resume_for_the_script_alone_when_a_hold_comes_after_it_then_the_hold_stands(running: Show) -> None:
    running.receive("HELD")
    running.send("RESUME")
    running.send("HOLD")
    running.checkpoint()
    assert running.core.state is ProcedureState.HELD


def test_given_a_script_that_asked_when_its_run_is_over_then_nothing_waits_for_it(running: Show) -> None:
    running.receive("HELD")
    assert running.send("RESUME") is DEFERRED
    running.end()
    assert running.last("L1") is REJECTED
    assert running.send("RESUME") is REJECTED


def test_given_another_topic_when_a_command_is_sent_then_the_machine_does_not_move(running: Show) -> None:
    seen = len(running.entered)
    assert running.send("STOP", topic="other") is DEFERRED
    assert running.receive("RUNNING", topic="other") == "STOP"
    assert running.last("L1") is CHOSEN
    assert running.states(seen) == ""


def test_given_letters_on_another_topic_when_the_run_ends_then_their_senders_are_told(running: Show) -> None:
    running.send("HOLD", topic="other")
    running.end()
    assert running.last("L1") is REJECTED


def test_given_a_task_that_waits_when_another_takes_a_hold_for_itself_then_the_first_waits_on(running: Show) -> None:
    running.send("HOLD")
    running.checkpoint()
    running.receive("RUNNING")
    assert running.send("HOLD") is DEFERRED
    assert running.receive("RUNNING") == "HOLD"
    assert running.core.checkpoint() is Check.WAIT


def test_given_a_letter_that_waits_when_the_run_ends_without_its_state_then_its_sender_is_told(running: Show) -> None:
    running.give(running.core.guard(closed=True))
    assert running.send("HOLD") is DEFERRED
    running.end()
    assert running.core.state is ProcedureState.COMPLETE
    assert running.last("L1") is REJECTED


# -- pause: at the step's end ------------------------------------------------------------------------------------------


def test_given_a_pause_when_the_script_comes_to_a_checkpoint_then_it_goes_on_to_the_end_of_the_step(
    running: Show,
) -> None:  # case 30, core half
    running.command("HOLD", scope=Scope.STEP)
    assert running.gates == [True]
    assert running.checkpoint() is Check.GO
    assert running.core.state is ProcedureState.HOLDING
    running.step(in_flight=False)
    assert running.core.state is ProcedureState.HELD
    running.command("RESUME")
    assert running.core.state is ProcedureState.EXECUTE
    assert running.gates == [True, False]


def test_given_a_pause_when_hold_comes_then_it_acts_inside_the_step(running: Show) -> None:  # section 5, last row
    running.command("HOLD", scope=Scope.STEP)
    assert running.send("HOLD") is CHOSEN
    assert running.checkpoint() is Check.WAIT
    assert running.core.state is ProcedureState.HELD


def test_given_a_pause_when_hold_comes_then_a_script_that_polls_hears_of_it(running: Show) -> None:
    running.command("HOLD", scope=Scope.STEP)
    running.send("HOLD")
    assert running.receive() == "HOLD"
    running.receive("HELD")
    assert running.core.state is ProcedureState.HELD


def test_given_a_suspended_script_when_paused_then_it_does_not_go_on_to_the_end_of_its_step() -> None:
    show = stand_in("SUSPENDED")
    show.command("HOLD", scope=Scope.STEP)
    assert show.core.state is ProcedureState.HELD
    assert show.core.checkpoint() is Check.WAIT


def test_given_a_child_when_paused_then_it_is_left_alone_as_the_step_is_to_end(running: Show) -> None:
    running.give(running.core.child_began("ESW.child"))
    running.command("HOLD", scope=Scope.STEP)
    assert running.propagated == []
    running.send("HOLD")
    assert running.propagated == [(HOLD, ("ESW.child",))]
    assert running.core.waits_for == {"ESW.child"}


# -- parts that are not to be held -------------------------------------------------------------------------------------


@pytest.mark.parametrize("polls", [False, True])
def test_given_no_hold_when_held_twice_then_it_acts_right_after_the_block_and_once(  # case 26
    running: Show, polls: bool
) -> None:
    running.give(running.core.guard(closed=True))
    assert running.send("HOLD") is DEFERRED
    assert running.send("HOLD") is SUPERSEDED
    assert running.checkpoint() is Check.GO
    assert running.receive("RUNNING") is None
    assert running.core.state is ProcedureState.EXECUTE
    running.give(running.core.guard(closed=False))
    if polls:
        assert running.receive("RUNNING") == "HOLD"
        running.receive("HELD")
    else:
        running.checkpoint()
    assert running.core.state is ProcedureState.HELD
    running.send("RESUME")
    assert running.core.state is ProcedureState.EXECUTE, "the second HOLD does not hold again"


def test_given_holding_when_no_hold_begins_before_a_checkpoint_then_held_comes_after_it(running: Show) -> None:
    running.send("HOLD")  # case 26
    running.give(running.core.guard(closed=True))
    assert running.checkpoint() is Check.GO
    assert running.receive("RUNNING") is None
    assert running.core.state is ProcedureState.HOLDING
    running.give(running.core.guard(closed=False))
    assert running.checkpoint() is Check.WAIT
    assert running.core.state is ProcedureState.HELD


def test_given_a_pause_when_no_hold_outlives_the_step_then_held_comes_after_it(running: Show) -> None:
    running.give(running.core.guard(closed=True))
    running.command("HOLD", scope=Scope.STEP)
    running.step(in_flight=False)
    assert running.core.state is ProcedureState.HOLDING
    running.give(running.core.guard(closed=False))
    assert running.core.state is ProcedureState.HELD


def test_given_no_hold_when_stopped_then_it_acts_at_once_and_the_waiting_hold_is_superseded(running: Show) -> None:
    running.give(running.core.guard(closed=True))
    running.send("HOLD")
    running.send("STOP")
    assert running.core.state is ProcedureState.STOPPING
    assert running.last("L1") is SUPERSEDED


def test_given_no_hold_in_the_hook_when_held_then_it_waits_for_the_end_of_the_block(show: Show) -> None:
    show.give(show.core.run_begins())
    show.give(show.core.guard(closed=True))
    assert show.send("HOLD") is DEFERRED
    show.give(show.core.guard(closed=False))
    assert show.core.state is ProcedureState.HOLDING


def test_given_hold_and_resume_within_no_hold_when_it_ends_then_both_are_followed(running: Show) -> None:
    running.give(running.core.guard(closed=True))
    assert [running.send("HOLD"), running.send("RESUME")] == [DEFERRED, DEFERRED]
    running.give(running.core.guard(closed=False))
    running.checkpoint()
    assert running.states().endswith("HOLDING HELD UNHOLDING EXECUTE")


def test_given_a_block_of_an_earlier_run_when_it_ends_late_then_the_new_run_can_be_held(running: Show) -> None:
    running.give(running.core.guard(closed=True))
    running.end()
    running.begin()
    running.give(running.core.guard(closed=False))
    running.send("HOLD")
    assert running.checkpoint() is Check.WAIT


def test_given_a_sender_gone_wild_with_topics_then_only_so_many_are_kept_and_those_read_out_make_room(
    running: Show,
) -> None:
    verdicts = [running.core.send(Letter(f"W{n}", "x", "wild", 0.0), f"topic {n}") for n in range(150)]
    told = [effects[0].disposition for effects in verdicts if isinstance(effects[0], Tell)]
    assert [told.count(one) for one in (DEFERRED, REJECTED)] == [99, 51]
    assert isinstance(verdicts[-1][0], Tell)
    assert verdicts[-1][0].reason == "100 topics have letters that were not read"
    assert running.send("STOP") is CHOSEN, "the procedure's own topic always has its place"
    running.core.receive(None, "topic 7", 5)
    assert len(running.core._post._boxes) == 100
    again = running.core.send(Letter("again", "x", "wild", 0.0), "another")[0]
    assert isinstance(again, Tell)
    assert again.disposition is DEFERRED
    running.core.run_ended(RunEnd.CANCELLED)
    running.core.send(Letter("later", "x", "wild", 0.0), "later")
    assert len(running.core._post._boxes) <= 2
