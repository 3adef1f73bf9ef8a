"""A simulated cluster: the real Sequence Manager, agents, components and sequencers; scripts that complete at once.

Source: seed 002, simulation mode; reference esw_sm section 10, case 55.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import wait_until

pytestmark = pytest.mark.timeout(300)  # many commands a test, each a process that joins Ray

REPO = Path(__file__).parents[2]
SHARED = REPO.parent / "shared" / "data" / "obsmodes"
TOP = "ESW.IRIS_ImagerAndIFS"
SEQUENCERS = {TOP, "IRIS.IRIS_ImagerAndIFS", "IRIS.IRIS_ImagerAndIFS.IRIS_IFS", "IRIS.IRIS_ImagerAndIFS.IRIS_IMAGER"}
GOOD = (
    "from ocs_ray.scripting import ScriptContext, script\n\n"
    "@script\nasync def lead(ctx: ScriptContext) -> None:\n"
    "    @ctx.on_setup('preset')\n    async def preset(command: object) -> None:\n        pass\n"
)
END_FOR_GOOD = """
import sys
from ocs_ray.client import connect
connect()
import ray  # after connect: what the cluster's token is, Ray reads when it is imported
for name in sys.argv[1:]:
    ray.kill(ray.get_actor(name, namespace="ocs"), no_restart=True)
"""
FIRST = """\
modes:
  Dark: {resources: [IRIS], sequencers: [ESW, IRIS, TCS.red]}
  Cal: {resources: [WFOS], sequencers: [ESW, WFOS]}
"""
EDITED = """\
modes:
  Cal: {resources: [WFOS, TCS], sequencers: [ESW, WFOS]}
  New: {resources: [IRIS], sequencers: [ESW]}
