"""The agent service for ESW's clients. Source: esw AgentServiceImpl.scala; reference esw_sm 5."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ocs_ray.client.agent import Agent
from ocs_ray.config.host_config import read_host_config
from ocs_ray.core.component_locations import location_of, not_found_text
from ocs_ray.errors import OcsError
from ocs_ray.models import agent_messages as replies
from ocs_ray.models import esw_agent as esw
from ocs_ray.models.actor_names import actor_name, component_of
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.esw_manager import Failed
from ocs_ray.models.locations import PekkoLocation
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix
from ocs_ray.models.wire_model import WireModel
from ocs_ray.scripting.configuration import Configuration
from ocs_ray.scripting.port import Port

LOOK_S: Final = 2.0
"""Longest wait for what one component tells of itself, in seconds."""
STANDARD_CATALOGUE: Final = "smObsModeConfig.conf"
"""How ESW's user interface calls the catalogue every Sequence Manager is started with."""


class AgentService:
    """Starts, ends and shows what runs on machines.

    Args:
        port: the door to the observatory.
        catalogue: of the observing modes, as ``ocs up`` was given it.
        simulation: the cluster simulates its scripts.
    """

    def __init__(self, port: Port, catalogue: str, simulation: bool) -> None:
        self._port, self._catalogue, self._simulation = port, catalogue, simulation

    async def answer(self, request: esw.AgentRequest) -> WireModel:
        """Carry out a request and give the answer as ESW's clients expect it.

        Raises:
            BadInputError: a name is none.
        """
        match request:
            case esw.GetAgentStatus():
                return await self._status()
            case esw.KillComponent(component_id=component):
                return await self._kill(component)
            case esw.SpawnSequenceComponent(agent_prefix=machine, component_name=name):
                Prefix.of(machine.subsystem, name)  # a name that is none is told before anybody is looked for
                return self._absent(machine) or as_esw(await self._agent(machine).spawn_sequence_component(name))
            case esw.SpawnSequenceManager(agent_prefix=machine):
                return self._absent(machine) or await self._spawn_manager(request)
            case esw.SpawnContainers(agent_prefix=machine):
                return self._absent(machine) or await self._spawn_containers(request)

    def _agent(self, machine: Prefix) -> Agent:
        return Agent(machine, self._port)

    def _absent(self, machine: Prefix) -> Failed | None:
        return self._missing(ComponentId(machine, ComponentType.Machine))

    def _missing(self, component: ComponentId) -> Failed | None:
        if actor_name(component.prefix, component.component_type) in self._port.names():
            return None
        return Failed(msg=not_found_text(component))

    async def _spawn_manager(self, request: esw.SpawnSequenceManager) -> WireModel:
        catalogue = request.obs_mode_config_path
        if not request.is_config_local:
            if catalogue.rpartition("/")[2] != STANDARD_CATALOGUE or not self._catalogue:
                return Failed(
                    msg=f"'{catalogue}' is no catalogue the Sequence Manager can read: give the path of one on the "
                    f"machine (isConfigLocal), or {STANDARD_CATALOGUE} for the one the cluster was started with"
                )
            catalogue = self._catalogue
        agent = self._agent(request.agent_prefix)
        return as_esw(await agent.spawn_sequence_manager(catalogue, simulation=self._simulation))

    async def _spawn_containers(self, request: esw.SpawnContainers) -> WireModel:
        """Only from the config service: a file of the machine is that machine's, and not the caller's."""
        path = request.host_config_path.lstrip("/")
        if request.is_config_local:
            return Failed(
                msg=f"'{path}' is a file of a machine: start it there with 'ocs spawn containers FILE', or put it into "
                "the config service (isConfigLocal: false)"
            )
        try:
            content = await Configuration(self._port).get_bytes(path)
            if content is None:
                return Failed(msg=f"'{path}' is not in the config service")
            containers = await asyncio.to_thread(_host_config, content)
        except OcsError as failure:
            return Failed(msg=f"{path}: {failure}")
        return as_esw(await self._agent(request.agent_prefix).spawn_containers(containers))

    async def _kill(self, component: ComponentId) -> WireModel:
        """Let the agent that started it end it; what none has started, the first machine ends. Source: esw, by host."""
        if component.component_type is not ComponentType.Container and (missing := self._missing(component)):
            return missing
        found = await self._agents()
        name = actor_name(component.prefix, component.component_type)
        owners = [status.agent for status in found.values() if status is not None and name in status.children]
        machines = owners or [machine for machine, status in found.items() if status is not None]
        if not machines:
            return Failed(msg="No agent is running")
        return as_esw(await self._agent(machines[0]).kill(component.prefix, component.component_type))

    # -- status --------------------------------------------------------------------------------------------------

    async def _status(self) -> WireModel:
        found = await self._agents()
        known = {each.prefix for status in found.values() if status for each in status.sequence_components}
        orphans = await asyncio.gather(
            *(self._component(p) for p in self._of_type(ComponentType.SequenceComponent) if p not in known)
        )
        names = set(self._port.names())
        here = {machine: status.sequence_components if status else () for machine, status in found.items()}
        return esw.AgentStatusSuccess(
            agent_status=tuple(
                esw.AgentStatus(
                    agent_id=ComponentId(machine, ComponentType.Machine),
                    seq_comps_status=tuple(_component(each, names) for each in components),
                )
                for machine, components in here.items()
            ),
            seq_comps_without_agent=tuple(_component(each, names) for each in orphans if each is not None),
        )

    def _of_type(self, wanted: ComponentType) -> Iterable[Prefix]:
        found = filter(None, map(component_of, self._port.names()))
        return [prefix for prefix, component_type in found if component_type is wanted]

    async def _agents(self) -> dict[Prefix, replies.AgentStatus | None]:
        """All machines with what they tell; None of one that does not answer."""
        machines = list(self._of_type(ComponentType.Machine))
        return dict(zip(machines, await asyncio.gather(*map(self._machine, machines)), strict=True))

    async def _machine(self, machine: Prefix) -> replies.AgentStatus | None:
        name = actor_name(machine, ComponentType.Machine)
        try:
            return await self._port.ask(name, replies.GetAgentStatus(), LOOK_S)
        except OcsError:
            return None

    async def _component(self, prefix: Prefix) -> SequenceComponentStatus | None:
        name = actor_name(prefix, ComponentType.SequenceComponent)
        try:
            return await self._port.ask(name, GetComponentStatus(), LOOK_S)
        except OcsError:
            return None


