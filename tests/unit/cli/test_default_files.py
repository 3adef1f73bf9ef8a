"""Where the cluster file and the catalogue are looked for: told, environment, project, source tree, wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ocs_ray.cli import default_files
from ocs_ray.errors import BadInputError
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.prefix import Prefix

Find = Callable[[Path | None, Path], Path]
CLUSTER_FILES = ("local.yaml", "simulation.yaml", "simulation_modes.yaml")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A project, a source tree and a wheel, each with both files."""
    monkeypatch.delenv("OCS_CLUSTER_FILE", raising=False)
    monkeypatch.delenv("OCS_OBSMODES", raising=False)
    monkeypatch.setattr(default_files, "PACKAGE", tmp_path / "source" / "ocs_ray")
    homes = {
        "project": tmp_path / "project",
        "source": tmp_path / "source",
        "wheel": tmp_path / "source" / "ocs_ray" / "bundled",
    }
    for home in homes.values():
        (home / "cluster").mkdir(parents=True)
        for name in CLUSTER_FILES:
            (home / "cluster" / name).touch()
        (home / "obsmodes").mkdir()
    return homes


def vanish(home: Path) -> None:
    for name in CLUSTER_FILES:
        (home / "cluster" / name).unlink()
    (home / "obsmodes").rmdir()


BOTH: list[tuple[Find, str, str]] = [
    (default_files.cluster_file, "cluster/local.yaml", "OCS_CLUSTER_FILE"),
    (default_files.catalogue, "obsmodes", "OCS_OBSMODES"),
]
SIMULATED: list[tuple[Find, str, str]] = [
    (default_files.simulation_file, "cluster/simulation.yaml", "OCS_CLUSTER_FILE"),
    (default_files.simulation_catalogue, "cluster/simulation_modes.yaml", "OCS_OBSMODES"),
]


@pytest.mark.parametrize(("find", "end", "variable"), [*BOTH, *SIMULATED])
def test_given_all_places_when_one_after_the_other_vanishes_then_the_next_is_taken(
    find: Find, end: str, variable: str, places: dict[str, Path]
) -> None:
    for name in ("project", "source", "wheel"):
        assert find(None, places["project"]) == places[name] / end
        vanish(places[name])
    with pytest.raises(BadInputError, match=r"give (one with )?--"):
        find(None, places["project"])


@pytest.mark.parametrize(("find", "end", "variable"), BOTH)
def test_given_the_environment_names_one_when_none_is_told_then_it_comes_before_the_project(
    find: Find, end: str, variable: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/elsewhere")
    assert find(None, places["project"]) == Path("/elsewhere")


@pytest.mark.parametrize(("find", "end", "variable"), SIMULATED)
def test_given_the_environment_names_the_real_one_when_simulated_then_it_is_not_meant(
    find: Find, end: str, variable: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/elsewhere")
    assert find(None, places["project"]) == places["project"] / end


@pytest.mark.parametrize(("find", "end", "variable"), [*BOTH, *SIMULATED])
def test_given_one_is_told_when_it_does_not_exist_then_it_is_taken_all_the_same_for_the_error_to_name_it(
    find: Find, end: str, variable: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/elsewhere")
    assert find(Path("/nowhere"), places["project"]) == Path("/nowhere")


def test_given_this_checkout_when_nothing_is_told_then_all_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCS_CLUSTER_FILE", raising=False)
    monkeypatch.delenv("OCS_OBSMODES", raising=False)
    assert default_files.cluster_file(None, tmp_path).is_file()
    assert default_files.catalogue(None, tmp_path).is_dir()
    assert default_files.simulation_file(None, tmp_path).is_file()
    assert default_files.simulation_catalogue(None, tmp_path).is_file()


def cluster(config: str | None) -> ClusterFile:
    return ClusterFile(address="127.0.0.1:1", machines={Prefix("ESW.m"): "machine:ESW.m"}, config=config)


def test_given_a_configuration_folder_of_the_project_or_one_named_then_it_is_served_and_else_none(
    tmp_path: Path,
) -> None:
    file = tmp_path / "local.yaml"
    assert default_files.config_folder(cluster(None), file, tmp_path) is None
    (tmp_path / "config").mkdir()
    (tmp_path / "other").mkdir()
    assert default_files.config_folder(cluster(None), file, tmp_path) == tmp_path / "config"
    assert default_files.config_folder(cluster("other"), file, tmp_path) == tmp_path / "other"
    assert default_files.config_folder(cluster(str(tmp_path / "other")), file, Path("/")) == tmp_path / "other"
    with pytest.raises(BadInputError, match=r"local\.yaml: \$\.config: .*nowhere is not a folder"):
        default_files.config_folder(cluster("nowhere"), file, tmp_path)
