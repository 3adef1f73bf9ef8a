"""A Ray cluster of several nodes that runs already: our actors join it, land on their machines, and leave it whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

STORY = """
import asyncio, json, sys
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from ocs_ray.cli.cluster_process import bring_up, take_down
from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.client import SequenceManager, Sequencer, connect, disconnect
from ocs_ray.location import call
from ocs_ray.location.cluster_home import ClusterHome
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix

project, said = Path(sys.argv[1]), {}
head = {"num_cpus": 1, "resources": {"machine:ESW.m": 1, "resource:IRIS": 1}}
nodes = Cluster(initialize_head=True, head_node_args=head)
second = nodes.add_node(num_cpus=1, resources={"machine:IRIS.m": 1})
(project / "cluster.yaml").write_text(
    f"address: {nodes.address}\\nmachines: {{ESW.m: 'machine:ESW.m', IRIS.m: 'machine:IRIS.m'}}\\n"
)
home = ClusterHome(project)
bring_up(home, ClusterStart(project / "cluster.yaml", project / "obsmodes"), lambda line: None)
connect(project)

async def story():
    manager = SequenceManager()
    await manager.provision({Prefix("ESW.m"): 1, Prefix("IRIS.m"): 1})
    said["configured"] = (await manager.configure(ObsMode("Dark"))).kind
    response = await Sequencer.at("ESW.Dark").submit_and_wait(Sequence.of(Setup("ESW.t", "go")))
    said["response"] = response.kind

asyncio.run(story())
call.FRESH_S = 3600  # as a machine that leaves and joins at once: in less than the 0.05 s
disconnect()
connect(project)
said["after_joining_again"] = asyncio.run(SequenceManager().resources()).kind
from ray._private.state import actors
place = {a["Name"]: a["Address"]["NodeID"] for a in actors().values() if a["State"] == "ALIVE"}
said["on_second"] = sorted(name for name, node in place.items() if node == second.node_id)
disconnect()
said["ended"] = take_down(home)
said["up_after"] = home.running() is not None
ray.init(address=nodes.address, namespace="ocs", log_to_driver=False)
said["left"] = ray.util.list_named_actors(all_namespaces=True)
said["nodes_alive"] = sum(node["Alive"] for node in ray.nodes())
said["free"] = ray.available_resources().get("resource:IRIS")
ray.shutdown()
nodes.shutdown()
print("SAID " + json.dumps(said))
"""
SCRIPT = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("go")
    async def go(command: Setup) -> None:
        if ctx.prefix.subsystem is Subsystem.ESW:
            await ctx.sequencer(Subsystem.IRIS).submit_and_wait(Sequence.of(command))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the story prints: it has a process of its own, since one process joins one Ray."""
    project = tmp_path_factory.mktemp("project")
    mode = project / "obsmodes" / "Dark"
    mode.mkdir(parents=True)
    (mode / "mode.yaml").write_text("resources: [IRIS]\nsequencers: {ESW: script.py, IRIS: script.py}\n")
    (mode / "script.py").write_text(SCRIPT)
    (project / "story.py").write_text(STORY)
    done = subprocess.run(
        [sys.executable, str(project / "story.py"), str(project)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[0].removeprefix("SAID "))


def test_given_two_nodes_when_a_mode_is_configured_then_its_sequence_runs_across_them(said: dict[str, object]) -> None:
    assert (said["configured"], said["response"]) == ("Success", "Completed")


def test_given_a_machine_on_the_second_node_when_started_then_all_of_it_is_there_and_nothing_else(
    said: dict[str, object],
) -> None:
    assert said["on_second"] == ["IRIS.Dark-Sequencer", "IRIS.IRIS_1-SequenceComponent", "IRIS.m-Machine"]


def test_given_a_cluster_that_was_left_when_joined_again_at_once_then_components_answer(
    said: dict[str, object],
) -> None:
    assert said["after_joining_again"] == "ResourcesStatus"


def test_given_a_joined_cluster_when_taken_down_then_our_actors_are_gone_and_the_nodes_live_on(
    said: dict[str, object],
) -> None:
    assert (said["left"], said["nodes_alive"], said["free"], said["up_after"]) == ([], 2, 1.0, False)
    assert said["ended"] == 10
