"""Three nodes, one of which goes away and returns: what ``three_nodes_story`` says. Source: issue 4, "Must hold"."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cluster
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the story says, all of it: one that broke off shows where."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.three_nodes_story", str(tmp_path_factory.mktemp("night"))],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=REPO,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stderr[-3000:]
    assert done.returncode == 0, lines[0] + done.stderr[-3000:]
    return json.loads(lines[0].removeprefix("SAID "))


def test_given_three_nodes_when_provisioned_and_configured_then_everything_is_on_its_machine_s_node(
    said: dict[str, Any],
) -> None:
    assert (said["provisioned"], said["configured"]) == ("Success", ["Success", "Success"])
    components = [f"IRIS.IRIS_{n}-SequenceComponent" for n in (1, 2)]
    assert said["on"] == {
        "IRIS.m": [*components, "IRIS.Near-Sequencer", "IRIS.m-Machine"],
        "WFOS.m": ["WFOS.Far-Sequencer", "WFOS.WFOS_1-SequenceComponent", "WFOS.m-Machine"],
    }
    assert said["runs"] == ["Completed", "Completed"]


def test_given_a_script_in_a_package_when_its_sequencer_is_on_another_node_then_it_is_fetched_by_digest(
    said: dict[str, Any],
) -> None:  # issue 6: a sequencer's script lies with the package service, and its machine may be another
    assert said["fetched"] == [True, [True]]
    assert said["used by"] == ["WFOS.Far"]


def test_given_a_node_that_is_removed_then_its_components_show_as_silent_and_the_others_answer(
    said: dict[str, Any],
) -> None:
    assert said["answering without IRIS"] == ["ESW.ESW_1", "ESW.ESW_2", "WFOS.WFOS_1"]
    assert said["silent components"] == ["IRIS.IRIS_1", "IRIS.IRIS_2"]


def test_given_a_node_that_is_removed_then_modes_on_other_nodes_run_on_and_the_others_can_be_provisioned(
    said: dict[str, Any],
) -> None:
    assert said["others run on"] == "Completed"
    assert (said["provisioned without IRIS"], said["configured without IRIS"]) == ("Success", "Success")
    assert said["runs without IRIS"] == "Completed"


def test_given_a_node_that_returns_then_its_agent_serves_again_and_its_components_report_what_they_lost(
    said: dict[str, Any],
) -> None:
    assert (said["back on its node"], said["agent restarted"]) == (True, True)
    assert said["components"] == [["IRIS.IRIS_1", "Idle", True, "IRIS.Near"], ["IRIS.IRIS_2", "Idle", True, None]]
    assert said["others ran on meanwhile"] == "Completed"


def test_given_a_node_that_returned_when_provisioned_and_configured_then_its_mode_runs_again(
    said: dict[str, Any],
) -> None:
    assert (said["provisioned again"], said["configured again"]) == ("Success", ["Success", "Success"])
    assert said["runs again"] == ["Completed", "Completed"]
