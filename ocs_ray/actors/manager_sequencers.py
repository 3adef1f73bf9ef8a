"""Starting and ending sequencers one by one or in groups. Source: reference esw_sm 6.2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from ocs_ray.actors.manager_catalogue import Catalogue
from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_loading import Load, Loading, taken_away
from ocs_ray.actors.manager_reading import STATUS_S, Components, Observatory, idle
from ocs_ray.actors.manager_watch import Lookout
from ocs_ray.core.component_allocation import allocate, missing_text
from ocs_ray.core.component_locations import not_found_text
from ocs_ray.core.mode_ending import within_reach
from ocs_ray.core.mode_watch import ModeWatch, of_subsystem, sequencers_of
from ocs_ray.core.resource_conflict import conflicts
from ocs_ray.errors import OperationFailedError
from ocs_ray.models.component_messages import LoadingScriptFailed, UnloadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import ShutdownSequencer, StartSequencer
from ocs_ray.models.manager_replies import (
    AlreadyRunning,
    LoadScriptError,
    LocationServiceError,
    SequenceComponentNotAvailable,
    SequencerStarted,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem


class Sequencers:
    """The operations on sequencers.

    Args:
        seen: the observatory.
        catalogue: the modes.
        lookout: says first which modes are over.
        watch: knows which sequencers are lost.
        ending: ends sequencers.
        loading: starts them.
    """

    def __init__(
        self,
        seen: Observatory,
        catalogue: Catalogue,
        lookout: Lookout,
        watch: ModeWatch,
        ending: Ending,
        loading: Loading,
    ) -> None:
        self._seen, self._catalogue, self._lookout, self._watch = seen, catalogue, lookout, watch
        self._ending, self._loading = ending, loading

    # -- start ---------------------------------------------------------------------------------------------------

    async def start(self, message: StartSequencer) -> Message:
        """Start one sequencer; that of ESW makes the mode run, so it takes what the mode needs."""
        prefix = message.prefix
        found = ComponentId(prefix=prefix, component_type=ComponentType.Sequencer)
        registered = self._seen.registered()
        if prefix in registered.sequencers:
            return AlreadyRunning(component_id=found)
        info = message.info
        load = self._catalogue.load_of(message.obs_mode, info)
        if isinstance(load, LoadingScriptFailed):
            return LoadScriptError(reason=load.msg)
        allocation = allocate([info], idle(await self._seen.components(registered)))
        if allocation.missing:
            text = missing_text(allocation.missing)
            return SequenceComponentNotAvailable(variation_infos=allocation.missing, msg=text)
        mode = self._catalogue.modes().get(message.obs_mode)
        reasons = await self._load(mode, Load(allocation.placed[info], load))
        return LoadScriptError(reason="; ".join(reasons)) if reasons else SequencerStarted(component_id=found)

    async def _load(self, mode: ObsModeConfig | None, load: Load) -> tuple[str, ...]:
        loads, unknown = await self._loading.resolved([load])
        if unknown:
            return unknown
        reservation = None if mode is None else await self._take(mode, load.message.prefix)
        if mode is None or reservation is None:
            return await self._loading.all_or_none(loads)
        reasons = await self._loading.holding(mode.name, reservation, loads)
        return (taken_away(mode.name),) if reasons is None else reasons

    async def _take(self, mode: ObsModeConfig, sequencer: Prefix) -> str | None:
        """Reserve what the mode needs when this sequencer makes it run; a mode that holds something keeps that.

        Returns:
            The reservation, None when none was made.

        Raises:
            OperationFailedError: another mode holds some of it, and which.
        """
        if sequencer.subsystem is not Subsystem.ESW or mode.name in self._seen.registered().running_modes:
            return None
        await self._lookout.settle()
        if mode.name in await self._seen.held():
            return None
        taken = await self._holders(mode)
        if not taken and (reservation := await self._seen.reservations.reserve(mode.name, mode.resources)):
            return reservation
        taken = taken or await self._holders(mode)
        named = ", ".join(f"{resource} is held by {holder}" for resource, holder in taken.items())
        raise OperationFailedError(reason=f"{mode.name} cannot run: {named or 'another mode took its resources'}")

    async def _holders(self, mode: ObsModeConfig) -> dict[Subsystem, ObsMode]:
        running = self._seen.registered().running_modes
        return conflicts(mode.resources, await self._seen.holdings(running, self._catalogue.known))

    # -- shutdown ------------------------------------------------------------------------------------------------

    async def shutdown(self, message: ShutdownSequencer) -> Message:
        """End one sequencer; one that is not there is no error, and one that was lost is missed no more."""
        try:
            return await self._end(lambda sequencers: [p for p in sequencers if p == message.prefix])
        finally:
            self._watch.ended([message.prefix])  # also one whose loss nobody has noticed yet

    async def shutdown_subsystem(self, subsystem: Subsystem) -> Message:
        """End all sequencers of a subsystem; nobody misses its lost ones."""
        return await self._end(lambda sequencers: of_subsystem(subsystem, sequencers))

    async def shutdown_obs_mode(self, mode: ObsMode) -> Message:
        """End all sequencers of a mode, with all variations; what it holds is released and nobody misses its lost."""
        try:
            return await self._end(lambda sequencers: sequencers_of(mode, sequencers))
        finally:
            await self._ending.release([mode])

    async def shutdown_all(self) -> Message:
        """End all sequencers; every mode is released."""
        held = await self._seen.held()  # before, within the limit of the operation: what hangs at its end has none
        try:
            return await self._end(tuple)
        finally:
            await self._ending.release(held)

    async def _end(self, which: Callable[[Iterable[Prefix]], Iterable[Prefix]]) -> Message:
        """End the sequencers ``which`` selects, also those that come up, and miss the lost ones it selects no more."""
        registered = self._seen.registered()
        components = await self._seen.components(registered)
        lost = self._lost(components)
        await self._ending.sequencers(which(within_reach(registered.sequencers, components.values())), components)
        await self._miss_no_more({prefix: lost[prefix] for prefix in which(lost)})
        return Success()

    async def _miss_no_more(self, lost: Mapping[Prefix, Prefix | None]) -> None:
        """Nor do their components tell of them: a manager that is restarted knows only what those say."""
        self._watch.ended(lost)
        kind = ComponentType.SequenceComponent
        told = ((home, UnloadScript(prefix=prefix)) for prefix, home in lost.items() if home is not None)
        await asyncio.gather(*(self._seen.try_ask(home, kind, message, STATUS_S) for home, message in told))

    def _lost(self, components: Components) -> dict[Prefix, Prefix | None]:
        """Lost sequencer -> the component it was in; one that runs again elsewhere is among them."""
        answered = [status for status in components.values() if status is not None]
        records = self._watch.lost(answered, alive=())
        return {record.prefix: record.sequence_component for record in records}


def not_found(prefix: Prefix, kind: ComponentType) -> LocationServiceError:
    """Somebody is not registered."""
    return LocationServiceError(reason=not_found_text(ComponentId(prefix=prefix, component_type=kind)))