"""


def command(kind: str, name: str) -> dict[str, object]:
    return {"_type": kind, "source": "ESW.night", "commandName": name, "paramSet": []}


@pytest.fixture
def sequence(tmp_path: Path) -> str:
    """Commands no script knows; the last would end a script that only knows some."""
    file = tmp_path / "night.json"
    commands = [command("Setup", "whatever"), command("Observe", "nobody-knows"), command("Wait", "this")]
    file.write_text(json.dumps(commands))
    return str(file)


def test_given_a_simulated_cluster_when_provisioned_configured_and_submitted_to_then_it_completes(
    ocs: Any, sequence: str
) -> None:
    """Case 55: a mode without scripts runs any sequence; no devices are needed."""
    up = ocs.good("up", "--simulation", "--json").document
    assert up["machines"] == ["ESW.machine1", "TCS.machine1", "IRIS.machine1"]
    assert (up["simulation"], up["already_up"]) == (True, False)
    assert up["catalogue"] == str(REPO / "cluster" / "simulation_modes.yaml")

    assert ocs.good("provision", "--json").document["kind"] == "Success"
    configured = ocs.good("configure", "IRIS_ImagerAndIFS", "--json").document
    assert configured["master_sequencer"] == {"prefix": TOP, "componentType": "Sequencer"}

    status = ocs.good("status", "--json").document
    assert status["simulation"]
    assert {sequencer["prefix"] for sequencer in status["sequencers"]} == SEQUENCERS
    assert status["devices"] == status["lost_sequencers"] == status["silent_components"] == []
    assert status["running_obs_modes"] == ["IRIS_ImagerAndIFS"]

    observed = ocs.good("observe", sequence, "--mode", "IRIS_ImagerAndIFS", "--json").document
    assert observed["response"]["_type"] == "Completed"
    for target in sorted(SEQUENCERS):
        ocs.good("observe", sequence, "--mode", "IRIS_ImagerAndIFS", "--to", target)

    assert "simulation: yes" in ocs.good("status").out
    assert "already up, simulation" in ocs.good("up", "--simulation").out


@pytest.fixture(scope="module")
def simulated(file_ocs: Any) -> Any:
    """A simulation with a catalogue in one file, started once for all tests that change it."""
    file_ocs.project.joinpath("modes.yaml").write_text(FIRST)
    file_ocs.good("up", "--simulation", "-o", "modes.yaml")
    return file_ocs


@pytest.fixture
def two_modes(simulated: Any) -> Any:
    """The same freshly provisioned, with the first catalogue."""
    catalogue = simulated.project / "modes.yaml"
    if catalogue.read_text() != FIRST:
        catalogue.write_text(FIRST)
        simulated.good("obsmodes", "reload")
    simulated.good("provision", "ESW.machine1=4", "IRIS.machine1=1")
    return simulated


def sequencers_of(ocs: Any) -> dict[str, int]:
    """Prefix -> process of all sequencers."""
    return {sequencer["prefix"]: sequencer["pid"] for sequencer in ocs.good("status", "--json").document["sequencers"]}


def holders_of(ocs: Any) -> dict[str, str | None]:
    """Resource -> the mode that holds it."""
    return {each["resource"]: each["obs_mode"] for each in ocs.good("resources", "--json").document["resources"]}


def test_given_two_modes_when_one_is_configured_then_plan_resources_and_agents_tell_it(two_modes: Any) -> None:
    ocs = two_modes
    plan = ocs.good("plan", "Dark", "Cal", "--json").document
    assert [mode["status"] for mode in plan["modes"]] == ["Configurable", "Configurable"]
    assert plan["together"]
    assert "unknown observing mode" in ocs.refused(2, "plan", "Nope")

    assert holders_of(ocs) == {"IRIS": None, "WFOS": None}  # case 37
    ocs.good("configure", "Dark")
    assert holders_of(ocs) == {"IRIS": "Dark", "WFOS": None}  # case 38
    assert "InUse      Dark" in ocs.good("resources").out
    assert "IRIS is held by Dark" in ocs.refused(1, "configure", "Dark")  # 3.2 e

    agents = {agent["agent"]: agent for agent in ocs.good("agents", "--json").document["agents"]}
    assert set(agents) == {"ESW.machine1", "TCS.machine1", "IRIS.machine1"}
    assert agents["TCS.machine1"]["sequence_components"] == []  # case 50
    (iris,) = agents["IRIS.machine1"]["sequence_components"]
    assert (iris["prefix"], iris["loaded"]) == ("IRIS.IRIS_1", "IRIS.Dark")
    assert "IRIS.machine1" in ocs.good("agents").out


def test_given_a_configured_mode_when_one_sequencer_is_ended_started_and_restarted_then_the_others_run_on(
    two_modes: Any,
) -> None:
    ocs = two_modes
    ocs.good("configure", "Dark")
    ocs.good("shutdown", "--sequencer", "TCS.Dark.red")
    ocs.good("shutdown", "--sequencer", "TCS.Dark.red")  # case 23
    assert sequencers_of(ocs).keys() == {"ESW.Dark", "IRIS.Dark"}
    assert ocs.good("start-sequencer", "TCS.Dark.red", "--json").document["kind"] == "Started"  # case 19
    assert ocs.good("start-sequencer", "TCS.Dark.red", "--json").document["kind"] == "AlreadyRunning"  # case 17
    before = sequencers_of(ocs)
    ocs.good("restart-sequencer", "IRIS.Dark")  # case 20
    after = sequencers_of(ocs)
    assert before.keys() == after.keys() == {"ESW.Dark", "IRIS.Dark", "TCS.Dark.red"}
    assert {name for name in before if before[name] != after[name]} == {"IRIS.Dark"}
    assert "location service error" in ocs.refused(1, "restart-sequencer", "WFOS.Dark")  # case 21


def test_given_sequencers_when_shut_down_by_subsystem_mode_or_all_then_those_end_and_resources_are_free(
    two_modes: Any,
) -> None:
    ocs = two_modes
    ocs.good("configure", "Dark")
    ocs.good("shutdown", "--subsystem", "IRIS")  # case 26
    assert sequencers_of(ocs).keys() == {"ESW.Dark", "TCS.Dark.red"}
    ocs.good("shutdown", "Dark")  # case 27
    assert sequencers_of(ocs) == {}
    ocs.good("configure", "Cal")
    ocs.good("shutdown", "--all-sequencers")
    ocs.good("shutdown", "--all-sequencers")  # case 28
    assert sequencers_of(ocs) == {}
    assert holders_of(ocs) == {"IRIS": None, "WFOS": None}


def test_given_machines_when_components_are_spawned_killed_and_shut_down_then_each_comes_and_goes(
    two_modes: Any,
) -> None:
    ocs = two_modes
    assert "runs on IRIS.machine1" in ocs.good("spawn", "component", "IRIS.machine1", "--name", "IRIS_5").out
    assert "IRIS.IRIS_5" in ocs.refused(1, "spawn", "component", "IRIS.machine1", "--name", "IRIS_5")  # case 43
    ocs.good("kill", "IRIS.IRIS_5-SequenceComponent")
    ocs.good("shutdown", "--component", "IRIS.IRIS_1")
    assert "location service error" in ocs.refused(1, "shutdown", "--component", "IRIS.IRIS_1")  # case 24
    ocs.good("unprovision")
    ocs.good("unprovision")  # case 28
    assert ocs.good("status", "--json").document["sequence_components"] == []
    (lacks,) = ocs.good("plan", "Cal", "--json").document["modes"]
    assert (lacks["status"], lacks["missing"], lacks["machines"]) == ("NonConfigurable", ["ESW", "WFOS"], [])


def end_for_good(ocs: Any, *names: str) -> None:
    """End actors so that Ray does not start them again."""
    command = [sys.executable, "-c", END_FOR_GOOD, *names]
    subprocess.run(command, env=ocs.environment, cwd=ocs.project, check=True, timeout=90)


def _binds(listener: socket.socket, port: int | None) -> bool:
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


@contextmanager
def taken(port: int | None) -> Iterator[None]:
    """Somebody else listens on the port, as soon as the gateway that had it is gone."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_until(lambda: _binds(other, port), 20, f"port {port} does not become free")
        other.listen()
        yield


