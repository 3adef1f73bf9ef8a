"""The machine of a running script. Source: seed 004; reference isa88.md sections 3, 4 and 6; cases of its section 8."""

from __future__ import annotations

from itertools import permutations

import pytest

from ocs_ray.core.mailbox import CAPACITY, Disposition, Letter
from ocs_ray.core.procedure import ProcedureCore
from ocs_ray.core.procedure_events import Check, Moment, RunEnd, Scope
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, Vocabulary, state_name, state_of

from .procedure_show import Show

CHOSEN, DEFERRED, REJECTED = Disposition.CHOSEN, Disposition.DEFERRED, Disposition.REJECTED
SUPERSEDED, UNKNOWN = Disposition.SUPERSEDED, Disposition.UNKNOWN
STOP, ABORT = ProcedureCommand.STOP, ProcedureCommand.ABORT
HOLD, RESUME = ProcedureCommand.HOLD, ProcedureCommand.RESUME


@pytest.fixture
def show() -> Show:
    """A script that has never run."""
    return Show()


@pytest.fixture
def running(show: Show) -> Show:
    """A script in the middle of its first step."""
    show.begin()
    assert show.core.state is state_of("RUNNING")
    return show


def stand_in(name: str) -> Show:
    """A script that stands in a state; acting states have their handlers running, or a run that goes on."""
    show = Show()
    state = state_of(name)
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
                show.end(RunEnd.COMPLETED if state is ProcedureState.COMPLETE else RunEnd.CANCELLED)
            case "wait":
                show.handlers_wait = True
            case _:
                assert show.send(step) is CHOSEN
    assert show.core.state is state, show.states()
    return show


# -- a run from its beginning to its end ------------------------------------------------------------------------------


def test_given_a_fresh_script_when_asked_then_it_is_idle(show: Show) -> None:  # case 2
    assert show.core.state is ProcedureState.IDLE
    assert show.core.checkpoint() is Check.GO


def test_given_the_seed_s_diagram_when_a_run_is_paused_resumed_completed_and_reset_then_all_its_states_are_seen(
    show: Show,
) -> None:  # case 9: the supervisor's walk; each arrow is in test_procedure_states.py
    show.begin()
    show.send("PAUSE")
    assert show.checkpoint() is Check.WAIT
    show.send("RESUME")
    show.look_again()
    show.end()
    show.send("RESET")
    names = [state_name(one.state, Vocabulary.DIAGRAM) for one in show.entered]
    assert " ".join(names) == ("STARTING EXECUTE PAUSING PAUSED RESUMING EXECUTE COMPLETING COMPLETED RESETTING IDLE")


def test_given_a_hook_that_runs_when_it_ends_then_starting_is_over(show: Show) -> None:
    show.give(show.core.run_begins())
    assert show.core.state is ProcedureState.STARTING
    show.give(show.core.run_began())
    assert show.core.state is ProcedureState.EXECUTE


@pytest.mark.parametrize("name", ["STOPPED", "COMPLETE", "ABORTED"])
def test_given_what_is_left_of_the_last_run_when_a_new_one_begins_then_it_is_reset_first(name: str) -> None:
    show = stand_in(name)  # section 6, loadSequence: COMPLETE and STOPPED are reset by themselves
    seen = len(show.entered)
    show.begin()
    clearing = "CLEARING STOPPED " if name == "ABORTED" else ""
    assert show.states(seen) == f"{clearing}RESETTING IDLE STARTING EXECUTE"


def test_given_completing_when_the_next_run_begins_before_its_handlers_end_then_it_starts_after_them(
    running: Show,
) -> None:
    running.handlers_wait = True
    running.end()
    running.give(running.core.run_begins())
    running.give(running.core.run_began())
    assert running.core.state is ProcedureState.COMPLETING
    running.handlers_wait = False
    running.end_handlers()
    assert running.states().endswith("COMPLETING COMPLETE RESETTING IDLE STARTING EXECUTE")


# -- STOP and ABORT ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(ProcedureState))
def test_given_any_state_when_stopped_then_it_is_accepted_and_ends_at_rest(state: ProcedureState) -> None:  # case 5
    show = stand_in(state)
    show.handlers_wait = False
    assert show.send("STOP") is CHOSEN
    while show.running:
        show.end_handlers()
    show.end(RunEnd.CANCELLED)
    moved_on = {"CLEARING": "STOPPED", "ABORTING": "ABORTED", "ABORTED": "ABORTED"}  # the table's '='
    assert show.core.state.value == moved_on.get(state, "STOPPED")


