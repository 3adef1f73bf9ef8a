"""What a shutdown reaches. ESW has one manager that does one thing at a time (reference esw_sm 2); two are ours."""

from __future__ import annotations

import pytest

from ocs_ray.core.mode_ending import homes_of, releasable, within_reach
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix

CLEAR, DARK = ObsMode("ClearSkies"), ObsMode("DarkNight")


def report(state: str, loaded: str) -> SequenceComponentStatus:
    return SequenceComponentStatus(
        prefix=Prefix("TCS.TCS_1"), machine=Prefix("TCS.m"), state=state, loaded=Prefix(loaded), sequencer=None, pid=1
    )


@pytest.mark.parametrize(
    ("state", "reached"), [("Loading", True), ("Restarting", True), ("Running", False), ("Unloading", False)]
)
def test_given_a_component_with_an_unregistered_sequencer_when_shut_down_then_one_that_is_being_started_is_reached(
    state: str, reached: bool
) -> None:
    found = within_reach([Prefix("ESW.DarkNight")], [report(state, "TCS.ClearSkies"), None])
    assert found == (("ESW.DarkNight", "TCS.ClearSkies") if reached else ("ESW.DarkNight",))


def test_given_a_sequencer_that_is_registered_while_its_script_loads_when_shut_down_then_it_is_named_once() -> None:
    prefix = Prefix("TCS.ClearSkies")
    assert within_reach([prefix], [report("Loading", prefix)]) == (prefix,)


def test_given_a_mode_one_of_whose_sequencers_is_being_started_when_released_then_not_that_mode() -> None:
    assert releasable([CLEAR, DARK], [], [Prefix("TCS.ClearSkies")]) == (DARK,)
    assert releasable([CLEAR, DARK], [], [Prefix("ESW.ClearSkies.blue")]) == (DARK,)


def test_given_a_mode_with_its_esw_sequencer_when_released_then_not_that_mode_but_one_with_others_left_over() -> None:
    assert releasable([CLEAR, DARK], [Prefix("ESW.ClearSkies"), Prefix("TCS.DarkNight")], []) == (DARK,)


@pytest.mark.parametrize("states", [("Running", "Loading"), ("Loading", "Running")])
def test_given_a_component_that_tries_to_load_what_runs_in_another_when_ended_then_it_is_looked_for_where_it_runs(
    states: tuple[str, str],
) -> None:
    one, two = Prefix("TCS.TCS_1"), Prefix("TCS.TCS_2")
    reports = {one: report(states[0], "TCS.DarkNight"), two: report(states[1], "TCS.DarkNight"), Prefix("ESW.x"): None}
    assert homes_of(reports) == {"TCS.DarkNight": one if states[0] == "Running" else two}
