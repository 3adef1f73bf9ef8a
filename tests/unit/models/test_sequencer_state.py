"""The names of a sequencer's state that clients may use. Source: the seed's issue, and esw SequencerState.scala."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from ocs_ray.models.sequencer_messages import SequencerState


@pytest.mark.parametrize(("name", "state"), [("InProgress", SequencerState.RUNNING), ("Online", SequencerState.IDLE)])
def test_given_the_seed_s_other_name_of_a_state_then_it_is_that_state_and_is_written_as_esw_does(
    name: str, state: SequencerState
) -> None:
    assert SequencerState(name) is state
    assert TypeAdapter(SequencerState).validate_json(f'"{name}"') is state
    assert TypeAdapter(SequencerState).dump_json(state).decode() == f'"{state.value}"'


@pytest.mark.parametrize("name", ["inprogress", "Killed", "", None])
def test_given_any_other_name_then_there_is_no_such_state(name: str | None) -> None:
    with pytest.raises(ValueError, match="is not a valid SequencerState"):
        SequencerState(name)
    with pytest.raises(ValidationError):
        TypeAdapter(SequencerState).validate_python(name)
