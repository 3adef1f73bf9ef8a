"""The Ray actors: each is a shell behind one method, ``ask``.

Ray re-runs ``__init__`` with the same arguments when it restarts an actor, so a constructor does no work that can fail;
``start`` does it, before the first message. The options every actor shares are here, in one place.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import ray

from ocs_ray.actors.agent_shell import AgentShell
from ocs_ray.actors.component_shell import ComponentShell
from ocs_ray.actors.event_service_shell import EventServiceShell
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.actors.placement import RayReservations
from ocs_ray.actors.sequence_component_shell import SequenceComponentShell
from ocs_ray.actors.sequencer_actor import Sequencer
from ocs_ray.actors.spawning import RayDirectory, RaySpawner
from ocs_ray.models.actor_names import EVENT_SERVICE, SEQUENCE_MANAGER
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.prefix import Prefix
from ocs_ray.telemetry.structured_log import log_as


class Shell(Protocol):
    """What an actor hosts."""

    async def start(self) -> None:
        """Do the work a constructor may not do."""
        ...

    async def ask(self, message: object) -> Any:
        """Take one message."""
        ...


class _Host:
    """Starts its shell once, then hands messages to it."""

    def __init__(self, name: str, shell: Shell) -> None:
        log_as(name)
        self._shell = shell
        self._starting = asyncio.Lock()
        self._started = False

    async def start(self) -> None:
        """Start the shell; any number of calls start it once."""
        async with self._starting:
            if not self._started:
                await self._shell.start()
                self._started = True

    async def ask(self, message: object) -> Any:
        """Hand one message to the shell."""
        if not self._started:
            await self.start()
        return await self._shell.ask(message)


class Agent(_Host):
    """``IRIS.machine1-Machine``."""

    def __init__(self, prefix: Prefix, resource: str, time_factor: float) -> None:
        super().__init__(prefix, AgentShell(prefix, RayDirectory(), RaySpawner(prefix, resource), time_factor))


class SequenceComponent(_Host):
    """``IRIS.IRIS_1-SequenceComponent``."""

    def __init__(self, prefix: Prefix, machine: Prefix, resource: str) -> None:
        super().__init__(prefix, SequenceComponentShell(prefix, machine, RayDirectory(), RaySpawner(machine, resource)))


class Device(_Host):
    """``IRIS.imager.filter-Assembly``."""

    def __init__(self, spec: DeviceSpec, machine: Prefix, time_factor: float) -> None:
        super().__init__(spec.prefix, ComponentShell(spec, RayDirectory(), time_factor, machine))


class EventService(_Host):
    """``CSW.event_service-Service``."""

    def __init__(self) -> None:
        super().__init__(EVENT_SERVICE, EventServiceShell())


class SequenceManager(_Host):
    """``ESW.sequence_manager-Service``."""

    def __init__(self, catalogue: str, time_factor: float) -> None:
        super().__init__(SEQUENCE_MANAGER, ManagerShell(RayDirectory(), RayReservations(), catalogue, time_factor))


ACTORS: Final[dict[str, Any]] = {
    kind.__name__: ray.remote(kind)
    for kind in (Agent, SequenceComponent, Device, EventService, SequenceManager, Sequencer)
}
"""Class name -> Ray actor class. ``spawning`` looks them up by name at call time, since it is imported from here."""
