"""What the shell offers on Tab: from the catalogue and the cluster's record, never from Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocs_ray.location.cluster_home import ClusterHome, RunningCluster

REPO = Path(__file__).parents[3]
PROBE = (
    "import atexit, sys; atexit.register(lambda: print('ray' in sys.modules, file=sys.stderr)); "
    "from ocs_ray.cli.main import main; main()"
)


def offered(line: str, project: Path) -> list[str]:
    """What bash is offered at the end of ``line``."""
    words = line.split()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OCS_")} | {
        "_OCS_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) if line.endswith(" ") else len(words) - 1),
        "OCS_PROJECT": str(project),
    }
    command = [sys.executable, "-c", PROBE]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=REPO)
    assert ended.stderr.split() == ["False"]
    return ended.stdout.split()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a mode of its own."""
    mode = tmp_path / "obsmodes" / "Dark"
    mode.mkdir(parents=True)
    (mode / "mode.yaml").write_text("resources: [IRIS]\nsequencers: [ESW, IRIS.red]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ocs confi", ["configure", "config"]),
        ("ocs configure ", ["Dark"]),
        ("ocs configure X", []),
        ("ocs plan Dark D", ["Dark"]),
        ("ocs shutdown D", ["Dark"]),
        ("ocs observe a.json --mode D", ["Dark"]),
        ("ocs restart-sequencer I", ["IRIS.Dark.red"]),
        ("ocs shutdown --sequencer ", ["ESW.Dark", "IRIS.Dark.red"]),
        ("ocs shutdown --subsystem WF", ["WFOS"]),
        ("ocs obsmodes ", ["check", "import", "reload"]),
        ("ocs spawn component ", []),
    ],
)
def test_given_the_start_of_a_word_when_tab_is_pressed_then_what_fits_is_offered_without_ray(
    line: str, words: list[str], project: Path
) -> None:
    assert offered(line, project) == words


def test_given_a_faulty_catalogue_when_tab_is_pressed_then_nothing_is_offered(project: Path) -> None:
    (project / "obsmodes" / "Dark" / "mode.yaml").write_text("[\n")
    assert offered("ocs configure ", project) == []


def test_given_a_cluster_that_is_up_when_tab_is_pressed_then_its_machines_and_its_modes_are_offered(
    project: Path,
) -> None:
    home = ClusterHome(project)
    with home.alone():
        catalogue = str(REPO / "cluster" / "simulation_modes.yaml")
        home.record(RunningCluster("127.0.0.1:1", 0, ("ESW.m1", "TCS.m1"), "cluster.yaml", catalogue, True))
    try:
        assert offered("ocs spawn component E", project) == ["ESW.m1"]
        assert offered("ocs configure ", project) == ["IRIS_ImagerAndIFS"]
    finally:
        home.remove()
