"""The Ray actors: each is a shell behind one method, ``ask``.

Ray re-runs ``__init__`` with the same arguments when it restarts an actor, so a constructor does no work that can fail;
``start`` does it, before the first message.

Whoever looks an actor up imports this module: Ray wants the class to make a handle. So each shell is imported by the
process it lives in, when it is made.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, Final, Protocol

import ray
from ray._private.state import actors  # pyright: ignore[reportPrivateUsage]

from ocs_ray.actors.birth import Birth
from ocs_ray.actors.left_over import end_left_over
from ocs_ray.actors.process_mark import mark_processes
from ocs_ray.actors.sequencer_actor import Sequencer
from ocs_ray.actors.spawning import RayDirectory, RaySpawner
from ocs_ray.location.packing import packed, unpacked
from ocs_ray.models.actor_names import (
    ALARM_SERVICE,
    CONFIG_SERVICE,
    EVENT_SERVICE,
    GATEWAY,
    PACKAGE_SERVICE,
    SEQUENCE_MANAGER,
    instance_host,
)
from ocs_ray.models.component_messages import DeviceSpec, ShutdownComponent
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.prefix import Prefix
from ocs_ray.telemetry.structured_log import log_as

LEAVE_S: Final = 0.1
"""How long a component that was shut down keeps its process, in seconds: its reply is on its way."""


class Shell(Protocol):
    """What an actor hosts."""

    async def start(self) -> None:
        """Do the work a constructor may not do."""
        ...

    async def ask(self, message: object) -> Any:
        """Take one message."""
        ...


def _was_restarted() -> bool:
    return bool(ray.get_runtime_context().was_current_actor_reconstructed)


def _restarts() -> int:
    """How often Ray has started this actor again.

    ``ray._private.state.actors`` is no public interface: what it is used for here is pinned by tests/cluster. The
    public ``was_current_actor_reconstructed`` asks it the same question.
    """
    known: Any = actors(actor_id=ray.get_runtime_context().get_actor_id())
    return int(known["NumRestarts"])


def _birth() -> Birth:
    return Birth.now(restarts=_restarts())


def _node() -> str:
    return str(ray.get_runtime_context().get_node_id())


def _myself() -> Any:
    return ray.get_runtime_context().current_actor


def _own_processes() -> None:
    """What this actor will start is known as its own; what it started before its process died is ended."""
    mark = mark_processes()
    if _was_restarted():
        end_left_over(mark)


class _Host:
    """Starts its shell once, then hands messages to it."""

    def __init__(self, name: str, shell: Shell) -> None:
        log_as(name)
        _own_processes()
        self._shell = shell
        self._starting = asyncio.Lock()
        self._started = False
        if _was_restarted():
            _myself().start.remote()  # whoever started it the first time does not know that it is to be done again

    async def start(self) -> None:
        """Start the shell; any number of calls start it once."""
        async with self._starting:
            if not self._started:
                await self._shell.start()
                self._started = True

    async def ask(self, message: object) -> Any:
        """Hand one message to the shell; one that came packed is answered so."""
        if isinstance(message, bytes):
            return packed(await self.ask(unpacked(message)))
        if not self._started:
            await self.start()
        reply = await self._shell.ask(message)
        if isinstance(message, ShutdownComponent):
            asyncio.get_running_loop().call_later(LEAVE_S, ray.kill, _myself())
        return reply


class Agent(_Host):
    """``IRIS.machine1-Machine``."""

    def __init__(self, prefix: Prefix, resource: str, time_factor: float) -> None:
        from ocs_ray.actors.agent_shell import AgentShell

        spawner = RaySpawner(prefix, resource)
        super().__init__(prefix, AgentShell(prefix, RayDirectory(), spawner, time_factor, _birth()))


class SequenceComponent(_Host):
    """``IRIS.IRIS_1-SequenceComponent``."""

    def __init__(self, prefix: Prefix, machine: Prefix, resource: str) -> None:
        from ocs_ray.actors.component_notes import RayNotes
        from ocs_ray.actors.package_fetch import ScriptsHere
        from ocs_ray.actors.sequence_component_shell import SequenceComponentShell

        spawner = RaySpawner(machine, resource)
        scripts = ScriptsHere(_node(), RayDirectory())
        shell = SequenceComponentShell(prefix, machine, RayDirectory(), spawner, RayNotes(), _birth(), scripts)
        super().__init__(prefix, shell)


class Device(_Host):
    """``IRIS.imager.filter-Assembly``."""

    def __init__(self, spec: DeviceSpec, machine: Prefix, time_factor: float, container: Prefix | None = None) -> None:
        from ocs_ray.actors.component_shell import ComponentShell

        shell = ComponentShell(spec, RayDirectory(), time_factor, machine, container, _birth())
        super().__init__(spec.prefix, shell)


class EventService(_Host):
    """``CSW.event_service-Service``."""

    def __init__(self) -> None:
        from ocs_ray.actors.event_service_shell import EventServiceShell

        super().__init__(EVENT_SERVICE, EventServiceShell())


class AlarmService(_Host):
    """``CSW.alarm_service-Service``."""

    def __init__(self) -> None:
        from ocs_ray.actors.alarm_service_shell import AlarmServiceShell

        super().__init__(ALARM_SERVICE, AlarmServiceShell(RayDirectory()))


class ConfigService(_Host):
    """``CSW.config_service-Service``."""

    def __init__(self, folder: str) -> None:
        from ocs_ray.actors.config_service_shell import ConfigServiceShell

        super().__init__(CONFIG_SERVICE, ConfigServiceShell(folder))


class PackageService(_Host):
    """``CSW.package_service-Service``."""

    def __init__(self, data: str, instances: int | None = None, per_package: int | None = None) -> None:
        from ocs_ray.actors.instance_room import RayRoom
        from ocs_ray.actors.package_service_shell import PackageServiceShell
        from ocs_ray.core.instance_limits import PlatformLimits

        folder, limits = Path(data), PlatformLimits(instances, per_package)
        shell = PackageServiceShell(folder, RayRoom(folder), RayDirectory(), limits, node=_node())
        super().__init__(PACKAGE_SERVICE, shell)


class InstanceHost(_Host):
    """``CSW.instances_<machine>-Service``."""

    def __init__(self, machine: str, data: str) -> None:
        from ocs_ray.actors.instance_host_shell import InstanceHostShell

        super().__init__(instance_host(machine), InstanceHostShell(machine, Path(data), RayDirectory()))


class Gateway(_Host):
    """``ESW.EswGateway-Service``."""

    def __init__(self, settings: GatewaySettings, factory: str) -> None:
        from ocs_ray.actors.gateway_note import RayPortNote
        from ocs_ray.actors.gateway_shell import GatewayShell

        note = RayPortNote(kept=_was_restarted())
        super().__init__(GATEWAY, GatewayShell(settings, factory, RayDirectory(), note, lambda: os._exit(1)))


class SequenceManager(_Host):
    """``ESW.sequence_manager-Service``."""

    def __init__(self, catalogue: str, time_factor: float, simulation: bool = False) -> None:
        from ocs_ray.actors.manager_shell import ManagerShell
        from ocs_ray.actors.placement import RayReservations

        shell = ManagerShell(
            RayDirectory(), RayReservations(), catalogue, time_factor, simulation=simulation, restarts=_restarts()
        )
        super().__init__(SEQUENCE_MANAGER, shell)


ACTORS: Final[dict[str, Any]] = {
    kind.__name__: ray.remote(kind)
    for kind in (
        Agent,
        SequenceComponent,
        Device,
        EventService,
        AlarmService,
        ConfigService,
        PackageService,
        InstanceHost,
        Gateway,
        SequenceManager,
        Sequencer,
    )
}
"""Class name -> Ray actor class. ``spawning`` looks them up by name at call time, since it is imported from here."""