def _host_config(content: bytes) -> tuple[replies.ContainerSpec, ...]:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        return read_host_config(Path(file.name))


def _component(seen: SequenceComponentStatus, names: set[str]) -> esw.SequenceComponentStatus:
    """A component; the sequencer in it, when it is found under its name."""
    sequencer: tuple[PekkoLocation, ...] = ()
    if seen.loaded is not None and actor_name(seen.loaded, ComponentType.Sequencer) in names:
        found = location_of(seen.loaded, ComponentType.Sequencer)
        metadata = {"sequenceComponentPrefix": str(seen.prefix)}
        sequencer = (PekkoLocation(connection=found.connection, uri=found.uri, metadata=metadata),)
    component = ComponentId(seen.prefix, ComponentType.SequenceComponent)
    return esw.SequenceComponentStatus(seq_comp_id=component, sequencer_location=sequencer)


def as_esw(reply: object) -> WireModel:
    """An agent's reply in ESW's words.

    Raises:
        TypeError: it is no reply of an agent that ESW knows.
    """
    match reply:
        case replies.Spawned():
            return esw.Spawned()
        case replies.Killed():
            return esw.Killed()
        case replies.Failed(msg=msg):
            return Failed(msg=msg)
        case replies.Completed(responses=responses):
            went = {
                name: Failed(msg=each.msg) if isinstance(each, replies.Failed) else esw.Spawned()
                for name, each in responses.items()
            }
            return esw.Completed(res=went)
        case _:
            raise TypeError(f"ESW knows no {type(reply).__name__}")
