"""Which component serves which sequencer, and how provisioned ones are named. Cases: reference esw_sm section 10."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.component_allocation import allocate, allocate_mode, missing_text
from ocs_ray.core.provision_plan import plan
from ocs_ray.models.identifiers import VariationInfo
from ocs_ray.models.prefix import Prefix, Subsystem

S = Subsystem


def infos(*names: str) -> list[VariationInfo]:
    return [VariationInfo(name) for name in names]


def prefixes(*names: str) -> list[Prefix]:
    return [Prefix(name) for name in names]


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


def test_given_a_mode_without_an_esw_sequencer_when_only_esw_components_are_idle_then_they_do_not_stand_in() -> None:
    esw = prefixes("ESW.ESW_1", "ESW.ESW_2")  # case 11
    assert allocate_mode(infos("IRIS", "TCS"), esw).missing == ("IRIS", "TCS")
    assert allocate(infos("IRIS"), esw).placed == {VariationInfo("IRIS"): Prefix("ESW.ESW_1")}
    assert not allocate_mode(infos("IRIS", "ESW"), esw).missing


def test_given_variations_of_one_subsystem_when_allocated_then_each_has_a_component_of_its_own() -> None:
    result = allocate(infos("IRIS.IRIS_IFS", "IRIS.IRIS_IMAGER", "IRIS"), prefixes("IRIS.a", "IRIS.b", "ESW.c"))
    assert len(set(result.placed.values())) == 3


def test_given_missing_sequencers_when_told_then_in_esw_s_words() -> None:
    text = "No sequence components found for sequencers : IRIS,TCS.red"  # section 1.1: a blank before the colon
    assert missing_text(infos("IRIS", "TCS.red")) == text


subsystems = st.sampled_from([S.ESW, S.IRIS, S.TCS, S.AOESW])


def most(wanted: list[VariationInfo], pool: list[Prefix]) -> int:
    """The size of a maximum matching, by trying: augmenting paths over who may serve whom."""
    served: dict[Prefix, VariationInfo] = {}

    def find(info: VariationInfo, tried: set[Prefix]) -> bool:
        for component in pool:
            if component.subsystem in (S.ESW, info.subsystem) and component not in tried:
                tried.add(component)
                if component not in served or find(served[component], tried):
                    served[component] = info
                    return True
        return False

    return sum(find(info, set()) for info in wanted)


@given(needs=st.lists(subsystems, max_size=7), idle=st.lists(subsystems, max_size=7))
def test_given_any_pool_when_allocated_then_no_other_assignment_places_more(
    needs: list[Subsystem], idle: list[Subsystem]
) -> None:
    wanted = [VariationInfo(f"{subsystem}.v{n}") for n, subsystem in enumerate(needs)]
    pool = [Prefix(f"{subsystem}.c{n}") for n, subsystem in enumerate(idle)]
    result = allocate(wanted, pool)

    assert len(result.placed) == most(wanted, pool)
    assert len(set(result.placed.values())) == len(result.placed)
    assert set(result.placed.values()) <= set(pool)
    assert all(p.subsystem in (S.ESW, info.subsystem) for info, p in result.placed.items())
    order = [info for info in wanted if info.subsystem is S.ESW] + [i for i in wanted if i.subsystem is not S.ESW]
    assert list(result.missing) == [info for info in order if info not in result.placed]


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


machines = st.builds(lambda s, n: Prefix(f"{s}.m{n}"), subsystems, st.integers(0, 3))


@given(st.dictionaries(machines, st.integers(0, 5), max_size=8))
def test_given_any_counts_when_planned_then_every_machine_gets_its_share_and_numbers_have_no_gap(
    counts: dict[Prefix, int],
) -> None:
    pairs = plan(counts)
    assert Counter(machine for machine, _ in pairs) == Counter({m: n for m, n in counts.items() if n})
    assert all(machine.subsystem is component.subsystem for machine, component in pairs)
    for subsystem in {component.subsystem for _, component in pairs}:
        found = [str(component) for _, component in pairs if component.subsystem is subsystem]
        assert found == [f"{subsystem}.{subsystem}_{n}" for n in range(1, len(found) + 1)]
