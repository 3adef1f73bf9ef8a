"""What does the control traffic of 10, 100 and 1,000 machines cost its one Sequence Manager?

The shells of the manager, the agents and the sequence components run as at night, all in one loop; Ray and the scripts
are left out. Messages are counted, and the time the loop is busy is taken, of: provisioning two components a machine,
configuring modes of three sequencers, a status of everything, and a look around, which the manager takes every second.
What Ray adds to each message is in ``relay`` and ``locate``. Run: ``just bench scaling [--machines 10 100 1000]``.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from ocs_ray.actors.agent_shell import AgentShell
from ocs_ray.actors.birth import Birth
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.actors.sequence_component_shell import SequenceComponentShell
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import UnreachableError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.component_messages import LoadScript, ScriptSource
from ocs_ray.models.component_note import ComponentNote
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, GetManagerStatus, Provision
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Ok

QUESTION = "messages and CPU of the Sequence Manager's operations with 10, 100 and 1,000 machines, without Ray"
PER_MACHINE = 2
SUBSYSTEMS = (Subsystem.ESW, Subsystem.IRIS, Subsystem.TCS)


@dataclass(frozen=True)
class Sizes:
    machines: tuple[int, ...] = (10, 100, 1_000)
    modes: int = 20
    looks: int = 20
    status_up_to: int = 200  # machines: each agent lists all names, in all the square of their number


class Loaded:
    """A sequencer's shell with its core, whose script is taken for loaded."""

    def __init__(self, shell: SequencerShell) -> None:
        self._shell = shell

    async def ask(self, message: object) -> Any:
        """Hand over any other message."""
        return Ok() if isinstance(message, LoadScript) else await self._shell.ask(message)


class Site:
    """Who runs, who asks whom, and what is held: Ray's part."""

    def __init__(self) -> None:
        self.running: dict[str, Any] = {}
        self.sent: Counter[str] = Counter()
        self.listed = 0
        self._held: dict[ObsMode, tuple[Subsystem, ...]] = {}
        self._notes: dict[Prefix, ComponentNote] = {}

    def names(self) -> list[str]:
        """All names; Ray's GCS sends them all each time."""
        self.listed += 1
        return sorted(self.running)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Count a message, and hand it over."""
        self.sent[type(message).__name__] += 1
        if name not in self.running:
            raise UnreachableError(name=name, reason="is not running", remedy="start it")
        return await self.running[name].ask(message)

    def write(self, component: Prefix, note: ComponentNote) -> None:
        """Keep a component's note."""
        self._notes[component] = note

    def read(self, component: Prefix) -> ComponentNote:
        """Give it back."""
        return self._notes.get(component, ComponentNote())

    async def here(self, script: ScriptSource) -> ScriptSource:
        """Scripts are files of every machine."""
        return script

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> str | None:
        """Modes of this site share nothing."""
        self._held[mode] = resources
        return mode

    async def holds(self, mode: ObsMode, reservation: str) -> bool:
        """Nobody else releases anything."""
        return mode in self._held

    async def release(self, mode: ObsMode, reservation: str | None = None) -> None:
        """Give back."""
        self._held.pop(mode, None)

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        """What is held."""
        return dict(self._held)

    def offered(self) -> frozenset[Subsystem]:
        """Everything."""
        return frozenset(Subsystem)


class Starter:
    """Starts actors of one machine, in no time."""

    def __init__(self, site: Site, machine: Prefix) -> None:
        self._site, self._machine = site, machine

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        """A real shell."""
        shell = SequenceComponentShell(prefix, self._machine, self._site, self, self._site, Birth.now(), self._site)
        await shell.start()
        self._site.running[actor_name(prefix, ComponentType.SequenceComponent)] = shell

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        """One without a script."""
        shell = SequencerShell(prefix, obs_mode, sequence_component, self._site)
        self._site.running[actor_name(prefix, ComponentType.Sequencer)] = Loaded(shell)

    async def spawn_sequence_manager(self, *_: Any, **__: Any) -> None:
        """There is one."""
        raise AssertionError

    async def spawn_device(self, *_: Any, **__: Any) -> None:
        """There are none."""
        raise AssertionError

    async def kill(self, name: str) -> None:
        """End one."""
        self._site.running.pop(name, None)


async def cost(site: Site, work: Awaitable[Any]) -> dict[str, float]:
    """Messages, listings of all names, and CPU of one operation."""
    site.sent.clear()
    site.listed = 0
    began = time.process_time()
    reply = await work
    assert reply is None or getattr(reply, "kind", "Success") in ("Success", "ManagerStatus"), reply
    used = time.process_time() - began
    messages = site.sent.total()
    return {
        "messages_count": messages,
        "listings_count": site.listed,
        "cpu_ms": round(used * 1e3, 2),
        "cpu_per_message_us": round(used / max(messages, 1) * 1e6, 1),
    }


def write_catalogue(root: Path, modes: int) -> None:
    """Modes of three sequencers that share nothing."""
    for n in range(modes):
        (root / f"Mode{n}").mkdir()
        sequencers = ", ".join(f"{subsystem}: script.py" for subsystem in SUBSYSTEMS)
        (root / f"Mode{n}" / "mode.yaml").write_text(f"resources: []\nsequencers: {{{sequencers}}}\n")
        (root / f"Mode{n}" / "script.py").write_text("# never loaded here\n")


async def with_machines(count: int, sizes: Sizes, catalogue: Path) -> dict[str, Any]:
    """One site of so many machines."""
    site = Site()
    machines = [Prefix(f"{SUBSYSTEMS[n % len(SUBSYSTEMS)]}.machine{n}") for n in range(count)]
    for machine in machines:
        agent = AgentShell(machine, site, Starter(site, machine), 1.0, Birth.now())
        await agent.start()
        site.running[actor_name(machine, ComponentType.Machine)] = agent
    manager = ManagerShell(site, site, str(catalogue))
    await manager.start()
    modes = min(sizes.modes, count * PER_MACHINE // len(SUBSYSTEMS))
    found: dict[str, Any] = {}
    provision = Provision(components=dict.fromkeys(machines, PER_MACHINE))
    found["provision"] = await cost(site, manager.ask(provision))
    configured = [await cost(site, manager.ask(Configure(obs_mode=ObsMode(f"Mode{n}")))) for n in range(modes)]
    found["configure_first"], found["configure_last"] = configured[0], configured[-1]
    if count <= sizes.status_up_to:
        found["status_first"] = await cost(site, manager.ask(GetManagerStatus()))
        found["status_again"] = await cost(site, manager.ask(GetManagerStatus()))
    looks = [await cost(site, manager._lookout._look(for_operation=False)) for _ in range(sizes.looks)]
    found["look_around_each_second"] = looks[-1]
    found["actors"] = len(site.running) + 1
    for each in site.running.values():
        if isinstance(each, SequenceComponentShell):
            each._end_watch()
    return found


def measure(sizes: Sizes) -> dict[str, Any]:
    """Sites of growing size."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder)
        write_catalogue(catalogue, sizes.modes)
        return {
            f"{count}_machines_each": asyncio.run(with_machines(count, sizes, catalogue)) for count in sizes.machines
        }


FULL, SMOKE = Sizes(), Sizes(machines=(3,), modes=2, looks=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
