"""The location service for ESW's clients: Ray's named actors, and the HTTP servers the gateway stands for.

Nothing is registered here (decision 0007): a name comes with its actor and goes with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from typing import Final

from ocs_ray.core import web_locations
from ocs_ray.errors import OcsError
from ocs_ray.gateway.esw.name_watch import NameWatch
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.esw_location import (
    Find,
    ListByComponentType,
    ListByConnectionType,
    ListByHostname,
    ListByPrefix,
    ListEntries,
    LocationRequest,
    Register,
    Resolve,
    Unregister,
    UnregisterAll,
)
from ocs_ray.models.locations import (
    Connection,
    Location,
    LocationRemoved,
    LocationUpdated,
    OtherLocationIsRegistered,
    PekkoRegistration,
    Registration,
    RegistrationFailed,
    TrackingEvent,
    UnregistrationFailed,
)
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.sequencer_messages import GetSequenceComponent
from ocs_ray.scripting.port import Port

METADATA_S: Final = 1.0
"""Longest wait for what a component tells of itself, in seconds; a silent one is listed without."""
LONGEST_WAIT_S: Final = 120.0
"""Longest a location is waited for, in seconds, however long somebody asks to: ESW's clients give up then. Source:
reference esw_sm 9, 120 s for each call."""
DONE: Final = "Done"


class LocationBook:
    """Finds, lists and follows.

    Args:
        port: the door to the observatory.
        base: the gateway's URL.
        issuer: of the identity provider; empty without one.
    """

    def __init__(self, port: Port, base: str, issuer: str = "") -> None:
        self._port, self._base, self._issuer = port, base, issuer
        self._names = NameWatch(port)

    async def answer(self, request: LocationRequest) -> object:
        """The answer as ESW's clients expect it, to be encoded."""
        match request:
            case ListEntries():
                return await self._told(self._all())
            case ListByComponentType(component_type=wanted):
                return await self._told([each for each in self._all() if each.connection.component_type is wanted])
            case ListByConnectionType(connection_type=wanted):
                return await self._told([each for each in self._all() if each.connection.connection_type is wanted])
            case ListByPrefix(prefix=start):
                lower = start.lower()
                found = [each for each in self._all() if each.connection.prefix.lower().startswith(lower)]
                return await self._told(found)
            case ListByHostname(hostname=hostname):
                return await self._told(web_locations.on_host(self._all(), hostname))
            case Find(connection=connection):
                return await self._told(self._one(connection))
            case Resolve(connection=connection, within=within_s):
                return await self._told(await self._wait_for(connection, within_s))
            case Register(registration=registration):
                return self._register(registration)
            case Unregister(connection=connection):
                return UnregistrationFailed(connection=connection) if self._one(connection) else DONE
            case UnregisterAll():
                problem = "what is found here are running components: end them, and their names go with them"
                return RegistrationFailed(msg=problem)

    async def find(self, connection: Connection) -> Location | None:
        """Where something is now, with what it tells of itself; None when it is not there."""
        return next(iter(await self._told(self._one(connection))), None)

    async def resolve(self, connection: Connection, within_s: float) -> Location | None:
        """The same, waiting for it up to ``within_s`` seconds; what it tells of itself is left out."""
        return next(iter(await self._wait_for(connection, within_s)), None)

    async def track(self, connection: Connection) -> AsyncGenerator[TrackingEvent, None]:
        """What comes and goes, at once when it is there; equal neighbours are told once."""
        was_there = False
        async with aclosing(self._names.follow()) as looks:
            async for names in looks:
                is_there = bool(found := self._one(connection, names))
                if is_there and not was_there:
                    for location in await self._told(found):
                        yield LocationUpdated(location=location)
                elif was_there and not is_there:
                    yield LocationRemoved(connection=connection)
                was_there = is_there

    def _all(self) -> tuple[Location, ...]:
        return web_locations.all_locations(self._port.names(), self._base, self._issuer)

    def _one(self, connection: Connection, names: Collection[str] | None = None) -> tuple[Location, ...]:
        known = self._port.names() if names is None else names
        found = web_locations.location_at(connection, known, self._base, self._issuer)
        return () if found is None else (found,)

    async def _wait_for(self, connection: Connection, within_s: float) -> tuple[Location, ...]:
        if (found := self._one(connection)) or within_s <= 0:
            return found
        with suppress(TimeoutError):
            async with asyncio.timeout(min(within_s, LONGEST_WAIT_S)), aclosing(self._names.follow()) as looks:
                async for names in looks:
                    if found := self._one(connection, names):
                        return found
        return ()

    def _register(self, registration: Registration) -> object:
        """What is there already may say so again; nothing else can be registered."""
        connection = registration.connection
        for location in self._one(connection):
            if isinstance(registration, PekkoRegistration) and registration.actor_ref_uri == location.uri:
                return location
            return OtherLocationIsRegistered(msg=f"there is another location for {connection.name}: {location.uri}")
        return RegistrationFailed(
            msg=f"{connection.name} cannot be registered: what is found here is an actor of the cluster. "
            "Start it as a device from the cluster file, or with ocs spawn"
        )

    # -- what components tell of themselves ----------------------------------------------------------------------

    async def _told(self, locations: Collection[Location]) -> tuple[Location, ...]:
        """The same locations with their metadata, each component being asked once and all at the same time."""
        names = {
            str(each.connection.component_id): each.connection.component_type
            for each in locations
            if each.connection.component_type in (ComponentType.Sequencer, ComponentType.SequenceComponent)
        }
        told = dict(zip(names, await asyncio.gather(*(self._metadata(*each) for each in names.items())), strict=True))

        def with_metadata(location: Location) -> Location:
            known = told.get(str(location.connection.component_id))
            return location.model_copy(update={"metadata": known}) if known else location

        return tuple(map(with_metadata, locations))

    async def _metadata(self, name: str, component_type: ComponentType) -> dict[str, str]:
        try:
            if component_type is ComponentType.Sequencer:
                component = await self._port.ask(name, GetSequenceComponent(), METADATA_S)
                return {"sequenceComponentPrefix": str(component)}
            status: SequenceComponentStatus = await self._port.ask(name, GetComponentStatus(), METADATA_S)
        except OcsError:
            return {}
        return {"agentPrefix": str(status.machine), "PID": str(status.pid)}
