"""A night on three nodes, one of which goes away and returns; another one's script comes from a package.

``test_three_nodes`` runs it and judges what it says.

It is a program of its own because one process joins one Ray.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ray
from ray._private.state import actors
from ray.cluster_utils import Cluster

from ocs_ray.cli.launch import launch
from ocs_ray.client import Packages, SequenceManager, Sequencer
from ocs_ray.errors import OcsError
from ocs_ray.location.call import RayPort, ask
from ocs_ray.models.agent_messages import AgentStatus, GetAgentStatus
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ManagerStatus
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_messages import GetRuns
from ocs_ray.packages.pack import pack
from ocs_ray.scripting.port import use_default_port

ESW, IRIS, WFOS = Prefix("ESW.m"), Prefix("IRIS.m"), Prefix("WFOS.m")
NEAR, FAR = ObsMode("Near"), ObsMode("Far")
NODES: dict[Prefix, dict[str, float]] = {
    ESW: {"machine:ESW.m": 1, "resource:TCS": 1},
    IRIS: {"machine:IRIS.m": 1, "resource:IRIS": 1},
    WFOS: {"machine:WFOS.m": 1, "resource:WFOS": 1},
}
SCRIPT = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("go")
    async def go(command: Setup) -> None:
        if ctx.prefix.subsystem is Subsystem.ESW:
            below = Subsystem.IRIS if ctx.obs_mode == "Near" else Subsystem.WFOS
            await ctx.sequencer(below).submit_and_wait(Sequence.of(command))
"""
said: dict[str, Any] = {}


def write_modes(root: Path) -> None:
    """Two modes that share nothing: Near on IRIS and TCS, Far on WFOS with a script from a package."""
    rows = ((NEAR, "IRIS, TCS", "IRIS", "script.py"), (FAR, "WFOS", "WFOS", "'package:'"))
    for mode, resources, below, script in rows:
        (root / mode).mkdir(parents=True)
        (root / mode / "mode.yaml").write_text(
            f"resources: [{resources}]\nsequencers: {{ESW: script.py, {below}: {script}}}\n"
        )
        (root / mode / "script.py").write_text(SCRIPT)


def packed_script(root: Path) -> Path:
    """The package of WFOS in the mode Far."""
    root.mkdir()
    (root / "script.py").write_text(SCRIPT)
    manifest = {"name": "far", "version": "1.0.0", "main": "script.py", "observatory": {"prefix": "WFOS.Far"}}
    (root / "package.json").write_text(json.dumps(manifest))
    return pack(root, root.with_suffix(".tar.gz")).file


def node_of_actor() -> dict[str, str]:
    return {row["Name"]: row["Address"]["NodeID"] for row in actors().values() if row["State"] == "ALIVE"}


async def wait_for(what: str, condition: Callable[[], Awaitable[Any]], within_s: float = 30.0) -> Any:
    """What ``condition`` gives once that is something."""
    began = time.monotonic()
    while not (found := await condition()):
        if time.monotonic() - began > within_s:
            raise TimeoutError(what)
        await asyncio.sleep(0.05)
    said.setdefault("seconds", {})[what] = round(time.monotonic() - began, 2)
    return found


async def run(mode: ObsMode) -> str:
    """How a sequence through both sequencers of a mode ends."""
    top = Sequencer(Subsystem.ESW, mode)
    return (await asyncio.wait_for(top.submit_and_wait(Sequence.of(Setup("ESW.t", "go"))), 20)).kind


def kind_of(response: Message) -> str:
    return type(response).__name__


async def story(nodes: Cluster, of: dict[Prefix, Any], folder: Path) -> None:
    manager = SequenceManager()
    digest = (await Packages().send(packed_script(folder / "far"))).record.digest
    said["provisioned"] = kind_of(await manager.provision({ESW: 2, IRIS: 2, WFOS: 1}))
    said["configured"] = [kind_of(await manager.configure(mode)) for mode in (NEAR, FAR)]
    where = node_of_actor()
    said["on"] = {
        m: sorted(n for n, node in where.items() if node == of[m].node_id and "-Service" not in n) for m in (IRIS, WFOS)
    }
    said["runs"] = [await run(mode) for mode in (NEAR, FAR)]
    copies = [place.name for place in (folder / "data" / "copies" / "unpacked").iterdir()]
    ran = await ask("WFOS.Far-Sequencer", GetRuns(), 5)
    said["fetched"] = [copies == [digest.hex], [record.digest == digest for record in ran]]
    said["used by"] = (await Packages().info("far")).sequencers

    nodes.remove_node(of[IRIS], allow_graceful=False)

    async def iris_is_silent() -> ManagerStatus | None:
        status = await manager.status()
        return status if status.silent_agents == (IRIS,) and "IRIS.Near-Sequencer" not in node_of_actor() else None

    status = await wait_for("the loss of a node is seen", iris_is_silent)
    answering = [c.prefix for agent in status.agents for c in agent.sequence_components]
    said["answering without IRIS"] = sorted(answering)
    said["silent components"] = sorted(status.silent_components)
    said["others run on"] = await run(FAR)
    of[IRIS] = nodes.add_node(num_cpus=1, resources=NODES[IRIS], wait=True)

    async def agent_with_its_components(count: int = 2) -> AgentStatus | None:
        try:
            found: AgentStatus = await ask("IRIS.m-Machine", GetAgentStatus(), 5)
        except OcsError:
            return None
        return found if len(found.sequence_components) == count else None

    agent = await wait_for("a node that returned serves again", agent_with_its_components)
    where = node_of_actor()
    said["back on its node"] = where["IRIS.m-Machine"] == of[IRIS].node_id
    said["agent restarted"] = agent.restarted
    said["components"] = [
        [c.prefix, c.state, c.restarted, c.lost.prefix if c.lost is not None else None]
        for c in agent.sequence_components
    ]
    said["others ran on meanwhile"] = await run(FAR)

    nodes.remove_node(of[IRIS], allow_graceful=False)
    await wait_for("the second loss of a node is seen", iris_is_silent)
    said["provisioned without IRIS"] = kind_of(await manager.provision({ESW: 2, WFOS: 1}))
    said["configured without IRIS"] = kind_of(await manager.configure(FAR))
    said["runs without IRIS"] = await run(FAR)

    of[IRIS] = nodes.add_node(num_cpus=1, resources=NODES[IRIS], wait=True)
    await wait_for("the agent serves again, its components replaced", lambda: agent_with_its_components(0))
    said["provisioned again"] = kind_of(await manager.provision({ESW: 2, IRIS: 2, WFOS: 1}))
    said["configured again"] = [kind_of(await manager.configure(mode)) for mode in (NEAR, FAR)]
    said["runs again"] = [await run(mode) for mode in (NEAR, FAR)]


def main(folder: Path) -> None:
    write_modes(folder / "obsmodes")
    data = folder / "data"
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "resources": NODES[ESW]})
    try:
        of = {ESW: nodes.head_node}
        of |= {m: nodes.add_node(num_cpus=1, resources=NODES[m], wait=False) for m in (IRIS, WFOS)}
        nodes.wait_for_nodes()
        ray.init(address=nodes.address, namespace="ocs", log_to_driver=False, configure_logging=False)
        use_default_port(RayPort())
        machines = {machine: f"machine:{machine}" for machine in NODES}
        cluster = ClusterFile(address=nodes.address, machines=machines)
        launch(cluster, str(folder / "obsmodes"), 1.0, lambda line: None, data_folder=data)
        asyncio.run(story(nodes, of, folder))
    finally:
        print("SAID " + json.dumps(said), flush=True)
        ray.shutdown()
        nodes.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
