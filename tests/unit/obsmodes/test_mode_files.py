"""The catalogue: the five modes. Source: reference observing_scripts.md, first table; data/obsmodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.config.obs_mode_catalogue import read_catalogue

CATALOGUE = read_catalogue(Path(__file__).parents[3] / "obsmodes")

MODES = {
    "IRIS_IFSOnly": ({"IRIS", "TCS"}, {"IRIS", "ESW", "TCS"}),
    "IRIS_ImagerOnly": ({"IRIS", "TCS"}, {"IRIS", "ESW", "TCS"}),
    "IRIS_ImagerAndIFS": ({"IRIS", "TCS"}, {"IRIS", "ESW", "TCS"}),
    "WFOS_Science": ({"WFOS", "TCS"}, {"WFOS", "ESW"}),
    "WFOS_Cal": ({"WFOS"}, {"WFOS", "ESW"}),
}


def test_given_the_catalogue_then_it_has_the_five_modes_and_no_other() -> None:
    assert set(CATALOGUE) == set(MODES)


@pytest.mark.parametrize("name", MODES)
def test_given_a_mode_then_it_has_its_resources_its_sequencers_and_files_that_exist(name: str) -> None:
    mode = CATALOGUE[name]  # type: ignore[index]
    assert (set(mode.resources), set(mode.sequencers)) == MODES[name]
    assert mode.example is not None
    assert all(Path(file).is_file() for file in (*mode.sequencers.values(), mode.example))