@pytest.mark.parametrize("name", ["STOPPING", "STOPPED", "ERROR"])
def test_given_the_end_is_on_its_way_when_stopped_again_then_no_run_is_ended_twice(name: str) -> None:  # case 5
    show = stand_in(name)
    ended, seen = list(show.ended), len(show.entered)
    assert show.send("STOP") is CHOSEN
    show.command("STOP")
    assert show.ended == ended
    assert show.states(seen) == ""


def test_given_a_stop_when_the_script_asks_or_comes_to_a_checkpoint_then_it_is_told_to_stop(running: Show) -> None:
    running.send("STOP")
    assert running.checkpoint() is Check.STOP
    assert running.receive("RUNNING") == "STOP"
    assert running.ended == [STOP]


def test_given_stopping_when_aborted_then_the_run_is_ended_the_harder_way(running: Show) -> None:
    running.send("STOP")
    running.send("ABORT")
    assert running.ended == [STOP, ABORT]
    assert running.checkpoint() is Check.ABORT
    running.end(RunEnd.CANCELLED)
    assert running.core.state is ProcedureState.ABORTED


@pytest.mark.parametrize("order", list(permutations(["stop", "completed", "handlers"])), ids=" ".join)
def test_given_a_stop_and_the_completion_in_any_order_then_the_run_has_one_outcome(  # case 27
    running: Show, order: tuple[str, ...]
) -> None:
    running.handlers_wait = True
    for event in order:
        match event:
            case "stop":
                running.send("STOP")
            case "completed":
                running.end(RunEnd.COMPLETED)
            case _ if running.running:
                running.end_handlers()
    while running.running:
        running.end_handlers()
    outcomes = [one for one in running.states().split() if one in ("STOPPED", "COMPLETE", "ABORTED")]
    if order == ("completed", "handlers", "stop"):  # completed before the stop was sent: a STOP of COMPLETE, case 5
        assert outcomes == ["COMPLETE", "STOPPED"]
        assert running.ended == []
    else:
        assert outcomes == ["STOPPED"]


def test_given_a_stop_when_the_script_fails_of_it_then_it_is_stopped_and_the_cause_is_kept(running: Show) -> None:
    running.send("STOP")  # section 2, ruling 8
    running.end(RunEnd.FAILED, "Stopped by operator")
    assert running.core.state is ProcedureState.STOPPED
    assert running.core.reason == "Stopped by operator"


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "commands"),  # section 3's blanks, without what is waited for; see the tests of deferral
    [
        ("IDLE", "RESET HOLD RESUME SUSPEND UNSUSPEND COMPLETE CLEAR"),
        ("EXECUTE", "START RESET RESUME UNSUSPEND CLEAR"),
        ("HELD", "START RESET HOLD SUSPEND UNSUSPEND CLEAR"),
        ("SUSPENDED", "START RESET RESUME SUSPEND CLEAR"),
        ("COMPLETE", "START HOLD RESUME SUSPEND UNSUSPEND COMPLETE CLEAR"),
        ("STOPPED", "START HOLD RESUME SUSPEND UNSUSPEND COMPLETE CLEAR"),
        ("ABORTED", "START HOLD RESUME SUSPEND UNSUSPEND COMPLETE ABORT"),
    ],
)
def test_given_a_waiting_state_when_a_command_is_not_in_its_row_then_it_is_rejected_with_the_state(  # cases 6, 7, 8, 10
    name: str, commands: str
) -> None:
    show = stand_in(name)
    seen = len(show.entered)
    for command in commands.split():
        assert show.send(command) is REJECTED, command
    assert show.states(seen) == ""
    last = [told[-1] for told in show.told.values()][-len(commands.split()) :]
    assert all(tell.state is state_of(name) and name in tell.reason for tell in last)


@pytest.mark.parametrize("message", [None, 5, [], {}, {"command": "STOP"}, "FOO"])
def test_given_no_command_when_sent_then_it_is_unknown_and_nothing_happens(running: Show, message: object) -> None:
    seen = len(running.entered)  # case 18
    assert running.send(message) is UNKNOWN
    assert running.states(seen) == ""


def test_given_a_run_that_goes_on_when_reset_comes_by_the_sequencer_s_way_then_nothing_happens(running: Show) -> None:
    running.command("RESET")  # section 6: 'refused while InProgress'
    assert running.core.state is ProcedureState.EXECUTE


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


# -- RESET, CLEAR, START, COMPLETE -------------------------------------------------------------------------------------


