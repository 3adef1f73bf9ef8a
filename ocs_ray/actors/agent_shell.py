"""An agent: starts and ends what runs on one machine. Source: esw AgentActor.scala, AgentBehaviour."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

from ocs_ray.actors.birth import Birth
from ocs_ray.actors.machine_children import MachineChildren
from ocs_ray.actors.workplace import Directory, Spawner
from ocs_ray.core.component_names import TRIES, free_name
from ocs_ray.errors import NameTakenError, OcsError
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name, component_of, parse_actor_name
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Completed,
    ContainerSpec,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    SpawnContainers,
    SpawnDevice,
    Spawned,
    SpawnSequenceComponent,
    SpawnSequenceManager,
)
from ocs_ray.models.component_messages import (
    DeviceSpec,
    DeviceStatus,
    SequenceComponentStatus,
    ShutdownComponent,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetSequenceComponent, SetTimeFactor
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.port import Port

SHUTDOWN_S: Final = 8.0
"""Longest a component may take to end by itself, in seconds; then it is killed."""
HOME_S: Final = 2.0
"""Longest wait for a sequencer to say which component it is in, in seconds."""


class AgentShell:
    """One machine.

    Args:
        prefix: the machine's prefix.
        directory: who is there, and the door to them.
        spawner: starts and ends actors on this machine.
        time_factor: handed to the devices.
        birth: when its process began.
    """

    def __init__(
        self, prefix: Prefix, directory: Directory, spawner: Spawner, time_factor: float, birth: Birth
    ) -> None:
        self._prefix, self._birth = prefix, birth
        self._directory = directory
        self._port: Port = directory
        self._spawner = spawner
        self._time_factor = time_factor
        self._children = MachineChildren(prefix, directory)

    async def start(self) -> None:
        """Adopt what runs on this machine already: a restarted agent finds its children where they were."""
        await self._children.statuses()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.agent_messages``."""
        match message:
            case GetAgentStatus():
                return await self._status()
            case SpawnSequenceComponent(prefix=prefix):
                return await (self._spawn_next_component() if prefix is None else self._spawn_component(prefix))
            case SpawnSequenceManager(catalogue=catalogue, simulation=simulation):
                work = self._spawner.spawn_sequence_manager(catalogue, self._time_factor, simulation)
                return await self._spawn(SEQUENCE_MANAGER, work)
            case SpawnDevice(device=device):
                return await self._spawn_device(device)
            case SpawnContainers(containers=containers):
                return await self._spawn_containers(containers)
            case KillComponent(prefix=prefix, component_type=ComponentType.Container):
                return await self._kill_container(prefix)
            case KillComponent(prefix=prefix, component_type=component_type):
                return await self._kill(actor_name(prefix, component_type))
            case SetTimeFactor(factor=factor):
                self._time_factor = factor
                return Ok()
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    # -- spawn ---------------------------------------------------------------------------------------------------

    async def _spawn(self, name: str, work: Awaitable[None]) -> Spawned | Failed:
        try:
            await work
        except NameTakenError:
            place = await self._place_of(name)
            return Failed(msg=f"{name} is already registered with location service at {place}")
        except OcsError as failure:
            return Failed(msg=str(failure))
        return Spawned(prefix=parse_actor_name(name)[0])

    async def _spawn_component(self, prefix: Prefix) -> Spawned | Failed:
        if prefix.subsystem is not self._prefix.subsystem:
            return Failed(
                msg=f"{self._prefix} starts sequence components of {self._prefix.subsystem} only, and {prefix} is of "
                f"{prefix.subsystem}: ask a machine of {prefix.subsystem}"
            )
        name = actor_name(prefix, ComponentType.SequenceComponent)
        reply = await self._spawn(name, self._spawner.spawn_sequence_component(prefix))
        if isinstance(reply, Spawned):
            self._children.add(name)
        return reply

    async def _spawn_next_component(self) -> Spawned | Failed:
        """Choose a name, and another one when somebody took it at the same moment."""
        subsystem = self._prefix.subsystem
        tried: set[Prefix] = set()
        for _ in range(TRIES):
            prefix = free_name(subsystem, tried | self._component_prefixes())
            try:
                await self._spawner.spawn_sequence_component(prefix)
            except NameTakenError:
                tried.add(prefix)
            except OcsError as failure:
                return Failed(msg=str(failure))
            else:
                self._children.add(actor_name(prefix, ComponentType.SequenceComponent))
                return Spawned(prefix=prefix)
        return Failed(
            msg=f"no name for a sequence component of {subsystem} was free in {TRIES} tries, the last was "
            f"{max(tried, key=len)}: give it a name"
        )

    def _component_prefixes(self) -> set[Prefix]:
        found = filter(None, map(component_of, self._directory.names()))
        return {prefix for prefix, component_type in found if component_type is ComponentType.SequenceComponent}

    async def _spawn_device(self, device: DeviceSpec, container: Prefix | None = None) -> Spawned | Failed:
        name = actor_name(device.prefix, device.component_type)
        reply = await self._spawn(name, self._spawner.spawn_device(device, self._time_factor, container))
        if isinstance(reply, Spawned):
            self._children.add(name, container)
        return reply

    async def _spawn_containers(self, containers: tuple[ContainerSpec, ...]) -> Completed:
        """Start everything at the same time; each container and each stand-alone device has an answer of its own."""
        works: dict[str, Awaitable[Spawned | Failed]] = {}
        for spec in containers:
            if spec.prefix is None:
                works |= {device.prefix: self._spawn_device(device) for device in spec.components}
            else:
                works[spec.prefix] = self._spawn_container(spec.prefix, spec.components)
        replies = await asyncio.gather(*works.values())
        return Completed(responses=dict(zip(works, replies, strict=True)))

    async def _spawn_container(self, prefix: Prefix, devices: tuple[DeviceSpec, ...]) -> Spawned | Failed:
        """All devices of a container, or none."""
        if self._children.of_container(prefix):
            name = actor_name(prefix, ComponentType.Container)
            return Failed(msg=f"{name} is already registered with location service at {self._prefix}")
        replies = await asyncio.gather(*(self._spawn_device(device, prefix) for device in devices))
        failures = [reply.msg for reply in replies if isinstance(reply, Failed)]
        if not failures:
            return Spawned(prefix=prefix)
        started = [
            actor_name(device.prefix, device.component_type)
            for device, reply in zip(devices, replies, strict=True)
            if isinstance(reply, Spawned)
        ]
        await asyncio.gather(*map(self._kill, started))
        return Failed(msg="; ".join(failures))

    async def _place_of(self, name: str) -> str:
        status = await self._children.status_of(name)
        return status.machine if status is not None else "a machine that does not say"

    # -- kill ----------------------------------------------------------------------------------------------------

    async def _kill(self, name: str) -> Killed:
        """End a component, whatever it does; one that is gone already is ended."""
        guests: list[str] = []
        try:
            await self._port.ask(name, ShutdownComponent(), SHUTDOWN_S)
        except OcsError:  # it may be dead or hang; it is killed either way, and what it cannot end any more
            guests = await self._sequencers_in(name)
        await self._spawner.kill(name)
        self._children.discard(name)
        await asyncio.gather(*map(self._spawner.kill, guests))
        return Killed()

    async def _sequencers_in(self, name: str) -> list[str]:
        """Actor names of the sequencers in a sequence component, of anything else none: they have their own process."""
        prefix, kind = parse_actor_name(name)
        if kind is not ComponentType.SequenceComponent:
            return []

        async def home(sequencer: str) -> Prefix | None:
            with suppress(OcsError):
                return await self._port.ask(sequencer, GetSequenceComponent(), HOME_S)
            return None

        found = [(other, component_of(other)) for other in self._directory.names()]
        sequencers = [other for other, parsed in found if parsed and parsed[1] is ComponentType.Sequencer]
        homes = await asyncio.gather(*map(home, sequencers))
        return [other for other, lives_in in zip(sequencers, homes, strict=True) if lives_in == prefix]

    async def _kill_container(self, prefix: Prefix) -> Killed:
        await self._children.statuses()
        await asyncio.gather(*map(self._kill, self._children.of_container(prefix)))
        return Killed()

    # -- looking -------------------------------------------------------------------------------------------------

    async def _status(self) -> AgentStatus:
        found = await self._children.statuses()
        return AgentStatus(
            agent=self._prefix,
            pid=os.getpid(),
            sequence_components=tuple(s for s in found.values() if isinstance(s, SequenceComponentStatus)),
            devices=tuple(s for s in found.values() if isinstance(s, DeviceStatus)),
            children=tuple(found),
            silent=tuple(name for name, status in found.items() if status is None),
            since=self._birth.since,
            restarted=self._birth.restarted,
            restarts=self._birth.restarts,
        )
