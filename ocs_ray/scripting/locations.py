"""Finding components and following them. Source: esw LocationServiceDsl.kt, csw LocationService.scala.

Ray's table of named actors is the location service. It pushes nothing, so following looks at it in a short rhythm, and
only while somebody follows. Nothing is registered here: an actor is found under its name for as long as it lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from ocs_ray.core import component_locations
from ocs_ray.errors import OcsError
from ocs_ray.models.locations import Location, LocationRemoved, LocationUpdated
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.scripting.background import Cancellable, Report
from ocs_ray.scripting.exit_calls import FAILURES
from ocs_ray.scripting.port import Port, current_port

LOOK_S: Final = 0.25
"""How often the table of names is looked at while somebody waits or follows, in seconds; a look takes 0.2 ms."""

LocationCallback = Callable[[LocationUpdated | LocationRemoved], Awaitable[None]]


class Locations:
    """The location service.

    Args:
        port: the door to use; the running script's, or that of ``connect()``, when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    @property
    def port(self) -> Port:
        """The door in use."""
        return self._port or current_port()

    async def find(self, prefix: str, component_type: ComponentType) -> Location | None:
        """Where a component is now; None when it does not run."""
        return component_locations.find(self.port.names(), Prefix(prefix), component_type)

    async def resolve(
        self, prefix: str, component_type: ComponentType, within: timedelta = timedelta(seconds=5)
    ) -> Location | None:
        """Where a component is, waiting for it up to ``within``; None when it did not come."""
        clock = asyncio.get_running_loop()
        deadline = clock.time() + within.total_seconds()
        while (found := await self.find(prefix, component_type)) is None and clock.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(min(LOOK_S, deadline - clock.time()))
        return found

    async def list(
        self,
        component_type: ComponentType | None = None,
        subsystem: Subsystem | None = None,
        *,
        prefix_start: str = "",
    ) -> tuple[Location, ...]:
        """All that run and fit everything given, in the order of their names.

        Args:
            prefix_start: what the prefix begins with: ``IRIS.imager``.
        """
        return component_locations.select(self.port.names(), component_type, subsystem, prefix_start)


async def follow(
    locations: Locations,
    prefix: Prefix,
    component_type: ComponentType,
    callback: LocationCallback,
    report: Report,
    handle: Cancellable,
) -> None:
    """Call ``callback`` when a component comes (at once when it is there) and when it goes, one at a time.

    One that went and came back between two looks was not seen to go; neither was one that Ray restarted under its name.
    A failing callback is reported, and so is a table that cannot be read, once until it can be again.
    """
    was_there = silent = False
    while handle.goes_on:
        try:
            is_there = await locations.find(prefix, component_type) is not None
        except OcsError as failure:
            if not silent:
                await report(failure)
            silent = True
        else:
            silent = False
            event = component_locations.change(was_there, is_there, prefix, component_type)
            was_there = is_there
            if event is not None:
                try:
                    await callback(event)
                except FAILURES as failure:
                    await report(failure)
        if handle.goes_on:
            await asyncio.sleep(LOOK_S)
