"""A whole observatory of shells in one loop: agents, components, sequencers and the manager, without Ray."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.agent_shell import AgentShell
from ocs_ray.actors.birth import Birth
from ocs_ray.actors.component_shell import ComponentShell
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.actors.sequence_component_shell import SequenceComponentShell
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import ClusterError, ComponentFailedError, NameTakenError, OcsError, UnreachableError
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.component_messages import DeviceSpec, LoadScript, ScriptSource, ShutdownComponent
from ocs_ray.models.component_note import ComponentNote
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
    """Directory, port, notes and reservations of the in-memory observatory.

    ``broken`` names do not start, those in ``fragile`` die while they start, ``silent`` ones do not answer;
    ``die(name)`` is what kill -9 is to a process, and ``restart(name)`` what Ray does to it afterwards.
    """

    def __init__(self) -> None:
        self.running: dict[str, Any] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.fragile: set[str] = set()
        self.killed: list[str] = []
        self.held_by: dict[ObsMode, tuple[Subsystem, ...]] = {}
        self.not_offered: set[Subsystem] = set()
        self._notes: dict[Prefix, ComponentNote] = {}
        self._hung_up: dict[str, set[asyncio.Future[None]]] = {}

    def names(self) -> list[str]:
        return sorted(self.running)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """What Ray does: a question to somebody who dies fails at once, one to somebody silent after its limit."""
        if name not in self.running:
            raise UnreachableError(name=name, reason="is not running", remedy="see what runs: ocs status")
        if name in self.silent:
            raise UnreachableError(name=name, reason=f"did not answer within {timeout_s:g} s", remedy="")
        asked = self.running[name]
        answer = asyncio.ensure_future(asked.ask(message))
        hung_up = asyncio.get_running_loop().create_future()
        self._hung_up.setdefault(name, set()).add(hung_up)
        try:
            await asyncio.wait({answer, hung_up}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hung_up.get(name, set()).discard(hung_up)
            if not answer.done():
                answer.cancel()
        if answer.done() and not answer.cancelled():
            if isinstance(message, ShutdownComponent) and self.running.get(name) is asked:
                self.die(name)  # a component that was shut down ends its process
            try:
                return answer.result()
            except OcsError:
                raise
            except Exception as failure:
                reason = f"{type(failure).__name__}: {failure}"
                raise ComponentFailedError(name=name, reason=reason) from failure
        reason = "died" if hung_up.done() else f"did not answer within {timeout_s:g} s"
        raise UnreachableError(name=name, reason=reason, remedy="see what runs: ocs status")

    def start(self, name: str, shell: Any) -> None:
        if name in self.running:
            raise NameTakenError(problem=f"{name} is running already", remedy="end it first")
        if name in self.broken:
            raise ClusterError(problem=f"{name} did not start: out of memory", remedy="add memory")
        if name in self.fragile:
            raise ClusterError(problem=f"{name}: Process terminated before registration was successful", remedy="")
        self.running[name] = shell

    def die(self, name: str) -> Any:
        """End somebody without asking; whoever waits for an answer learns of it."""
        gone = self.running.pop(name, None)
        for waiting in self._hung_up.pop(name, set()):
            if not waiting.done():
                waiting.set_result(None)
        if isinstance(gone, SequencerHost):
            gone.shell._close()
        return gone

    async def restart(self, name: str) -> Any:
        """Kill a sequence component or an agent and run its constructor again, with the same arguments."""
        gone = self.die(name)
        birth = Birth.now(restarts=1)
        if isinstance(gone, AgentShell):
            shell: Any = AgentShell(gone._prefix, self, Spawner(self, gone._prefix), 0.001, birth)
        else:
            gone._end_watch()
            shell = SequenceComponentShell(
                gone._prefix, gone._machine, self, Spawner(self, gone._machine), self, birth, self
            )
        self.start(name, shell)
        await shell.start()
        return shell

    async def add_agent(self, prefix: str) -> AgentShell:
        shell = AgentShell(Prefix(prefix), self, Spawner(self, Prefix(prefix)), 0.001, Birth.now())
        await shell.start()
        self.start(actor_name(prefix, ComponentType.Machine), shell)
        return shell

    def write(self, component: Prefix, note: ComponentNote) -> None:
        self._notes[component] = note

    def read(self, component: Prefix) -> ComponentNote:
        return self._notes.get(component, ComponentNote())

    async def here(self, script: ScriptSource) -> ScriptSource:
        return script

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> bool:
        if mode in self.held_by or any(set(resources) & set(taken) for taken in self.held_by.values()):
            return False
        self.held_by[mode] = resources
        return True

    async def release(self, mode: ObsMode) -> None:
        self.held_by.pop(mode, None)

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        return dict(self.held_by)

    def offered(self) -> frozenset[Subsystem]:
        return frozenset(Subsystem) - self.not_offered


class Spawner:
    """Starts shells of one machine of the place."""

    def __init__(self, place: Place, machine: Prefix) -> None:
        self.place, self.machine = place, machine

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        shell = SequenceComponentShell(prefix, self.machine, self.place, self, self.place, Birth.now(), self.place)
        await shell.start()
        self.place.start(actor_name(prefix, ComponentType.SequenceComponent), shell)

    async def spawn_sequence_manager(self, catalogue: str, time_factor: float, simulation: bool) -> None:
        self.place.start(SEQUENCE_MANAGER, ManagerShell(self.place, self.place, catalogue, time_factor))

    async def spawn_device(self, device: DeviceSpec, time_factor: float, container: Prefix | None = None) -> None:
        shell = ComponentShell(device, self.place, time_factor, self.machine, container)
        await shell.start()
        self.place.start(actor_name(device.prefix, device.component_type), shell)

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        shell = SequencerHost(SequencerShell(prefix, obs_mode, sequence_component, self.place))
        self.place.start(actor_name(prefix, ComponentType.Sequencer), shell)

    async def kill(self, name: str) -> None:
        self.place.killed.append(name)
        self.place.die(name)


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
