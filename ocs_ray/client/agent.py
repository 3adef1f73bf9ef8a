"""A machine's agent for Python callers. Source: esw AgentServiceApi.scala, AgentClient.scala."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Completed,
    ContainerSpec,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    SpawnContainers,
    Spawned,
    SpawnSequenceComponent,
    SpawnSequenceManager,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.scripting.port import Port, current_port

READ_S: Final = 10.0
SPAWN_S: Final = 90.0
"""Longest wait for something to be started, in seconds; the agent's own limit inside it is shorter."""
KILL_S: Final = 30.0
"""The same for ending it: longer than the agent itself waits (weakness 8 of the reference)."""


class Agent:
    """Starts and ends components on one machine, and says what runs there.

    Args:
        prefix: of the machine, for example ``IRIS.machine1``.
        port: the door to use; that of ``connect()`` when left out.

    Raises:
        BadInputError: ``prefix`` is none.
    """

    def __init__(self, prefix: Prefix | str, port: Port | None = None) -> None:
        self.prefix = Prefix(prefix)
        self._name = actor_name(self.prefix, ComponentType.Machine)
        self._port = port

    async def spawn_sequence_component(self, name: str | None = None) -> Spawned | Failed:
        """Start a sequence component.

        Args:
            name: ``IRIS_5`` for ``IRIS.IRIS_5`` on a machine of IRIS; None lets the agent choose a free one.

        Raises:
            BadInputError: the name is none.
            UnreachableError: the agent does not answer.
        """
        prefix = None if name is None else Prefix.of(self.prefix.subsystem, name)
        return await self._ask(SpawnSequenceComponent(prefix=prefix), SPAWN_S)

    async def spawn_sequence_manager(self, catalogue: str, *, simulation: bool = False) -> Spawned | Failed:
        """Start the Sequence Manager on this machine.

        Args:
            catalogue: path of the catalogue of observing modes, on this machine.
            simulation: replace every script by one that completes all commands at once.

        Raises:
            UnreachableError: the agent does not answer.
        """
        return await self._ask(SpawnSequenceManager(catalogue=catalogue, simulation=simulation), SPAWN_S)

    async def spawn_containers(self, containers: Iterable[ContainerSpec]) -> Completed | Failed:
        """Start the devices of a host config; Completed tells of each container how it went.

        Raises:
            UnreachableError: the agent does not answer.
        """
        return await self._ask(SpawnContainers(containers=tuple(containers)), SPAWN_S)

    async def kill(self, prefix: Prefix, component_type: ComponentType) -> Killed | Failed:
        """End a component of this machine for certain; Killed also when it is gone already.

        Raises:
            UnreachableError: the agent does not answer.
        """
        return await self._ask(KillComponent(prefix=prefix, component_type=component_type), KILL_S)

    async def status(self) -> AgentStatus:
        """What runs on this machine.

        Raises:
            UnreachableError: the agent does not answer.
        """
        return await self._ask(GetAgentStatus(), READ_S)

    async def _ask(self, message: Message, timeout_s: float) -> Any:
        return await (self._port or current_port()).ask(self._name, message, timeout_s)
