"""Who runs, who holds what, who is in whose way. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.obs_mode_details import details
from ocs_ray.core.resource_conflict import conflicts, holdings, mode_of, running_modes
from ocs_ray.core.resources_in_use import resources_status
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import ResourceStatus
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix, Subsystem

S = Subsystem
CLEAR, DARK, WFOS_CAL = ObsMode("ClearSkies"), ObsMode("DarkNight"), ObsMode("WFOS_Cal")
TAKES = {CLEAR: (S.TCS, S.IRIS), DARK: (S.APS, S.TCS), WFOS_CAL: (S.WFOS,)}


def prefixes(*names: str) -> list[Prefix]:
    return [Prefix(name) for name in names]


def test_given_a_mode_that_shares_a_resource_when_asked_then_the_holder_is_named() -> None:
    assert conflicts(TAKES[DARK], {CLEAR: TAKES[CLEAR]}) == {S.TCS: CLEAR}  # case 2


def test_given_no_shared_resource_when_asked_then_no_conflict() -> None:
    assert conflicts(TAKES[WFOS_CAL], {CLEAR: TAKES[CLEAR]}) == {}  # case 4


def test_given_a_running_mode_when_asked_again_then_it_is_in_its_own_way() -> None:
    assert conflicts(TAKES[WFOS_CAL], {WFOS_CAL: TAKES[WFOS_CAL]}) == {S.WFOS: WFOS_CAL}  # rule 3.2 e


def test_given_an_esw_sequencer_with_a_variation_when_modes_are_read_then_the_mode_is_the_name_up_to_the_dot() -> None:
    found = running_modes(prefixes("ESW.DarkNight.red", "IRIS.ClearSkies", "ESW.WFOS_Cal"))  # weakness 1
    assert found == (DARK, WFOS_CAL)


@pytest.mark.parametrize("odd", ["ESW..x", "ESW.a .b"])
def test_given_a_name_that_is_no_mode_when_modes_are_read_then_it_is_passed_over(odd: str) -> None:
    assert mode_of(Prefix(odd)) is None  # weakness 1
    assert running_modes(prefixes(odd, "ESW.DarkNight")) == (DARK,)


def test_given_a_reservation_when_the_file_says_something_else_then_the_reservation_counts() -> None:
    held = holdings({CLEAR: (S.WFOS,)}, [CLEAR, DARK, ObsMode("Unlisted")], TAKES)
    assert held == {CLEAR: (S.WFOS,), DARK: (S.APS, S.TCS), ObsMode("Unlisted"): ()}


resources = st.lists(st.sampled_from([S.ESW, S.IRIS, S.TCS, S.WFOS]), max_size=4)


@given(one=resources, two=resources)
def test_given_any_two_modes_when_one_is_in_the_other_s_way_then_the_other_is_in_its(
    one: list[Subsystem], two: list[Subsystem]
) -> None:
    there, back = conflicts(one, {DARK: two}), conflicts(two, {CLEAR: one})
    assert there.keys() == back.keys() == set(one) & set(two)
    assert set(there.values()) <= {DARK}
    assert set(back.values()) <= {CLEAR}


def test_given_nothing_runs_when_resources_are_asked_then_all_are_available_each_once() -> None:
    found = resources_status(TAKES, {})  # case 37
    assert [status.resource for status in found] == [S.APS, S.IRIS, S.TCS, S.WFOS]
    assert {status.status for status in found} == {"Available"}


def test_given_a_mode_runs_when_resources_are_asked_then_its_own_are_in_use_by_it_and_listed_once() -> None:
    cal = ObsMode("IRIS_Cal")  # case 38
    takes = {**TAKES, cal: (S.IRIS, S.APS, S.NFIRAOS)}
    assert resources_status(takes, {cal: takes[cal]}) == (
        ResourceStatus(resource=S.APS, status="InUse", obs_mode=cal),
        ResourceStatus(resource=S.IRIS, status="InUse", obs_mode=cal),
        ResourceStatus(resource=S.NFIRAOS, status="InUse", obs_mode=cal),
        ResourceStatus(resource=S.TCS, status="Available"),
        ResourceStatus(resource=S.WFOS, status="Available"),
    )


def config(name: ObsMode, *sequencers: str) -> ObsModeConfig:
    listed = {VariationInfo(info): "x.py" for info in sequencers}
    return ObsModeConfig(name=name, resources=TAKES[name], sequencers=listed, root="/")


def test_given_a_mode_when_details_are_asked_then_missing_comes_before_conflict_which_alone_misses_none() -> None:
    mode, held = config(DARK, "IRIS", "ESW", "TCS"), {CLEAR: TAKES[CLEAR]}
    few, enough = prefixes("ESW.secondary", "WFOS.primary"), prefixes("ESW.a", "IRIS.b", "TCS.c")

    free = details(mode, [], enough, {})
    assert (free.status, free.missing, free.blocked_by) == ("Configurable", (), ())
    conflict = details(mode, [CLEAR], enough, held)  # case 40
    assert (conflict.status, conflict.missing, conflict.blocked_by) == ("NonConfigurable", (), (CLEAR,))
    both = details(mode, [CLEAR], few, held)  # case 41
    assert (both.status, both.missing, both.blocked_by) == ("NonConfigurable", ("IRIS", "TCS"), (CLEAR,))
    shrunk = details(mode, [CLEAR], [*few, Prefix("TCS.primary")], held)  # case 42
    assert shrunk.missing == ("IRIS",)
    runs = details(mode, [DARK], [], {DARK: TAKES[DARK]})
    assert (runs.status, runs.missing, runs.blocked_by) == ("Configured", (), ())
