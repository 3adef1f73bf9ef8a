"""Who holds what, who serves whom, how provisioned components are named. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.component_allocation import allocate
from ocs_ray.core.manager_states import State, refusal
from ocs_ray.core.provision_plan import plan
from ocs_ray.core.resource_conflict import conflicts, running_modes
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.prefix import Prefix, Subsystem

S = Subsystem
CATALOGUE = {
    ObsMode("ClearSkies"): [S.TCS, S.IRIS],
    ObsMode("DarkNight"): [S.APS, S.TCS],
    ObsMode("WFOS_Cal"): [S.WFOS],
    ObsMode("Nothing"): [],
}


def infos(*names: str) -> list[VariationInfo]:
    return [VariationInfo(name) for name in names]


def prefixes(*names: str) -> list[Prefix]:
    return [Prefix(name) for name in names]


def test_given_a_mode_that_shares_a_resource_when_asked_then_the_holder_is_named() -> None:
    assert conflicts(ObsMode("DarkNight"), CATALOGUE, [ObsMode("ClearSkies")]) == {S.TCS: ObsMode("ClearSkies")}  # 2


def test_given_no_shared_resource_when_asked_then_no_conflict() -> None:
    assert conflicts(ObsMode("WFOS_Cal"), CATALOGUE, [ObsMode("ClearSkies")]) == {}  # case 4


def test_given_a_running_mode_when_configured_again_then_it_conflicts_with_itself() -> None:
    assert conflicts(ObsMode("WFOS_Cal"), CATALOGUE, [ObsMode("WFOS_Cal")]) == {S.WFOS: ObsMode("WFOS_Cal")}  # 3.2 e


def test_given_a_running_mode_nobody_knows_when_asked_then_it_blocks_nothing() -> None:
    assert conflicts(ObsMode("DarkNight"), CATALOGUE, [ObsMode("Unlisted")]) == {}  # weakness 1


def test_given_an_esw_sequencer_with_a_variation_when_modes_are_read_then_the_mode_is_the_name_up_to_the_dot() -> None:
    found = running_modes(prefixes("ESW.DarkNight.red", "IRIS.ClearSkies", "ESW.WFOS_Cal"))  # weakness 1
    assert found == (ObsMode("DarkNight"), ObsMode("WFOS_Cal"))


def test_given_two_components_when_three_sequencers_then_the_missing_one_is_named() -> None:
    result = allocate(infos("IRIS", "ESW", "AOESW"), prefixes("ESW.ESW_1", "IRIS.IRIS_1"))  # case 7
    assert result.missing == ("AOESW",)


def test_given_a_second_esw_component_when_allocated_then_it_serves_the_subsystem_without_one() -> None:
    result = allocate(infos("IRIS", "ESW", "AOESW"), prefixes("ESW.ESW_1", "ESW.ESW_2", "IRIS.IRIS_1"))  # case 8
    assert not result.missing
    assert result.placed[VariationInfo("AOESW")].subsystem is S.ESW


def test_given_esw_last_in_the_file_when_allocated_then_esw_chooses_first() -> None:
    result = allocate(infos("TCS", "IRIS", "ESW"), prefixes("ESW.ESW_1", "TCS.TCS_1", "IRIS.IRIS_1"))  # case 9
    assert list(result.placed) == ["ESW", "TCS", "IRIS"]
    assert result.placed[VariationInfo("ESW")] == "ESW.ESW_1"


def test_given_one_esw_component_when_esw_tcs_and_iris_are_needed_then_only_iris_is_missing() -> None:
    assert allocate(infos("ESW", "TCS", "IRIS"), prefixes("TCS.TCS_1", "ESW.ESW_1")).missing == ("IRIS",)  # case 10


def test_given_variations_of_one_subsystem_when_allocated_then_each_has_a_component_of_its_own() -> None:
    result = allocate(infos("IRIS.IRIS_IFS", "IRIS.IRIS_IMAGER", "IRIS"), prefixes("IRIS.a", "IRIS.b", "ESW.c"))
    assert len(set(result.placed.values())) == 3


subsystems = st.sampled_from([S.ESW, S.IRIS, S.TCS])


@given(needs=st.lists(subsystems, max_size=4), idle=st.lists(subsystems, max_size=4))
def test_given_any_pool_when_allocated_then_no_other_assignment_places_more(
    needs: list[Subsystem], idle: list[Subsystem]
) -> None:
    wanted = [VariationInfo(f"{subsystem}.v{n}") for n, subsystem in enumerate(needs)]
    pool = [Prefix(f"{subsystem}.c{n}") for n, subsystem in enumerate(idle)]
    result = allocate(wanted, pool)

    padded = [*pool, *[None] * len(wanted)]
    best = max(
        sum(c is not None and c.subsystem in (S.ESW, w.subsystem) for w, c in zip(wanted, order, strict=False))
        for order in permutations(padded, len(wanted))
    )
    assert len(result.placed) == best
    assert len(set(result.placed.values())) == len(result.placed)
    assert {*result.placed, *result.missing} == set(wanted)


def test_given_two_machines_of_a_subsystem_when_provisioned_then_numbers_run_through_both() -> None:
    counts = {Prefix("ESW.primary"): 3, Prefix("ESW.secondary"): 2, Prefix("IRIS.primary"): 2}  # case 30
    assert plan(counts) == [
        ("ESW.primary", "ESW.ESW_1"),
        ("ESW.primary", "ESW.ESW_2"),
        ("ESW.primary", "ESW.ESW_3"),
        ("ESW.secondary", "ESW.ESW_4"),
        ("ESW.secondary", "ESW.ESW_5"),
        ("IRIS.primary", "IRIS.IRIS_1"),
        ("IRIS.primary", "IRIS.IRIS_2"),
    ]


@pytest.mark.parametrize("operation", ["Configure", "Provision", "ShutdownObsModeSequencers"])
def test_given_processing_when_a_changing_operation_comes_then_it_is_refused_in_esw_s_words(operation: str) -> None:
    assert refusal(State.IDLE, operation) is None  # case 15
    assert refusal(State.PROCESSING, operation) == (
        f"Sequence Manager can not accept '{operation}' message in 'Processing'"
    )