def test_given_error_when_reset_then_all_states_on_the_way_are_published_and_start_works_again(  # case 11
    running: Show,
) -> None:
    running.end(RunEnd.FAILED, "boom")
    seen = len(running.entered)
    assert running.send("RESET") is CHOSEN
    assert running.states(seen) == "CLEARING STOPPED RESETTING IDLE"
    assert running.moments[-2:] == [Moment.CLEAR, Moment.RESET]
    running.send("START")
    assert [letter.message for letter in running.starts] == ["START"]
    running.begin()
    assert running.states(seen) == "CLEARING STOPPED RESETTING IDLE STARTING EXECUTE"


def test_given_error_when_cleared_then_it_stays_stopped() -> None:
    show = stand_in("ABORTED")
    show.send("CLEAR")
    assert show.core.state is ProcedureState.STOPPED


@pytest.mark.parametrize(
    ("first", "how", "way"),
    [
        ("STOP", RunEnd.CANCELLED, "STOPPING STOPPED RESETTING IDLE"),
        ("ABORT", RunEnd.CANCELLED, "ABORTING ABORTED CLEARING STOPPED RESETTING IDLE"),
        ("COMPLETE", RunEnd.COMPLETED, "COMPLETING COMPLETE RESETTING IDLE"),
    ],
)
def test_given_the_end_is_on_its_way_when_reset_is_sent_then_it_is_followed_after_the_end(  # 1.2: 'RESET lost'
    running: Show, first: str, how: RunEnd, way: str
) -> None:
    seen = len(running.entered)
    running.send(first)
    assert running.send("RESET") is DEFERRED
    running.end(how)
    assert running.states(seen) == way
    assert running.last("L2") is CHOSEN


def test_given_a_reset_that_failed_when_the_next_run_is_stopped_then_it_stays_stopped() -> None:
    show = stand_in("ABORTED")
    show.handlers_wait = True
    show.send("RESET")
    show.end_handlers("on_clear failed")
    assert show.core.state is ProcedureState.ABORTED
    show.handlers_wait = False
    show.begin()
    show.send("STOP")
    show.end(RunEnd.CANCELLED)
    assert show.core.state is ProcedureState.STOPPED


def test_given_idle_when_start_is_sent_then_the_sequencer_is_asked_and_the_sender_told_once_it_began(
    show: Show,
) -> None:
    assert show.send("START") is None
    assert show.core.state is ProcedureState.IDLE
    show.give(show.core.run_begins())
    assert show.last("L1") is CHOSEN
    assert show.core.state is ProcedureState.STARTING


def test_given_idle_when_the_sequencer_refuses_to_start_then_the_sender_is_told_why(show: Show) -> None:
    show.send("START")
    show.give(show.core.refuse_start(show.starts[0], "no sequence is loaded"))
    assert show.told["L1"][-1].reason == "no sequence is loaded"
    assert show.core.state is ProcedureState.IDLE


def test_given_two_starts_when_one_run_begins_then_each_sender_is_told_once(show: Show) -> None:
    show.send("START")
    show.send("START")
    show.give(show.core.run_begins())
    for letter in show.starts:
        show.give(show.core.refuse_start(letter, "a sequence runs"))
    assert [[t.disposition for t in show.told[n]] for n in ("L1", "L2")] == [[CHOSEN], [REJECTED]]


def test_given_resetting_when_start_is_sent_then_the_sequencer_is_asked_once_it_is_idle() -> None:
    show = stand_in("RESETTING")
    assert show.send("START") is DEFERRED
    show.end_handlers()
    assert show.core.state is ProcedureState.IDLE, "a run begins when the sequencer says so"
    assert len(show.starts) == 1


def test_given_idle_when_start_comes_by_the_sequencer_s_way_then_nothing_happens(show: Show) -> None:
    show.command("START")
    assert show.core.state is ProcedureState.IDLE


def test_given_running_when_complete_is_sent_then_the_run_is_ended_and_complete_comes_with_its_end(
    running: Show,
) -> None:
    running.send("COMPLETE")
    assert running.ended == [ProcedureCommand.COMPLETE]
    assert running.core.state is ProcedureState.COMPLETING
    assert running.core.checkpoint() is Check.GO, "the step in flight ends as it would"
    running.end()
    assert running.core.state is ProcedureState.COMPLETE


def test_given_held_when_complete_is_sent_then_the_step_goes_on_to_its_end_and_no_other_begins() -> None:
    show = stand_in("HELD")
    show.send("COMPLETE")
    assert show.look_again() is Check.GO
    assert show.gates == [True]
    show.end()
    assert show.core.state is ProcedureState.COMPLETE
    assert show.gates == [True, False]


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
