"""The main job, on the shared cluster: every sequence there is, two modes at once, and every way to be refused."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

REPO = Path(__file__).parents[2]
SAMPLES = REPO.parent / "shared" / "data" / "sample-sequences"
OF_MODE = {  # mode -> (sample file, sequencer it goes to)
    "IRIS_IFSOnly": [("esw_ifs_only", "ESW"), ("iris_ifs_only", "IRIS")],
    "IRIS_ImagerAndIFS": [
        ("esw_imager_and_ifs", "ESW"),
        ("iris_imager_and_ifs", "IRIS.IRIS_ImagerAndIFS"),
        ("tcs_iris_for_all", "TCS"),
    ],
    "IRIS_ImagerOnly": [("esw_imager_only", "ESW"), ("iris_imager_only", "IRIS")],
    "WFOS_Cal": [],
    "WFOS_Science": [("esw_wfos_science", "ESW"), ("wfos_science", "WFOS")],
}


FAST = ("--time-factor", "0.005")


def example(mode: str) -> str:
    return str(REPO / "obsmodes" / mode / "example_sequence.json")


def usable(ocs: Any) -> dict[str, str]:
    """Which modes could be configured: the same before and after what was refused."""
    return {mode["obs_mode"]: mode["status"] for mode in ocs.good("modes", "--json").document["obs_modes"]}


def _exposure(*stems: str) -> list[dict[str, Any]]:
    """Parameters of an exposure that lasts hours even when rehearsed quickly: only an abort ends it."""
    params: list[dict[str, Any]] = [{"StringKey": {"keyName": "directory", "values": ["/data"], "units": "NoUnits"}}]
    for stem in stems:
        for kind, name, value in (
            ("StringKey", "ExposureType", "SCI"),
            ("IntKey", "IntegrationTime", 2_000_000_000),
            ("IntKey", "NumRamps", 1),
        ):
            params.append({kind: {"keyName": f"{stem}{name}", "values": [value], "units": "NoUnits"}})
    return params


ENDLESS = {"WFOS": _exposure("red", "blue"), "IRIS": _exposure("imager")}


@pytest.mark.parametrize("mode", OF_MODE)
def test_given_a_mode_when_its_example_and_the_samples_are_observed_then_all_complete(night: Any, mode: str) -> None:
    commands = json.loads(Path(example(mode)).read_text())
    seen = night.good("observe", example(mode), "--mode", mode, *FAST, "--json").document
    assert seen["response"]["_type"] == "Completed"
    assert seen["sequencer"] == f"ESW.{mode}"
    assert [step["name"] for step in seen["steps"]] == [command["commandName"] for command in commands]
    assert {step["status"] for step in seen["steps"]} == {"Success"}
    names = [event["eventName"] for event in seen["observe_events"]]
    assert names[0] == "ObserveEvent.ObservationStart"
    assert names[-1] == "ObserveEvent.ObservationEnd"

    for sample, to in OF_MODE[mode] if SAMPLES.is_dir() else []:
        file = SAMPLES / f"{sample}_sequence.json"
        told = night.good("observe", str(file), "--mode", mode, "--to", to, *FAST)
        number = len(json.loads(file.read_text()))
        assert re.search(rf"step {number}/{number} \w+ Success", told.out), told
        assert re.search(rf"^{mode}: Completed in \d", told.out, re.MULTILINE), told


def test_given_two_modes_without_a_common_resource_when_observed_then_both_run_at_once_and_a_third_is_refused(
    night: Any, tmp_path: Path
) -> None:
    runs = {}
    for mode, observe in (("WFOS_Cal", ENDLESS["WFOS"]), ("IRIS_ImagerOnly", ENDLESS["IRIS"])):
        first = json.loads(Path(example(mode)).read_text())[0]
        file = tmp_path / f"{mode}.json"
        file.write_text(
            json.dumps([first, {**first, "_type": "Observe", "commandName": "observe", "paramSet": observe}])
        )
        runs[mode] = night.start("observe", str(file), "--mode", mode, *FAST)
        runs[mode].wait_for("ObserveEvent.ExposureStart")
    told = night.refused(1, "configure", "IRIS_IFSOnly")
    assert "ConflictingResourcesWithRunningObsMode" in told
    assert "ocs shutdown IRIS_ImagerOnly" in told
    told = night.refused(1, "observe", example("IRIS_IFSOnly"), "--mode", "IRIS_IFSOnly")
    assert "ConflictingResourcesWithRunningObsMode" in told
    assert {run.process.poll() for run in runs.values()} == {None}, "both were to be observing still"
    for run in runs.values():
        run.process.send_signal(signal.SIGINT)
    ends = {mode: run.end() for mode, run in runs.items()}
    assert {mode: ended.code for mode, ended in ends.items()} == dict.fromkeys(runs, 1), ends
    assert all("Cancelled" in ended.out for ended in ends.values())

    again = {mode: night.start("observe", example(mode), "--mode", mode, *FAST) for mode in runs}
    for mode, run in again.items():
        ended = run.end()
        assert ended.code == 0, ended
        assert f"{mode}: Completed" in ended.out


def test_given_a_failing_step_when_observed_then_step_and_reason_are_told_and_the_next_sequence_runs(
    night: Any, tmp_path: Path
) -> None:
    commands = json.loads(Path(example("WFOS_Cal")).read_text())
    broken = [commands[0], {**commands[1], "paramSet": []}]
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(broken))
    ended = night("observe", str(file), "--mode", "WFOS_Cal", *FAST)
    assert ended.code == 1
    told = [line for line in ended.err.splitlines() if line.startswith("ocs: ")]
    assert len(told) == 1
    assert re.match(rf"ocs: step 2/2 {commands[1]['commandName']} failed: .+", told[0])
    assert "Failure" in ended.out
    night.good("observe", example("WFOS_Cal"), "--mode", "WFOS_Cal", *FAST)


def test_given_modes_whose_script_is_at_fault_when_configured_then_it_is_named_and_all_is_as_usable_as_before(
    night: Any,
) -> None:
    before = usable(night)
    for mode, named in (("MissingScript", r"MissingScript/esw\.py"), ("SyntaxError", r"SyntaxError/esw\.py:4: .*")):
        assert re.search(named, night.refused(2, "configure", mode))
    assert re.search(named, night.refused(2, "observe", example("WFOS_Cal"), "--mode", mode))
    assert usable(night) == before
    night.good("observe", example("WFOS_Cal"), "--mode", "WFOS_Cal", *FAST)


def test_given_bad_input_when_refused_then_the_cluster_is_as_usable_as_before(night: Any, tmp_path: Path) -> None:
    before = usable(night)
    file = tmp_path / "bad.json"
    file.write_text('[{"_type": "Setup", "source": "ESW-a", "commandName": "c", "paramSet": []}]')
    assert "bad.json: $[0].source" in night.refused(2, "observe", str(file), "--mode", "WFOS_Cal")
    assert "known: " in night.refused(2, "observe", example("WFOS_Cal"), "--mode", "Nope")
    assert "known: " in night.refused(2, "configure", "Nope")
    assert "IRIS.machine9" in night.refused(2, "provision", "IRIS.machine9=1")
    assert usable(night) == before


def test_given_a_sequencer_that_is_killed_when_observing_then_that_is_told_and_the_next_observation_runs(
    night: Any, tmp_path: Path
) -> None:
    observing = night.start("observe", example("WFOS_Cal"), "--mode", "WFOS_Cal", "--time-factor", "1")
    observing.wait_for("step 1/")
    (top,) = [s for s in night.good("status", "--json").document["sequencers"] if s["prefix"] == "ESW.WFOS_Cal"]
    psutil.Process(top["pid"]).kill()
    ended = observing.end()
    assert ended.code == 1
    assert "ocs: the sequence was lost: ESW.WFOS_Cal-Sequencer died" in ended.err
    file = tmp_path / "first.json"  # no devices in it: those the killed sequence moved are moving still
    file.write_text(json.dumps(json.loads(Path(example("WFOS_Cal")).read_text())[:1]))
    again = night.good("observe", str(file), "--mode", "WFOS_Cal", *FAST)
    assert "shutting down what is left of WFOS_Cal" in again.out


def test_given_a_cluster_when_asked_for_an_overview_then_status_and_modes_name_what_runs(night: Any) -> None:
    night.good("configure", "WFOS_Cal")
    status = night.good("status").out
    assert re.search(r"^ESW\.ESW_1 +ESW\.machine1 +Running +ESW\.WFOS_Cal +Idle +.*WFOS_Cal/esw\.py", status, re.M)
    (science,) = [line for line in night.good("modes").out.splitlines() if line.startswith("WFOS_Science")]
    assert "NonConfigurable" in science
    assert "held by WFOS_Cal" in science
    document = night.good("status", "--json").document
    assert document["running_obs_modes"] == ["WFOS_Cal"]
    assert {s["prefix"] for s in document["sequencers"]} == {"ESW.WFOS_Cal", "WFOS.WFOS_Cal"}
    assert {s["state"] for s in document["sequencers"]} == {"Idle"}
