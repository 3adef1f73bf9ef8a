"""The Sequence Manager: provisions, configures, cleans up. Source: seed 002; esw SequenceManagerBehavior.scala.

It keeps no truth of its own: who runs and which mode is configured is read from the live components at every call.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from ocs_ray.actors.workplace import Directory, Reservations
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.core.component_allocation import Allocation, allocate
from ocs_ray.core.manager_states import State, refusal
from ocs_ray.core.provision_plan import plan
from ocs_ray.core.resource_conflict import conflicts, running_modes
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.agent_messages import AgentStatus, Failed, GetAgentStatus, KillComponent, SpawnSequenceComponent
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadScript,
    ScriptLoaded,
    ScriptSource,
    SequenceComponentStatus,
    UnloadScript,
)
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    Provision,
    ShutdownAllSequenceComponents,
    ShutdownObsModeSequencers,
)
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    ManagerStatus,
    ObsModeDetails,
    ObsModesDetails,
    SequenceComponentNotAvailable,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix
from ocs_ray.models.sequencer_replies import Unhandled

STATUS_S: Final = 3.0
LOAD_S: Final = 90.0
SPAWN_S: Final = 60.0
KILL_S: Final = 15.0


class ManagerShell:
    """The Sequence Manager.

    Args:
        directory: who is there, and the door to them.
        reservations: holds the resources of configured modes.
        catalogue: folder of the observing modes.
        time_factor: handed to the scripts it loads.
    """

    def __init__(
        self, directory: Directory, reservations: Reservations, catalogue: str, time_factor: float = 1.0
    ) -> None:
        self._directory, self._reservations = directory, reservations
        self._catalogue_root = Path(catalogue)
        self._time_factor = time_factor
        self._state = State.IDLE

    async def start(self) -> None:
        """Nothing to prepare: everything is read when it is needed."""

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.manager_messages``."""
        match message:
            case GetManagerStatus():
                return await self._status()
            case GetObsModesDetails():
                return await self._obs_modes_details()
            case Configure():
                return await self._alone(message, lambda: self._configure(message))
            case Provision():
                return await self._alone(message, lambda: self._provision(message))
            case ShutdownObsModeSequencers(obs_mode=mode):
                return await self._alone(message, lambda: self._shutdown_mode(mode))
            case ShutdownAllSequenceComponents():
                return await self._alone(message, self._shutdown_all)
            case _:
                raise TypeError(f"the Sequence Manager does not understand {type(message).__name__}")

    async def _alone(self, message: Message, operation: Callable[[], Awaitable[Message]]) -> Message:
        """One changing operation at a time; a second is refused at once, and any failure ends idle."""
        name = type(message).__name__
        if (refused := refusal(self._state, name)) is not None:
            return Unhandled(state=self._state, message_type=name, msg=refused)
        self._state = State.PROCESSING
        try:
            return await operation()
        except Exception as failure:
            return FailedResponse(reason=f"Sequence Manager Operation({name}) failed due to: {failure}")
        finally:
            self._state = State.IDLE

    # -- configure -----------------------------------------------------------------------------------------------

    async def _configure(self, message: Configure) -> Message:
        catalogue = read_catalogue(self._catalogue_root)
        mode = catalogue.get(message.obs_mode)
        if mode is None:
            return ConfigurationMissing(obs_mode=message.obs_mode, known=tuple(catalogue))
        running = self._running_modes()
        taken = conflicts(mode.name, {name: m.resources for name, m in catalogue.items()}, running)
        if taken:
            return ConflictingResourcesWithRunningObsMode(running_obs_modes=running, conflicts=taken)
        allocation = allocate(mode.sequencers, await self._idle_components())
        if allocation.missing:
            missing = ",".join(allocation.missing)
            text = f"No sequence components found for sequencers : {missing}"
            return SequenceComponentNotAvailable(variation_infos=allocation.missing, msg=text)
        await self._release_stale(running)
        if not await self._reservations.reserve(mode.name, mode.resources):
            return ConflictingResourcesWithRunningObsMode(running_obs_modes=self._running_modes(), conflicts={})
        return await self._start_sequencers(mode, allocation, message.time_factor or self._time_factor)

    async def _start_sequencers(self, mode: ObsModeConfig, allocation: Allocation, time_factor: float) -> Message:
        """Load all scripts at the same time; unless all start, those that did are taken down again."""

        async def load(info: Any, component: Prefix) -> str | None:
            script = ScriptSource(file=mode.sequencers[info], root=mode.root)
            prefix = info.sequencer_prefix(mode.name)
            load = LoadScript(
                prefix=prefix,
                obs_mode=mode.name,
                script=script,
                time_factor=time_factor,
                hook_limit_s=mode.hook_limit_s,
            )
            reply = await self._try(component, load, LOAD_S)
            return None if isinstance(reply, ScriptLoaded) else f"Failed to load sequencer script: {_text(reply)}"

        reasons = await asyncio.gather(*(load(info, component) for info, component in allocation.placed.items()))
        failed = tuple(sorted({reason for reason in reasons if reason is not None}))
        if not failed:
            return Success(master_sequencer=ComponentId(prefix=mode.top_level, component_type=ComponentType.Sequencer))
        loaded = [c for c, reason in zip(allocation.placed.values(), reasons, strict=True) if reason is None]
        await asyncio.gather(*(self._try(component, UnloadScript(), KILL_S) for component in loaded))
        await self._reservations.release(mode.name)
        return FailedToStartSequencers(reasons=failed)

    async def _release_stale(self, running: tuple[ObsMode, ...]) -> None:
        """A mode whose ESW sequencer is gone does not run; what it still holds is free."""
        for mode in await self._reservations.held():
            if mode not in running:
                await self._reservations.release(mode)

    # -- provision and shutdown ----------------------------------------------------------------------------------

    async def _provision(self, message: Provision) -> Message:
        agents = {parse_actor_name(name)[0] for name in self._names(ComponentType.Machine)}
        wanted = {machine: count for machine, count in message.components.items() if count}
        if missing := tuple(machine for machine in wanted if machine not in agents):
            return CouldNotFindMachines(machines=missing, known=tuple(sorted(agents)))
        await self._shutdown_all()

        async def spawn(machine: Prefix, component: Prefix) -> str | None:
            agent = actor_name(machine, ComponentType.Machine)
            reply = await self._directory.ask(agent, SpawnSequenceComponent(prefix=component), SPAWN_S)
            if not isinstance(reply, Failed):
                return None
            return f"Failed to spawn Sequence component: {component} on Machine: {machine}, reason: {reply.msg}"

        replies = await asyncio.gather(*(spawn(machine, component) for machine, component in plan(wanted)))
        failures = tuple(reply for reply in replies if reply is not None)
        return SpawningSequenceComponentsFailed(failure_responses=failures) if failures else Success()

    async def _shutdown_mode(self, mode: ObsMode) -> Message:
        components = [s.prefix for s in await self._components() if s.loaded and ObsMode.from_prefix(s.loaded) == mode]
        replies = await asyncio.gather(*(self._try(component, UnloadScript(), KILL_S) for component in components))
        await self._reservations.release(mode)
        failed = [_text(reply) for reply in replies if isinstance(reply, OcsError | Unhandled)]
        return FailedResponse(reason="; ".join(failed)) if failed else Success()

    async def _shutdown_all(self) -> Message:
        async def kill(agent: Prefix, name: str) -> None:
            prefix, component_type = parse_actor_name(name)
            message = KillComponent(prefix=prefix, component_type=component_type)
            await self._directory.ask(actor_name(agent, ComponentType.Machine), message, KILL_S)

        await asyncio.gather(
            *(
                kill(agent.agent, name)
                for agent in await self._agents()
                for name in agent.children
                if name.endswith(f"-{ComponentType.SequenceComponent}")
            )
        )
        for mode in await self._reservations.held():
            await self._reservations.release(mode)
        return Success()

    # -- reading -------------------------------------------------------------------------------------------------

    async def _status(self) -> ManagerStatus:
        agents = await self._agents()
        answered = {agent.agent for agent in agents}
        known = [parse_actor_name(name)[0] for name in self._names(ComponentType.Machine)]
        return ManagerStatus(
            state=self._state.value,
            agents=tuple(agents),
            silent_agents=tuple(agent for agent in known if agent not in answered),
            running_obs_modes=self._running_modes(),
            pid=os.getpid(),
        )

    async def _obs_modes_details(self) -> ObsModesDetails:
        catalogue = read_catalogue(self._catalogue_root)
        resources = {name: m.resources for name, m in catalogue.items()}
        running, idle = self._running_modes(), await self._idle_components()

        def details(mode: ObsModeConfig) -> ObsModeDetails:
            missing = allocate(mode.sequencers, idle).missing
            blocked = tuple(sorted(set(conflicts(mode.name, resources, running).values())))
            configured = mode.name in running
            return ObsModeDetails(
                obs_mode=mode.name,
                status="Configured" if configured else "NonConfigurable" if missing or blocked else "Configurable",
                resources=mode.resources,
                sequencers=tuple(mode.sequencers),
                missing=() if configured else missing,
                blocked_by=() if configured else blocked,
            )

        return ObsModesDetails(obs_modes=tuple(map(details, catalogue.values())))

    def _names(self, component_type: ComponentType) -> list[str]:
        return [name for name in self._directory.names() if name.endswith(f"-{component_type}")]

    def _running_modes(self) -> tuple[ObsMode, ...]:
        return running_modes(parse_actor_name(name)[0] for name in self._names(ComponentType.Sequencer))

    async def _agents(self) -> list[AgentStatus]:
        asked = self._names(ComponentType.Machine)
        found = await asyncio.gather(*(self._try_name(name, GetAgentStatus(), STATUS_S) for name in asked))
        return [status for status in found if isinstance(status, AgentStatus)]

    async def _components(self) -> list[SequenceComponentStatus]:
        """Every sequence component that answers; a dead one blocks nobody."""
        asked = self._names(ComponentType.SequenceComponent)
        found = await asyncio.gather(*(self._try_name(name, GetComponentStatus(), STATUS_S) for name in asked))
        return [status for status in found if isinstance(status, SequenceComponentStatus)]

    async def _idle_components(self) -> list[Prefix]:
        return [status.prefix for status in await self._components() if status.state == "Idle"]

    async def _try(self, component: Prefix, message: Message, timeout_s: float) -> Any:
        return await self._try_name(actor_name(component, ComponentType.SequenceComponent), message, timeout_s)

    async def _try_name(self, name: str, message: Message, timeout_s: float) -> Any:
        """The reply, or the error as a value: one silent component must not spoil what the others say."""
        try:
            return await self._directory.ask(name, message, timeout_s)
        except OcsError as failure:
            return failure


def _text(reply: object) -> str:
    return str(getattr(reply, "msg", None) or reply)
