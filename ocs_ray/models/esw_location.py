"""What ESW's clients ask the location service for. Source: csw LocationRequest.scala; reference esw_sm 7.6."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer

from ocs_ray.errors import BadInputError
from ocs_ray.models.locations import Connection, ConnectionType, Registration
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.wire_model import WireModel, kind_field
from ocs_ray.models.wire_problems import as_pydantic, shown

_DURATION: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-zµ]+)")
_UNITS_S: Final = {
    86400.0: "d day days",
    3600.0: "h hr hrs hour hours",
    60.0: "m min mins minute minutes",
    1.0: "s sec secs second seconds",
    1e-3: "ms milli millis millisecond milliseconds",
    1e-6: "µs micro micros microsecond microseconds",
    1e-9: "ns nano nanos nanosecond nanoseconds",
}
_UNIT_S: Final = {name: seconds for seconds, names in _UNITS_S.items() for name in names.split()}


def _seconds(value: object) -> object:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in _UNIT_S:
        problem = f"{shown(str(value))} is not a duration"
        raise as_pydantic(BadInputError("", problem, "write a number and a unit, for example 10 seconds"))
    return float(match[1]) * _UNIT_S[match[2]]


def _written(seconds: float) -> str:
    return f"{seconds:.15g} seconds"


Duration: TypeAlias = Annotated[float, BeforeValidator(_seconds), PlainSerializer(_written, return_type=str)]
"""Seconds; in JSON ``"10 seconds"``. Source: scala.concurrent.duration."""


class ListEntries(WireModel):
    """Everything that is there."""

    kind: Literal["ListEntries"] = kind_field("ListEntries")


class ListByComponentType(WireModel):
    """Everything of one type."""

    kind: Literal["ListByComponentType"] = kind_field("ListByComponentType")
    component_type: ComponentType


class ListByHostname(WireModel):
    """Everything whose URI names this host."""

    kind: Literal["ListByHostname"] = kind_field("ListByHostname")
    hostname: str


class ListByConnectionType(WireModel):
    """Everything that is spoken to in one way."""

    kind: Literal["ListByConnectionType"] = kind_field("ListByConnectionType")
    connection_type: ConnectionType


class ListByPrefix(WireModel):
    """Everything whose prefix begins like this."""

    kind: Literal["ListByPrefix"] = kind_field("ListByPrefix")
    prefix: str


class Find(WireModel):
    """One location, if it is there now."""

    kind: Literal["Find"] = kind_field("Find")
    connection: Connection


class Resolve(WireModel):
    """One location, waiting for it.

    Args:
        within: longest wait, in seconds.
    """

    kind: Literal["Resolve"] = kind_field("Resolve")
    connection: Connection
    within: Duration = Field(ge=0)


class Register(WireModel):
    """Make something known."""

    kind: Literal["Register"] = kind_field("Register")
    registration: Registration


class Unregister(WireModel):
    """Forget something."""

    kind: Literal["Unregister"] = kind_field("Unregister")
    connection: Connection


class UnregisterAll(WireModel):
    """Forget everything."""

    kind: Literal["UnregisterAll"] = kind_field("UnregisterAll")


class Track(WireModel):
    """Tell when a location comes and goes; by WebSocket only."""

    kind: Literal["Track"] = kind_field("Track")
    connection: Connection


LocationRequest: TypeAlias = Annotated[
    ListEntries
    | ListByComponentType
    | ListByHostname
    | ListByConnectionType
    | ListByPrefix
    | Find
    | Resolve
    | Register
    | Unregister
    | UnregisterAll,
    Discriminator("kind"),
]
