"""The common form of the benchmarks: percentiles, units, sizes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report import numbers_without_unit, percentile, ratio, reported, sizes_from, spread

SECONDS = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@given(SECONDS, st.floats(0.001, 1))
def test_given_any_values_then_a_percentile_is_the_smallest_that_so_many_do_not_exceed(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    needed = share * len(ordered)
    assert sum(value <= found for value in ordered) >= needed - 1e-9
    assert sum(value < found for value in ordered) < needed


def test_given_a_hundred_values_then_the_spread_names_its_unit() -> None:
    assert spread(n / 1000 for n in range(1, 101)) == {"p50_ms": 50.5, "p99_ms": 99, "max_ms": 100, "samples": 100}


def test_given_rounds_on_a_busy_machine_then_the_ratio_is_the_median_of_each_round_s_own() -> None:
    assert ratio([2, 20, 30], [1, 10, 10]) == 2


def test_given_figures_when_a_number_has_no_unit_then_it_is_named() -> None:
    figures = {"took": {"p50_ms": 1, "samples": 3}, "rate_per_s": {"raw": 7}, "odd": {"p50": 1.0}, "is_fast": True}
    assert list(numbers_without_unit(figures)) == ["/odd/p50"]


@dataclass(frozen=True)
class Sizes:
    counts: tuple[int, ...] = (1, 10)
    idle_s: float = 2.0
    all_of_it: bool = False


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], Sizes()),
        (["--smoke"], Sizes(counts=(1,), idle_s=0.1)),
        (["--smoke", "--counts", "3", "4"], Sizes(counts=(3, 4), idle_s=0.1)),
        (["--idle-s", "0.5", "--all-of-it"], Sizes(idle_s=0.5, all_of_it=True)),
    ],
)
def test_given_a_command_line_then_sizes_are_taken_by_name(arguments: list[str], wanted: Sizes) -> None:
    assert sizes_from(arguments, "how many?", Sizes(), Sizes(counts=(1,), idle_s=0.1)) == wanted


def test_given_figures_when_reported_then_question_sizes_machine_and_versions_stand_beside_them() -> None:
    found = reported("how many?", Sizes(), lambda sizes: {"idle_s": sizes.idle_s})
    assert (found["question"], found["asked"]["idle_s"], found["idle_s"]) == ("how many?", 2.0, 2.0)
    assert found["machine"]["cores"] >= 1
    assert set(found["versions"]) >= {"python", "ray", "ocs_ray"}
