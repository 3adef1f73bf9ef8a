"""Who is there, as locations: which of the named actors are meant, and what changed between two looks.

Source: csw LocationService.scala. The table of names is Ray's; an entry comes and goes with its actor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ocs_ray.models.actor_names import NAMESPACE, actor_name, component_of
from ocs_ray.models.locations import (
    Connection,
    ConnectionType,
    Location,
    LocationRemoved,
    LocationUpdated,
    PekkoLocation,
    TrackingEvent,
)
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem


def connection_of(prefix: Prefix, component_type: ComponentType) -> Connection:
    """How an actor is named in CSW's terms: what is an actor there has a Pekko connection."""
    return Connection(prefix, component_type, ConnectionType.pekko)


def not_found_text(component: ComponentId) -> str:
    """ESW's words for somebody its Sequence Manager and agents looked for in vain. Source: reference esw_sm 1.1."""
    shown = f"PekkoConnection(ComponentId({component.prefix},{component.component_type}))"
    return f"Could not find location matching connection: {shown}"


def location_of(prefix: Prefix, component_type: ComponentType) -> Location:
    """Where a component is: under its name; Ray knows the machine, and nobody else needs to."""
    uri = f"ray-actor://{NAMESPACE}/{actor_name(prefix, component_type)}"
    return PekkoLocation(connection=connection_of(prefix, component_type), uri=uri, metadata={})


def find(names: Collection[str], prefix: Prefix, component_type: ComponentType) -> Location | None:
    """The location of a component, None when it is not among ``names``."""
    return location_of(prefix, component_type) if actor_name(prefix, component_type) in names else None


def select(
    names: Iterable[str],
    component_type: ComponentType | None = None,
    subsystem: Subsystem | None = None,
    prefix_start: str = "",
) -> tuple[Location, ...]:
    """The locations that fit everything that is given, in the order of their names; a name of no component is left out.

    Args:
        prefix_start: what the prefix begins with, in any case: ``IRIS.imager``.
    """
    found: list[Location] = []
    for name in sorted(names):
        if (component := component_of(name)) is None:
            continue
        prefix, kind = component
        fits = component_type in (None, kind) and subsystem in (None, prefix.subsystem)
        if fits and prefix.lower().startswith(prefix_start.lower()):
            found.append(location_of(prefix, kind))
    return tuple(found)


def change(was_there: bool, is_there: bool, prefix: Prefix, component_type: ComponentType) -> TrackingEvent | None:
    """What is told of a component between two looks; None when nothing changed."""
    if was_there == is_there:
        return None
    if is_there:
        return LocationUpdated(location=location_of(prefix, component_type))
    return LocationRemoved(connection=connection_of(prefix, component_type))
