"""The life cycle table. Expected values: esw SequencerBehavior.scala (reference 1.1, 1.3, 1.4), not from the code."""

from __future__ import annotations

import pytest

from ocs_ray.core.sequencer_states import EDITS, TRANSITIONS, Accepted, Hook, Refused, State, Trigger, decide, external
from ocs_ray.models.sequencer_messages import SequencerState

ACCEPTS = {  # the commands each state takes; reference 1.3 and, for going on- and offline, seed 001
    State.IDLE: {Trigger.LOAD, Trigger.SUBMIT, Trigger.RETRY, Trigger.GO_OFFLINE},
    State.LOADED: {Trigger.LOAD, Trigger.SUBMIT, Trigger.START, Trigger.RESET, Trigger.GO_OFFLINE},
    State.RUNNING: {Trigger.ABORT, Trigger.STOP, Trigger.RESET},
    State.OFFLINE: {Trigger.GO_ONLINE},
}
COMMANDS = {t for t in Trigger if t not in (Trigger.SHUTDOWN, Trigger.HOOK_OK, Trigger.HOOK_FAILED, Trigger.RUN_ENDED)}
TAKES_EDITS = {  # reference 1.3 and 1.8
    State.LOADED: "Add Prepend Replace InsertAfter Delete AddBreakpoint RemoveBreakpoint Skip Move",
    State.RUNNING: "Add Prepend Replace InsertAfter Delete AddBreakpoint RemoveBreakpoint Skip Move "
    "Pause Resume StepOnce",
}


@pytest.mark.parametrize("state", list(State))
def test_given_any_state_when_any_edit_then_only_loaded_and_running_take_it(state: State) -> None:
    taken = {edit for edit, states in EDITS.items() if state in states}  # cases 21 to 24
    assert taken == set(TAKES_EDITS.get(state, "").split())


def test_given_the_seed_s_other_names_when_read_then_they_are_idle_and_running() -> None:
    assert State("Online") is State.IDLE
    assert State("InProgress") is State.RUNNING


@pytest.mark.parametrize("state", list(State))
def test_given_any_state_when_any_command_then_only_those_of_esw_s_matrix_are_accepted(state: State) -> None:
    accepted = {command for command in COMMANDS if isinstance(decide(state, command), Accepted)}  # cases 21 to 25
    assert accepted == ACCEPTS.get(state, set())


@pytest.mark.parametrize("state", [s for s in State if s not in (State.SHUTTING_DOWN, State.KILLED)])
def test_given_any_living_state_when_shutdown_then_the_shutdown_hook_runs(state: State) -> None:
    assert decide(state, Trigger.SHUTDOWN) == Accepted(State.SHUTTING_DOWN, Hook.SHUTDOWN)


def test_given_killed_when_anything_then_nothing_leads_out_of_it() -> None:
    assert all(isinstance(decide(State.KILLED, trigger), Refused) for trigger in Trigger)


@pytest.mark.parametrize("state", [State.IDLE, State.LOADED, State.RUNNING])
def test_given_any_state_but_offline_when_going_online_then_unhandled_as_the_seed_has_it(state: State) -> None:
    refused = decide(state, Trigger.GO_ONLINE)
    assert isinstance(refused, Refused)
    assert refused.text == f"Sequencer can not accept 'GoOnline' message in '{state}' state"


def test_given_offline_when_going_offline_then_unhandled_as_the_seed_has_it() -> None:
    assert isinstance(decide(State.OFFLINE, Trigger.GO_OFFLINE), Refused)


def test_given_offline_text_of_esw_when_refused_then_the_words_are_the_same() -> None:
    refused = decide(State.IDLE, Trigger.ABORT)
    assert isinstance(refused, Refused)
    assert refused.text == "Sequencer can not accept 'AbortSequence' message in 'Idle' state"


def test_given_a_running_sequencer_when_submitted_to_then_the_text_names_the_internal_message() -> None:
    refused = decide(State.RUNNING, Trigger.SUBMIT)  # case 18
    assert isinstance(refused, Refused)
    assert refused.text == "Sequencer can not accept 'SubmitSequenceInternal' message in 'Running' state"


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (State.IDLE, SequencerState.IDLE),
        (State.LOADED, SequencerState.LOADED),
        (State.RUNNING, SequencerState.RUNNING),
        (State.SUBMITTING, SequencerState.PROCESSING),
        (State.STARTING, SequencerState.PROCESSING),
        (State.ABORTING, SequencerState.PROCESSING),
        (State.STOPPING, SequencerState.PROCESSING),
        (State.GOING_ONLINE, SequencerState.PROCESSING),
        (State.GOING_OFFLINE, SequencerState.PROCESSING),
        (State.OFFLINE, SequencerState.OFFLINE),
    ],
)
def test_given_a_transitional_state_when_shown_to_clients_then_it_is_processing(
    state: State, seen: SequencerState
) -> None:
    assert external(state) is seen


def test_given_the_table_when_followed_from_idle_then_every_state_is_reached_and_killed_is_the_only_dead_end() -> None:
    edges = {(state, accepted.state) for (state, _), accepted in TRANSITIONS.items()}
    edges |= {(State.IDLE, State.SHUTTING_DOWN)}
    reached = {State.IDLE}
    while more := {b for a, b in edges if a in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert {state for state in State if state not in {a for a, _ in edges}} == {State.KILLED}
