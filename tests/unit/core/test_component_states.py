"""Expected values: reference 6.1 (esw SequenceComponentBehavior.scala); case numbers: esw_sequencer section 9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.component_states import Refused, State, Trigger, decide

MESSAGES = (Trigger.LOAD, Trigger.UNLOAD, Trigger.RESTART)
ACCEPTS = {  # reference 6.1; what ESW's blocked actor could not answer is refused at once, but for the unload it would
    # carry out as soon as it had loaded: here that ends the load
    State.IDLE: {Trigger.LOAD: State.LOADING, Trigger.UNLOAD: State.IDLE},
    State.RUNNING: {Trigger.UNLOAD: State.UNLOADING, Trigger.RESTART: State.RESTARTING},
    State.LOADING: {Trigger.UNLOAD: State.UNLOADING},
    State.UNLOADING: {},
    State.RESTARTING: {Trigger.UNLOAD: State.UNLOADING},
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("message", MESSAGES)
def test_given_any_state_when_a_message_comes_then_it_is_taken_where_esw_takes_it(
    state: State, message: Trigger
) -> None:  # cases 79, 80
    assert decide(state, message) == ACCEPTS[state].get(message, Refused(state, message))


def test_given_a_load_or_a_restart_when_it_ends_then_running_or_idle() -> None:
    for state in (State.LOADING, State.RESTARTING):
        assert decide(state, Trigger.LOADED) is State.RUNNING
        assert decide(state, Trigger.LOAD_FAILED) is State.IDLE  # weakness 7: ESW's failed restart looks busy for ever


@pytest.mark.parametrize(
    ("state", "trigger"),
    [(State.RUNNING, "LoadScript"), (State.IDLE, "RestartScript"), (State.UNLOADING, "UnloadScript")],
)
def test_given_a_message_that_means_nothing_now_then_the_words_are_esw_s(state: State, trigger: str) -> None:
    refused = decide(state, Trigger(trigger))
    assert isinstance(refused, Refused)
    assert refused.text == f"Sequence Component can not accept '{trigger}' message in '{state}'"


def test_given_a_sequencer_that_ends_when_nobody_here_ended_it_then_only_a_running_component_takes_notice() -> None:
    assert decide(State.RUNNING, Trigger.LOST) is State.IDLE
    assert decide(State.RUNNING, Trigger.ENDED) is State.UNLOADING
    for state in set(State) - {State.RUNNING}:
        assert isinstance(decide(state, Trigger.LOST), Refused)
        assert isinstance(decide(state, Trigger.ENDED), Refused)


@given(st.lists(st.sampled_from(Trigger)))
def test_given_any_history_when_shut_down_then_nothing_but_the_end_of_unloading_moves_it(
    history: list[Trigger],
) -> None:
    state = State.IDLE
    for trigger in history:
        decision = decide(state, trigger)
        state = state if isinstance(decision, Refused) else decision
    last = decide(state, Trigger.SHUTDOWN)
    assert last is State.UNLOADING
    moving = {trigger for trigger in Trigger if not isinstance(decide(last, trigger), Refused)}
    assert moving == {Trigger.SHUTDOWN, Trigger.UNLOADED}
