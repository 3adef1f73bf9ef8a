"""A whole observatory of shells in one loop: agents, components, sequencers and the manager, without Ray."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.agent_shell import AgentShell
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.actors.sequence_component_shell import SequenceComponentShell
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import ClusterError, UnreachableError
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.component_messages import DeviceSpec, LoadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Ok


class SequencerHost:
    """What the Ray actor does around the shell: LoadScript starts it."""

    def __init__(self, shell: SequencerShell) -> None:
        self.shell = shell

    async def ask(self, message: object) -> Any:
        if isinstance(message, LoadScript):
            await self.shell.start(message.script, message.time_factor)
            return Ok()
        return await self.shell.ask(message)


class Place:
    """Directory, port and reservations of the in-memory observatory; ``broken`` names do not start."""

    def __init__(self) -> None:
        self.running: dict[str, Any] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.killed: list[str] = []
        self.held_by: dict[ObsMode, tuple[Subsystem, ...]] = {}

    def names(self) -> list[str]:
        return sorted(self.running)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        if name not in self.running:
            raise UnreachableError(name=name, reason="is not running", remedy="see what runs: ocs status")
        if name in self.silent:
            raise UnreachableError(name=name, reason=f"did not answer within {timeout_s:g} s", remedy="")
        return await self.running[name].ask(message)

    def start(self, name: str, shell: Any) -> None:
        if name in self.running:
            raise ClusterError(problem=f"{name} is running already", remedy="end it first")
        if name in self.broken:
            raise ClusterError(problem=f"{name} did not start: out of memory", remedy="add memory")
        self.running[name] = shell

    async def add_agent(self, prefix: str) -> None:
        shell = AgentShell(Prefix(prefix), self, Spawner(self, Prefix(prefix)), 0.001)
        await shell.start()
        self.start(actor_name(prefix, ComponentType.Machine), shell)

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> bool:
        if any(set(resources) & set(taken) for taken in self.held_by.values()):
            return False
        self.held_by[mode] = resources
        return True

    async def release(self, mode: ObsMode) -> None:
        self.held_by.pop(mode, None)

    async def held(self) -> tuple[ObsMode, ...]:
        return tuple(self.held_by)


class Spawner:
    """Starts shells of one machine of the place."""

    def __init__(self, place: Place, machine: Prefix) -> None:
        self.place, self.machine = place, machine

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        shell = SequenceComponentShell(prefix, self.machine, self.place, self)
        self.place.start(actor_name(prefix, ComponentType.SequenceComponent), shell)

    async def spawn_device(self, device: DeviceSpec, time_factor: float) -> None:
        raise ClusterError(problem=f"{device.prefix} did not start: no such factory", remedy="correct the file")

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        shell = SequencerHost(SequencerShell(prefix, obs_mode, sequence_component, self.place))
        self.place.start(actor_name(prefix, ComponentType.Sequencer), shell)

    async def kill(self, name: str) -> None:
        self.place.killed.append(name)
        if (gone := self.place.running.pop(name, None)) is not None and isinstance(gone, SequencerHost):
            gone.shell._close()


SCRIPT = """
import asyncio
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("go")
    async def go(command: Setup) -> None:
        await ctx.sleep(1)
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Modes A{IRIS,TCS}, B{TCS}, C{WFOS}; A has three sequencers, one of them a variation."""
    modes = {"A": ("IRIS, TCS", ["ESW", "IRIS", "IRIS.ifs"]), "B": ("TCS", ["ESW", "TCS"]), "C": ("WFOS", ["ESW"])}
    for name, (resources, sequencers) in modes.items():
        folder = tmp_path / "obsmodes" / name
        folder.mkdir(parents=True)
        lines = "".join(f"  {sequencer}: script.py\n" for sequencer in sequencers)
        (folder / "mode.yaml").write_text(f"resources: [{resources}]\nsequencers:\n{lines}")
        (folder / "script.py").write_text(SCRIPT)
    return tmp_path / "obsmodes"


@pytest.fixture
def place(catalogue: Path) -> Place:
    """An observatory with three agents and an idle manager; nothing provisioned."""
    made = Place()
    made.start(SEQUENCE_MANAGER, ManagerShell(made, made, str(catalogue), time_factor=0.001))
    for machine in ("ESW.machine1", "IRIS.machine1", "WFOS.machine1"):
        asyncio.run(made.add_agent(machine))
    return made
