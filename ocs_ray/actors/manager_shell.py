"""The Sequence Manager: provisions, configures, cleans up. Source: seed 002; esw SequenceManagerBehavior.scala.

It keeps no truth of its own: who runs and which mode is configured is read from the live components at every call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from ocs_ray.actors.manager_catalogue import Catalogue
from ocs_ray.actors.manager_configure import Configuring
from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_loading import Loading
from ocs_ray.actors.manager_provision import Provisioning
from ocs_ray.actors.manager_reading import Observatory
from ocs_ray.actors.manager_sequencers import Sequencers
from ocs_ray.actors.manager_status import Reading
from ocs_ray.actors.manager_watch import Lookout
from ocs_ray.actors.workplace import Directory, Reservations
from ocs_ray.core.manager_states import OPERATIONS_S, Refused, State, Trigger, decide, trigger_of
from ocs_ray.core.mode_watch import ModeWatch
from ocs_ray.errors import LocationError
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    GetSequenceManagerState,
    Provision,
    ReloadObsModes,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.manager_replies import FailedResponse, LocationServiceError, SequenceManagerState
from ocs_ray.models.message import Message
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.scripting.time_service import utc_time_now

log = logging.getLogger("ocs.manager")


class ManagerShell:
    """The Sequence Manager.

    Args:
        directory: who is there, and the door to them.
        reservations: holds the resources of configured modes.
        catalogue: folder or file of the observing modes.
        time_factor: handed to the scripts it loads.
        simulation: replace every script by one that completes all commands at once.
        restarts: how many processes of this manager there were before that died.
    """

    def __init__(
        self,
        directory: Directory,
        reservations: Reservations,
        catalogue: str,
        time_factor: float = 1.0,
        *,
        simulation: bool = False,
        restarts: int = 0,
    ) -> None:
        self._state, self._begun = State.IDLE, 0
        self._restarted = restarts > 0
        self._catalogue = Catalogue(Path(catalogue), simulation=simulation, time_factor=time_factor)
        self._seen = Observatory(directory, reservations)
        self._watch = ModeWatch()
        self._lookout = Lookout(self._seen, self._watch, lambda: self._begun if self._state is State.IDLE else None)
        ending = Ending(self._seen, self._watch)
        loading = Loading(self._seen, ending, self._watch)
        self._configuring = Configuring(self._seen, self._catalogue, self._lookout, ending, loading)
        self._sequencers = Sequencers(self._seen, self._catalogue, self._lookout, self._watch, ending, loading)
        self._provisioning = Provisioning(self._seen, self._sequencers, ending)
        self._reading = Reading(self._seen, self._catalogue, self._watch, utc_time_now(), restarts=restarts)

    async def start(self) -> None:
        """Read the catalogue and begin to look around."""
        self._catalogue.read()
        if self._restarted:
            self._watch.expect({name: mode.sequencer_prefixes() for name, mode in self._catalogue.known.items()})
        self._lookout.begin()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.manager_messages``."""
        trigger = trigger_of(message)
        if trigger is None or not isinstance(message, Message):
            raise TypeError(f"the Sequence Manager does not understand {type(message).__name__}")
        name = type(message).__name__
        decision = decide(self._state, trigger)
        if isinstance(decision, Refused):
            return Unhandled(state=decision.state, message_type=name, msg=decision.text(name))
        self._state = decision
        return await (self._read(message) if trigger is Trigger.READ else self._complete(message, name))

    async def _complete(self, message: Message, name: str) -> Message:
        """Carry out one operation within its limit; whatever happens, the manager is idle in the end."""
        self._begun += 1
        limit_s = OPERATIONS_S[type(message)]
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                reply = await self._operation(message)
        except LocationError as failure:
            reply = LocationServiceError(reason=str(failure))
        except Exception as failure:
            text = f"it took longer than {limit_s:g} s" if limit.expired() else str(failure) or type(failure).__name__
            reply = FailedResponse(reason=f"Sequence Manager Operation({name}) failed due to: {text}")
        finally:
            decision = decide(self._state, Trigger.COMPLETE)
            assert isinstance(decision, State), decision
            self._state = decision
        if isinstance(reply, FailedResponse | LocationServiceError):
            log.error("%s: %s", name, reply.reason)
        return reply

    def _operation(self, message: Message) -> Awaitable[Message]:
        match message:
            case Configure():
                return self._configuring.configure(message)
            case Provision():
                return self._provisioning.provision(message)
            case StartSequencer():
                return self._sequencers.start(message)
            case RestartSequencer():
                return self._sequencers.restart(message)
            case ShutdownSequencer():
                return self._sequencers.shutdown(message)
            case ShutdownSubsystemSequencers(subsystem=subsystem):
                return self._sequencers.shutdown_subsystem(subsystem)
            case ShutdownObsModeSequencers(obs_mode=mode):
                return self._sequencers.shutdown_obs_mode(mode)
            case ShutdownAllSequencers():
                return self._sequencers.shutdown_all()
            case ShutdownSequenceComponent(prefix=prefix):
                return self._provisioning.shutdown(prefix)
            case ShutdownAllSequenceComponents():
                return self._provisioning.shutdown_all()
            case ReloadObsModes():
                return self._reload()
            case _:
                raise TypeError(f"{type(message).__name__} is no operation")

    async def _read(self, message: Message) -> Message:
        match message:
            case GetManagerStatus():
                return await self._reading.status(self._state)
            case GetObsModesDetails():
                return await self._reading.obs_modes_details()
            case GetResources():
                return await self._reading.resources()
            case GetPlan(obs_modes=wanted):
                return await self._reading.plan(wanted)
            case GetSequenceManagerState():
                return SequenceManagerState(state=self._state.value)
            case _:
                raise TypeError(f"{type(message).__name__} is no question")

    async def _reload(self) -> Message:
        running = {*self._seen.registered().running_modes, *(await self._seen.held())}
        return await self._catalogue.reload(running)
