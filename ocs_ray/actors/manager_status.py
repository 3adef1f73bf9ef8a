"""What the Sequence Manager answers when it is only asked; nothing here changes anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection

from ocs_ray.actors.manager_catalogue import Catalogue
from ocs_ray.actors.manager_reading import Observatory, Registered, idle, loaded_in
from ocs_ray.core.component_allocation import at_hand
from ocs_ray.core.manager_states import State
from ocs_ray.core.mode_plan import plan_modes
from ocs_ray.core.mode_watch import ModeWatch, without_component
from ocs_ray.core.obs_mode_details import details
from ocs_ray.core.resources_in_use import resources_status
from ocs_ray.errors import LocationError, OperationFailedError
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    FailedResponse,
    LocationServiceError,
    ManagerStatus,
    ObsModesDetails,
    Plan,
    ResourcesStatus,
    StraySequencer,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetStatus, SequencerStatus
from ocs_ray.models.times import UTCTime


class Reading:
    """The questions.

    Args:
        seen: the observatory.
        catalogue: the modes.
        watch: knows which sequencers are lost.
        since: when this process of the manager began.
        restarts: how often Ray had to start it again.
    """

    def __init__(
        self, seen: Observatory, catalogue: Catalogue, watch: ModeWatch, since: UTCTime, *, restarts: int
    ) -> None:
        self._seen, self._catalogue, self._watch = seen, catalogue, watch
        self._since, self._restarts = since, restarts

    async def obs_modes_details(self) -> ObsModesDetails | LocationServiceError | FailedResponse:
        """Every mode of the catalogue; what is left of a mode that is over does not stand in its own way."""
        try:
            known = self._catalogue.modes()
            registered = self._seen.registered()
            running = registered.running_modes
            held = await self._seen.holdings(running, known)
        except OperationFailedError as failure:  # an empty list would look as if there were no modes
            return FailedResponse(reason=str(failure))
        except LocationError as failure:
            return LocationServiceError(reason=str(failure))
        components = await self._seen.components(registered)
        free, loaded = idle(components), loaded_in(components, registered)
        return ObsModesDetails(
            obs_modes=tuple(details(mode, running, at_hand([name], free, loaded), held) for name, mode in known.items())
        )

    async def resources(self) -> ResourcesStatus | FailedResponse:
        """Every resource and who holds it. ESW answers ``Failed(msg)`` here when the location service fails."""
        try:
            held = await self._seen.holdings(self._seen.registered().running_modes, self._catalogue.known)
        except LocationError as failure:
            return FailedResponse(reason=str(failure))
        listed = {name: mode.resources for name, mode in self._catalogue.known.items()}
        return ResourcesStatus(resources=resources_status(listed, held))

    async def plan(
        self, wanted: Collection[ObsMode]
    ) -> Plan | ConfigurationMissing | LocationServiceError | FailedResponse:
        """Which modes can run together."""
        try:
            known = self._catalogue.modes()
        except OperationFailedError as failure:
            return FailedResponse(reason=str(failure))
        if unknown := [mode for mode in wanted if mode not in known]:
            return ConfigurationMissing(obs_mode=unknown[0], known=tuple(known))
        try:
            registered = self._seen.registered()
            held = await self._seen.holdings(registered.running_modes, known)
        except LocationError as failure:
            return LocationServiceError(reason=str(failure))
        components, agents = await asyncio.gather(self._seen.components(registered), self._seen.agents(registered))
        return plan_modes(
            wanted=tuple(wanted),
            catalogue=known,
            idle=idle(components),
            loaded=loaded_in(components, registered),
            agents=[agent for agent, status in agents.items() if status is not None],
            held=held,
            running=registered.running_modes,
            offered=self._seen.reservations.offered(),
        )

    async def status(self, state: State) -> ManagerStatus:
        """The whole picture.

        Raises:
            LocationError: the location service does not answer.
        """
        registered = self._seen.registered()
        agents = await self._seen.agents(registered)
        answered = [status for status in agents.values() if status is not None]
        on_agents = {c.prefix: c for agent in answered for c in agent.sequence_components}
        others = await self._others(registered, answered)
        components = [*on_agents.values(), *(status for status in others.values() if status is not None)]
        heard = {status.prefix for status in components}
        return ManagerStatus(
            state=state.value,
            agents=tuple(answered),
            silent_agents=tuple(agent for agent, status in agents.items() if status is None),
            running_obs_modes=registered.running_modes,
            pid=os.getpid(),
            without_agent=tuple(status for status in others.values() if status is not None),
            silent_components=tuple(prefix for prefix in registered.components if prefix not in heard),
            lost=self._watch.lost(components, registered.sequencers),
            stray=await self._stray(registered, components),
            since=self._since,
            restarted=self._restarts > 0,
            restarts=self._restarts,
        )

    async def _stray(
        self, registered: Registered, components: Collection[SequenceComponentStatus]
    ) -> tuple[StraySequencer, ...]:
        """Those in no component that answered; one that was ended while they were asked is none of them."""
        still = set(self._seen.registered().sequencers)
        stray = [p for p in without_component(registered.sequencers, components) if p in still]
        told = await self._seen.ask_all(stray, ComponentType.Sequencer, GetStatus())
        return tuple(
            StraySequencer(prefix=prefix, sequencer=reply if isinstance(reply, SequencerStatus) else None)
            for prefix, reply in told.items()
        )

    async def _others(
        self, registered: Registered, agents: Collection[AgentStatus]
    ) -> dict[Prefix, SequenceComponentStatus | None]:
        """Components none of the answering agents speaks for; the agents asked their own just now."""
        owned = {name for agent in agents for name in agent.children}
        kind = ComponentType.SequenceComponent
        asked = [prefix for prefix in registered.components if f"{prefix}-{kind}" not in owned]
        replies = await self._seen.ask_all(asked, kind, GetComponentStatus())
        return {p: r if isinstance(r, SequenceComponentStatus) else None for p, r in replies.items()}
