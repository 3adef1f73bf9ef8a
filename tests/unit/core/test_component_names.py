"""Names an agent chooses. Expected values: reference section 0, SUB.SUB_<n>."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.component_names import free_name
from ocs_ray.models.prefix import Prefix, Subsystem


def test_given_a_gap_when_a_name_is_chosen_then_the_lowest_free_number_is_taken() -> None:
    taken = {Prefix("IRIS.IRIS_1"), Prefix("IRIS.IRIS_3"), Prefix("IRIS.primary"), Prefix("ESW.ESW_2")}
    assert free_name(Subsystem.IRIS, taken) == "IRIS.IRIS_2"
    assert free_name(Subsystem.ESW, taken) == "ESW.ESW_1"


@given(st.sets(st.integers(1, 150)))
def test_given_any_names_when_one_is_chosen_then_it_is_free_and_all_below_it_are_not(numbers: set[int]) -> None:
    taken = {Prefix(f"TCS.TCS_{n}") for n in numbers}
    chosen = free_name(Subsystem.TCS, taken)
    number = int(chosen.rpartition("_")[2])
    assert number not in numbers
    assert numbers.issuperset(range(1, number))
