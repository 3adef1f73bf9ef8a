"""Configure: start the sequencers of a mode and hold its resources. Source: reference esw_sm 3.1 to 3.3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ocs_ray.actors.manager_catalogue import Catalogue
from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_loading import Load, Loading, taken_away
from ocs_ray.actors.manager_reading import Observatory, idle, loaded_in
from ocs_ray.actors.manager_watch import Lookout
from ocs_ray.core.component_allocation import Allocation, allocate_mode, at_hand, missing_text
from ocs_ray.core.mode_watch import in_transit, sequencers_of
from ocs_ray.core.resource_conflict import check_offered, conflicts
from ocs_ray.models.component_messages import LoadingScriptFailed
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    FailedToStartSequencers,
    SequenceComponentNotAvailable,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import ComponentId, ComponentType

NOT_LOADED: Final = "Failed to load sequencer script: "


class Configuring:
    """The operation Configure.

    Args:
        seen: the observatory.
        catalogue: the modes.
        lookout: says first which modes are over.
        ending: ends what is left of the mode.
        loading: starts its sequencers.
    """

    def __init__(
        self, seen: Observatory, catalogue: Catalogue, lookout: Lookout, ending: Ending, loading: Loading
    ) -> None:
        self._seen, self._catalogue, self._lookout = seen, catalogue, lookout
        self._ending, self._loading = ending, loading

    async def configure(self, message: Configure) -> Message:
        """All sequencers of the mode run and it holds its resources, or none of them and it holds nothing.

        What is left of the mode is ended, and packages are looked up, before the resources are reserved: between that
        and the loads no time may pass, or the watch of another manager could take the mode for one that is over.
        """
        await self._lookout.settle()
        modes = self._catalogue.modes()
        mode = modes.get(message.obs_mode)
        if mode is None:
            return ConfigurationMissing(obs_mode=message.obs_mode, known=tuple(modes))
        registered = self._seen.registered()
        if (conflict := await self._conflict(mode, registered.running_modes)) is not None:
            return conflict
        components = await self._seen.components(registered)
        if sequencers_of(mode.name, in_transit(components.values())):  # another manager configures it just now
            return _taken({*registered.running_modes, mode.name})
        left_over = sequencers_of(mode.name, registered.sequencers)
        free = at_hand([mode.name], idle(components), loaded_in(components, registered))
        allocation = allocate_mode(mode.sequencers, free)
        if allocation.missing:
            text = missing_text(allocation.missing)
            return SequenceComponentNotAvailable(variation_infos=allocation.missing, msg=text)
        loads = await self._loads(mode, allocation, message.time_factor)
        if isinstance(loads, FailedToStartSequencers):
            return loads
        check_offered(mode.name, mode.resources, self._seen.reservations.offered())  # before anything is ended
        await self._ending.sequencers(left_over, components)
        return await self._start(mode, loads)

    async def _start(self, mode: ObsModeConfig, loads: list[Load]) -> Message:
        reservation = await self._seen.reservations.reserve(mode.name, mode.resources)
        if reservation is None:
            running = self._seen.registered().running_modes
            return await self._conflict(mode, running) or _taken(running)
        reasons = await self._loading.holding(mode.name, reservation, loads)
        if reasons is None:
            conflict = await self._conflict(mode, self._seen.registered().running_modes)
            return conflict or FailedToStartSequencers(reasons=(taken_away(mode.name),))
        if reasons:
            return FailedToStartSequencers(reasons=tuple(NOT_LOADED + reason for reason in reasons))
        return Success(master_sequencer=ComponentId(prefix=mode.top_level, component_type=ComponentType.Sequencer))

    async def _loads(
        self, mode: ObsModeConfig, allocation: Allocation, time_factor: float | None
    ) -> list[Load] | FailedToStartSequencers:
        """What to load where; a sequencer without a script fails the whole before anything is started."""
        loads: list[Load] = []
        reasons: list[str] = []
        for info, component in allocation.placed.items():
            message = self._catalogue.load_message(mode, info, time_factor)
            if isinstance(message, LoadingScriptFailed):
                reasons.append(NOT_LOADED + message.msg)
            else:
                loads.append(Load(component, message))
        if not reasons:
            loads, unknown = await self._loading.resolved(loads)
            reasons = [NOT_LOADED + reason for reason in unknown]
        return FailedToStartSequencers(reasons=tuple(sorted(reasons))) if reasons else loads

    async def _conflict(
        self, mode: ObsModeConfig, running: tuple[ObsMode, ...]
    ) -> ConflictingResourcesWithRunningObsMode | None:
        """Who is in the way; a mode that runs or holds something is in its own."""
        held = await self._seen.holdings(running, self._catalogue.known)
        taken = conflicts(mode.resources, held)
        if not taken and mode.name not in held:
            return None
        everybody = sorted({*running, *taken.values(), *(name for name in held if name == mode.name)})
        return ConflictingResourcesWithRunningObsMode(running_obs_modes=tuple(everybody), conflicts=taken)


def _taken(running: Iterable[ObsMode]) -> ConflictingResourcesWithRunningObsMode:
    """Another manager was quicker, and what it took is not to be seen yet."""
    return ConflictingResourcesWithRunningObsMode(running_obs_modes=tuple(sorted(running)), conflicts={})
