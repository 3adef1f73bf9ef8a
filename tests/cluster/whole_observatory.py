"""An observatory with four machines on the private Ray, and modes whose scripts load, fail, or wait until they may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ocs_ray.actors.placement import RayReservations
from ocs_ray.cli.launch import launch
from ocs_ray.location.call import ask, names
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.agent_messages import Spawned, SpawnSequenceComponent
from ocs_ray.models.cluster_file import ClusterFile, EmbeddedNode
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    Provision,
    ShutdownAllSequencers,
    ShutdownSequenceComponent,
)
from ocs_ray.models.manager_replies import ManagerStatus, ObsModeDetails, ObsModesDetails, Success
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix

LIMIT_S: Final = 60.0
"""Longest wait for an answer or a condition, in seconds: new processes on a busy machine."""
ESW, ESW_2, IRIS, TCS = map(Prefix, ("ESW.primary", "ESW.secondary", "IRIS.primary", "TCS.primary"))
MACHINES: Final = {ESW: "machine:ESW.m", ESW_2: "machine:ESW.m", IRIS: "machine:IRIS.m", TCS: "machine:IRIS.m"}
SCRIPTS: Final = {
    "good": "async def body(ctx): ctx.on_setup('go')(lambda command: ctx.sleep(0))",
    "broken": "async def body(ctx): raise ValueError('broken on purpose')",
    "slow": "async def body(ctx): await wait(ctx, 'loading')",
    "stubborn": "async def body(ctx): ctx.on_shutdown(lambda: wait(ctx, 'ending'))",
}
WAIT: Final = """
import asyncio
from pathlib import Path
from ocs_ray.scripting import *

ROOT = Path({root!r})

async def wait(ctx, what):
    (ROOT / f"{{ctx.prefix}}.{{what}}").touch()
    while not (ROOT / "gate").exists():
        await asyncio.sleep(0.01)

@script
{script}
"""
MODES: Final = {
    "Clear": ("TCS, IRIS", {"TCS": "good", "IRIS": "good", "ESW": "good"}),
    "Dark": ("APS, TCS", {"ESW": "good"}),
    "Calib": ("WFOS", {"ESW": "good"}),
    "Aoesw": ("IRIS", {"IRIS": "good", "ESW": "good", "AOESW": "good"}),
    "IrisFirst": ("WFOS", {"IRIS": "good", "TCS": "good", "ESW": "good"}),
    "Broken": ("WFOS", {"ESW": "good", "IRIS": "broken"}),
    "Slow": ("WFOS", {"ESW": "slow", "IRIS": "slow"}),
    "Stubborn": ("WFOS", {"ESW": "stubborn"}),
}


class WholeObservatory:
    """The running observatory.

    Args:
        root: folder of the catalogue.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._gate = root / "gate"
        for name, (resources, sequencers) in MODES.items():
            self.write_mode(name, resources, sequencers)
        cluster = ClusterFile(node=EmbeddedNode(resources=()), machines=MACHINES)
        launch(cluster, str(root), 1.0, lambda _: None)

    def write_mode(self, name: str, resources: str, sequencers: Mapping[str, str]) -> None:
        """Add a mode to the catalogue, sequencer -> which of ``SCRIPTS``; the manager has not read it yet."""
        folder = self.root / name
        folder.mkdir()
        listed = ", ".join(f"{info}: {script}.py" for info, script in sequencers.items())
        (folder / "mode.yaml").write_text(f"resources: [{resources}]\nsequencers: {{{listed}}}\n")
        for script in set(sequencers.values()):
            (folder / f"{script}.py").write_text(WAIT.format(root=str(self.root), script=SCRIPTS[script]))

    async def tell(self, message: Message) -> Any:
        return await ask(SEQUENCE_MANAGER, message, LIMIT_S)

    async def configure(self, mode: str) -> Any:
        return await self.tell(Configure(obs_mode=ObsMode(mode)))

    async def provision(self, **machines: int) -> None:
        """``esw=1`` for one on ``ESW.primary``."""
        counts = {Prefix(f"{subsystem.upper()}.primary"): count for subsystem, count in machines.items()}
        assert await self.tell(Provision(components=counts)) == Success()

    async def spawn(self, machine: Prefix, prefix: str | None = None) -> Any:
        message = SpawnSequenceComponent(prefix=None if prefix is None else Prefix(prefix))
        return await ask(actor_name(machine, ComponentType.Machine), message, LIMIT_S)

    async def made_of(self, *wanted: str) -> None:
        """Have these components and no others, all idle; one of ``SUB`` is on ``SUB.primary``."""
        there = self.registered(ComponentType.SequenceComponent)
        for prefix in there.difference(wanted):
            assert await self.tell(ShutdownSequenceComponent(prefix=Prefix(prefix))) == Success()
        missing = [prefix for prefix in wanted if prefix not in there]
        spawns = (self.spawn(Prefix(f"{prefix.partition('.')[0]}.primary"), prefix) for prefix in missing)
        assert await asyncio.gather(*spawns) == [Spawned(prefix=Prefix(prefix)) for prefix in missing]

    async def component(self, prefix: str) -> SequenceComponentStatus:
        name = actor_name(Prefix(prefix), ComponentType.SequenceComponent)
        return await ask(name, GetComponentStatus(), LIMIT_S)

    async def loaded(self) -> dict[str, str | None]:
        """Component -> the sequencer in it, None when it is idle."""
        status: ManagerStatus = await self.tell(GetManagerStatus())
        found = [c for agent in status.agents for c in agent.sequence_components]
        assert all((c.loaded is None) == (c.state == "Idle") for c in found), found
        return {c.prefix: c.loaded for c in (*found, *status.without_agent)}

    async def details(self) -> dict[str, ObsModeDetails]:
        reply: ObsModesDetails = await self.tell(GetObsModesDetails())
        return {mode.obs_mode: mode for mode in reply.obs_modes}

    async def held(self) -> set[str]:
        return set(await RayReservations().held())

    @staticmethod
    def registered(kind: ComponentType) -> set[str]:
        return {name.removesuffix(f"-{kind}") for name in names() if name.endswith(f"-{kind}")}

    # -- scripts that wait -----------------------------------------------------------------------------------------

    def close_gate(self) -> None:
        """From now on what waits goes on waiting."""
        self._gate.unlink(missing_ok=True)
        for left in (*self.root.glob("*.loading"), *self.root.glob("*.ending")):
            left.unlink()

    def open_gate(self) -> None:
        self._gate.touch()

    async def waiting(self, *marks: str) -> None:
        """Return when all of them wait, as ``ESW.Slow.loading``."""
        await within(lambda: all((self.root / mark).exists() for mark in marks))

    async def clear(self) -> None:
        """No mode, nobody that waits."""
        self.open_gate()
        assert await self.tell(ShutdownAllSequencers()) == Success()


async def within(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until it holds, at most ``LIMIT_S``."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.02)
