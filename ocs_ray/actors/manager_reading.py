"""What the Sequence Manager sees: everything is read anew when it is needed, from who is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ocs_ray.actors.workplace import Directory, Reservations
from ocs_ray.core.resource_conflict import holdings, running_modes
from ocs_ray.errors import LocationError, OcsError
from ocs_ray.models.actor_names import PACKAGE_SERVICE, actor_name, component_of
from ocs_ray.models.agent_messages import AgentStatus, GetAgentStatus
from ocs_ray.models.component_messages import GetComponentStatus, LoadScript, ScriptSource, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import PACKAGE, ObsModeConfig
from ocs_ray.models.package_messages import ResolvedScript, ResolveScript
from ocs_ray.models.package_names import LATEST, Tag
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem

STATUS_S: Final = 3.0
"""Longest wait for a component or an agent to say who it is, in seconds; an agent asks its own for 2 s."""

RESOLVE_S: Final = 30.0
"""Longest wait for the package service to say where a script lies, in seconds; it may have to unpack it."""

Components = Mapping[Prefix, SequenceComponentStatus | None]
"""Every registered sequence component -> what it says; None for one that does not answer."""


class Registered(NamedTuple):
    """Who is registered, by name."""

    agents: tuple[Prefix, ...]
    components: tuple[Prefix, ...]
    sequencers: tuple[Prefix, ...]

    @property
    def running_modes(self) -> tuple[ObsMode, ...]:
        """Modes whose ESW sequencer is registered."""
        return running_modes(self.sequencers)


class Observatory:
    """The location service and the reservations, as the manager uses them.

    Args:
        directory: who is there, and the door to them.
        reservations: holds the resources of configured modes.
    """

    def __init__(self, directory: Directory, reservations: Reservations) -> None:
        self._directory = directory
        self.reservations = reservations

    def registered(self) -> Registered:
        """Who is registered; a name that is none of ours is passed over.

        Raises:
            LocationError: the location service does not answer.
        """
        try:
            names = self._directory.names()
        except Exception as failure:
            raise LocationError(reason=str(failure)) from failure
        found: dict[ComponentType, list[Prefix]] = {kind: [] for kind in ComponentType}
        for prefix, kind in filter(None, map(component_of, names)):
            found[kind].append(prefix)
        return Registered(
            agents=tuple(found[ComponentType.Machine]),
            components=tuple(found[ComponentType.SequenceComponent]),
            sequencers=tuple(found[ComponentType.Sequencer]),
        )

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        """Mode -> the resources it reserved.

        Raises:
            LocationError: the cluster does not say.
        """
        try:
            return await self.reservations.held()
        except Exception as failure:
            raise LocationError(reason=str(failure)) from failure

    async def holdings(
        self, running: Iterable[ObsMode], catalogue: Mapping[ObsMode, ObsModeConfig]
    ) -> dict[ObsMode, tuple[Subsystem, ...]]:
        """Mode -> the resources it holds, by its reservation or, without one, by the catalogue because it runs.

        Raises:
            LocationError: the cluster does not say.
        """
        return holdings(await self.held(), running, {name: mode.resources for name, mode in catalogue.items()})

    async def components(self, registered: Registered) -> dict[Prefix, SequenceComponentStatus | None]:
        """What every sequence component says; one that does not answer blocks nobody."""
        replies = await self.ask_all(registered.components, ComponentType.SequenceComponent, GetComponentStatus())
        return {p: r if isinstance(r, SequenceComponentStatus) else None for p, r in replies.items()}

    async def agents(self, registered: Registered) -> dict[Prefix, AgentStatus | None]:
        """What every agent says; None for one that does not answer."""
        replies = await self.ask_all(registered.agents, ComponentType.Machine, GetAgentStatus())
        return {p: r if isinstance(r, AgentStatus) else None for p, r in replies.items()}

    async def ask_all(self, whom: Iterable[Prefix], kind: ComponentType, message: Message) -> dict[Prefix, Any]:
        """Ask all of them at the same time, each for at most ``STATUS_S``; a failure is a value among others."""
        asked = tuple(whom)
        return dict(
            zip(asked, await asyncio.gather(*(self.try_ask(p, kind, message, STATUS_S) for p in asked)), strict=True)
        )

    async def try_ask(self, prefix: Prefix, kind: ComponentType, message: Message, timeout_s: float) -> Any:
        """The reply, or the error as a value.

        Args:
            timeout_s: longest wait, in seconds.
        """
        try:
            return await self._directory.ask(actor_name(prefix, kind), message, timeout_s)
        except OcsError as failure:
            return failure

    async def resolve(self, message: LoadScript) -> LoadScript | OcsError:
        """The same with the files of the package it names, as the tag points now; the error as a value.

        What is loaded keeps its digest when the tag moves later.
        """
        source = message.script
        if source is None or not source.file.startswith(PACKAGE):
            return message
        wanted = source.file.removeprefix(PACKAGE)
        by_prefix = not wanted or (wanted.startswith("@") and "/" not in wanted)  # @scope/name is a name
        try:
            tag = Tag(wanted.removeprefix("@") or LATEST) if by_prefix else Tag(LATEST)
            question = ResolveScript(prefix=message.prefix, ref="" if by_prefix else wanted, tag=tag)
            found: ResolvedScript = await self._directory.ask(PACKAGE_SERVICE, question, RESOLVE_S)
        except OcsError as failure:
            return failure
        script = ScriptSource(
            file=found.file, root=found.root, digest=found.digest, node=found.node, copies=found.copies
        )
        return message.model_copy(update={"script": script})


def idle(components: Components) -> list[Prefix]:
    """Components without a script; one that does not answer is none of them."""
    return [prefix for prefix, status in components.items() if status is not None and status.state == "Idle"]


def loaded_in(components: Components, registered: Registered) -> dict[Prefix, Prefix]:
    """Component -> the sequencer in it, if that is there: one that died cannot be ended, and makes nobody idle."""
    told = {p: s.loaded for p, s in components.items() if s is not None and s.loaded is not None}
    return {component: sequencer for component, sequencer in told.items() if sequencer in registered.sequencers}


def reason_of(reply: object) -> str:
    """What a reply that is no success says."""
    return str(getattr(reply, "msg", None) or reply)