def test_given_parts_that_are_gone_for_good_when_brought_up_again_then_they_are_back_and_the_mode_is_known(
    two_modes: Any,
) -> None:
    ocs = two_modes
    ocs.good("configure", "Dark")
    before = sequencers_of(ocs)
    url = ocs.good("status", "--json").document["gateway_url"]
    port = urlsplit(url).port
    gone = ["ESW.sequence_manager-Service", "ESW.machine1-Machine", "ESW.EswGateway-Service"]
    end_for_good(ocs, *gone, "IRIS.IRIS_1-SequenceComponent")
    assert "start it again: ocs up" in ocs.refused(1, "configure", "Cal")
    assert "start it again: ocs up" in ocs.refused(1, "status")

    with taken(port):
        assert f"port {port} is taken" in ocs.refused(2, "up")
    up = ocs.good("up", "--json").document
    assert (up["already_up"], up["simulation"], up["gateway_url"]) == (True, True, url)
    assert up["restored"] == gone[2:]  # a gateway that does not start takes nothing else with it
    with urllib.request.urlopen(f"{up['gateway_url']}/readyz", timeout=30) as answer:  # where clients look for it
        assert answer.status == 200
    seen = ocs.good("status", "--json").document
    assert seen["running_obs_modes"] == ["Dark"]
    assert all(machine["alive"] for machine in seen["machines"])
    assert seen["without_agent"] == seen["silent_components"] == []  # the new agent knows what runs on its machine
    assert seen["stray_sequencers"] == ["IRIS.Dark"]  # its component was not one of those `ocs up` starts
    assert "sequencers in no component" in ocs.good("status").out
    assert sequencers_of(ocs) == before
    assert holders_of(ocs) == {"IRIS": "Dark", "WFOS": None}

    ocs.good("shutdown", "--sequencer", "IRIS.Dark")
    assert ocs.good("status", "--json").document["stray_sequencers"] == []
    ocs.good("configure", "Cal")  # a mode without scripts: the simulation goes on
    assert ocs.good("up", "--json").document["restored"] == []


