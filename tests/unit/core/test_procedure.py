"""A running script's machine from a run's beginning to its end. Source: seed 004; reference isa88.md 3, 4, 6 and 8."""

from __future__ import annotations

from itertools import permutations

import pytest

from ocs_ray.core.mailbox import Disposition
from ocs_ray.core.procedure_events import Check, Moment, RunEnd
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, Vocabulary, state_name, state_of

from .procedure_show import Show, stand_in

CHOSEN, DEFERRED, REJECTED = Disposition.CHOSEN, Disposition.DEFERRED, Disposition.REJECTED
SUPERSEDED, UNKNOWN = Disposition.SUPERSEDED, Disposition.UNKNOWN
STOP, ABORT = ProcedureCommand.STOP, ProcedureCommand.ABORT
HOLD, RESUME = ProcedureCommand.HOLD, ProcedureCommand.RESUME


# -- a run from its beginning to its end -------------------------------------------------------------------------------


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
