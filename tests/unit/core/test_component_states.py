"""Expected values: reference 6.1 (esw SequenceComponentBehavior.scala)."""

from __future__ import annotations

import pytest

from ocs_ray.core.component_states import Refused, State, Trigger, decide


def test_given_idle_when_a_script_is_loaded_then_it_runs() -> None:
    assert decide(State.IDLE, Trigger.LOAD) is State.LOADING
    assert decide(State.LOADING, Trigger.LOADED) is State.RUNNING


def test_given_loading_when_it_fails_then_idle_again() -> None:
    assert decide(State.LOADING, Trigger.LOAD_FAILED) is State.IDLE


@pytest.mark.parametrize("state", [State.LOADING, State.RUNNING, State.UNLOADING])
def test_given_a_busy_component_when_a_script_is_loaded_then_unhandled(state: State) -> None:
    assert isinstance(decide(state, Trigger.LOAD), Refused)


def test_given_running_when_a_script_is_loaded_then_the_words_are_esw_s() -> None:
    refused = decide(State.RUNNING, Trigger.LOAD)
    assert isinstance(refused, Refused)
    assert refused.text == "Sequence Component can not accept 'LoadScript' message in 'Running'"


def test_given_idle_when_unloaded_then_nothing_to_do_is_fine() -> None:
    assert decide(State.IDLE, Trigger.UNLOAD) is State.IDLE


def test_given_running_when_its_sequencer_is_lost_then_idle() -> None:
    assert decide(State.RUNNING, Trigger.LOST) is State.IDLE