def test_given_a_catalogue_that_is_edited_when_reloaded_then_the_changes_hold_and_running_modes_go_on(
    two_modes: Any,
) -> None:
    ocs = two_modes
    ocs.good("configure", "Cal")
    catalogue = ocs.project / "modes.yaml"
    catalogue.write_text(EDITED)
    found = ocs.good("obsmodes", "reload", "--json").document
    assert {name: found[name] for name in ("added", "removed", "changed", "running")} == {
        "added": ["New"],
        "removed": ["Dark"],
        "changed": ["Cal"],
        "running": ["Cal"],
    }
    assert "nothing has changed" in ocs.good("obsmodes", "reload").out
    assert ocs.good("status", "--json").document["running_obs_modes"] == ["Cal"]
    ocs.good("configure", "New")  # case 54
    catalogue.write_text("modes: [\n")
    assert "modes.yaml:2" in ocs.refused(1, "obsmodes", "reload")


def test_given_a_catalogue_with_faults_when_checked_then_all_are_told_and_the_good_one_is_good(ocs: Any) -> None:
    modes = ocs.project / "obsmodes"
    for name, text in (
        ("Good", "resources: [IRIS]\nsequencers: {ESW: esw.py}\n"),
        ("Gone", "resources: [IRIS]\nsequencers: {ESW: esw.py}\n"),
        ("Typo", "resources: [MARS]\nsequencers: {ESW: esw.py}\n"),
    ):
        (modes / name).mkdir(parents=True)
        (modes / name / "mode.yaml").write_text(text)
    (modes / "Good" / "esw.py").write_text(GOOD)
    ended = ocs("obsmodes", "check", "--json")
    assert ended.code == 2, ended
    found = {mode["obs_mode"]: mode["faults"] for mode in ended.document["obs_modes"]}
    assert found["Good"] == []
    assert found["Gone"][0]["where"] == str(modes / "Gone" / "esw.py")
    assert found["Typo"][0]["where"] == f"{modes / 'Typo' / 'mode.yaml'}:1"


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="ESW's own files are not beside this checkout (../shared/data/obsmodes)"
)
@pytest.mark.parametrize("name", ["esw_services", "observing_simulation", "simulation"])
def test_given_a_file_of_esw_when_imported_then_the_catalogue_is_good(name: str, ocs: Any) -> None:
    conf = str(SHARED / f"{name}.conf")
    modes = ocs.good("obsmodes", "import", conf, "-o", "tonight.yaml", "--json").document["obs_modes"]
    checked = ocs.good("obsmodes", "check", "tonight.yaml", "--json").document
    assert [mode["obs_mode"] for mode in checked["obs_modes"]] == modes
    assert checked["good"]
    assert "overwrite it with --force" in ocs.refused(2, "obsmodes", "import", conf, "-o", "tonight.yaml")


def test_given_a_conf_of_esw_when_simulated_then_its_modes_run_without_an_import(ocs: Any, sequence: str) -> None:
    conf = ocs.project / "sm.conf"
    conf.write_text("esw-sm.obsModes.Cal { resources: [WFOS], sequencers: [WFOS.blue, ESW] }\n")
    ocs.good("up", "--simulation", "-o", "sm.conf")
    observed = ocs.good("observe", sequence, "--mode", "Cal", "--json").document
    assert observed["response"]["_type"] == "Completed"
    assert sequencers_of(ocs).keys() == {"ESW.Cal", "WFOS.Cal.blue"}
