"""An agent: starts and ends what runs on one machine. Source: esw AgentActor.scala, AgentBehaviour."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any, Final

from ocs_ray.actors.workplace import Directory, Spawner
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    SpawnDevice,
    Spawned,
    SpawnSequenceComponent,
)
from ocs_ray.models.component_messages import (
    DeviceStatus,
    GetComponentStatus,
    SequenceComponentStatus,
    ShutdownComponent,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import SetTimeFactor
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.port import Port

STATUS_S: Final = 2.0
SHUTDOWN_S: Final = 8.0
CHILDREN: Final = (ComponentType.SequenceComponent, ComponentType.Assembly, ComponentType.HCD)


class AgentShell:
    """One machine.

    Args:
        prefix: the machine's prefix.
        directory: who is there, and the door to them.
        spawner: starts and ends actors on this machine.
        time_factor: handed to the devices.
    """

    def __init__(self, prefix: Prefix, directory: Directory, spawner: Spawner, time_factor: float) -> None:
        self._prefix = prefix
        self._directory = directory
        self._port: Port = directory
        self._spawner = spawner
        self._time_factor = time_factor
        self._children: set[str] = set()

    async def start(self) -> None:
        """Adopt what runs on this machine already: a restarted agent finds its children where they were."""
        candidates = [name for name in self._directory.names() if parse_actor_name(name)[1] in CHILDREN]
        found = await asyncio.gather(*map(self._child_status, candidates))
        self._children = {
            n for n, s in zip(candidates, found, strict=True) if s is not None and s.machine == self._prefix
        }

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.agent_messages``."""
        match message:
            case GetAgentStatus():
                return await self._status()
            case SpawnSequenceComponent(prefix=prefix):
                name = actor_name(prefix, ComponentType.SequenceComponent)
                return await self._spawn(name, self._spawner.spawn_sequence_component(prefix))
            case SpawnDevice(device=device):
                name = actor_name(device.prefix, device.component_type)
                return await self._spawn(name, self._spawner.spawn_device(device, self._time_factor))
            case KillComponent(prefix=prefix, component_type=component_type):
                return await self._kill(actor_name(prefix, component_type))
            case SetTimeFactor(factor=factor):
                self._time_factor = factor
                return Ok()
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    async def _spawn(self, name: str, work: Any) -> Spawned | Failed:
        try:
            await work
        except OcsError as failure:
            return Failed(msg=str(failure))
        self._children.add(name)
        return Spawned()

    async def _kill(self, name: str) -> Killed:
        with suppress(OcsError):  # it may be dead or hang; it is killed either way
            await self._port.ask(name, ShutdownComponent(), SHUTDOWN_S)
        await self._spawner.kill(name)
        self._children.discard(name)
        return Killed()

    async def _child_status(self, name: str) -> SequenceComponentStatus | DeviceStatus | None:
        try:
            return await self._port.ask(name, GetComponentStatus(), STATUS_S)
        except OcsError:
            return None

    async def _status(self) -> AgentStatus:
        names = sorted(self._children)
        found = await asyncio.gather(*map(self._child_status, names))
        return AgentStatus(
            agent=self._prefix,
            pid=os.getpid(),
            sequence_components=tuple(s for s in found if isinstance(s, SequenceComponentStatus)),
            devices=tuple(s for s in found if isinstance(s, DeviceStatus)),
            children=tuple(names),
            silent=tuple(name for name, status in zip(names, found, strict=True) if status is None),
        )
