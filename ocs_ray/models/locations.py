"""Where components are, as CSW's location service tells it.

Source: csw Connection.scala, Location.scala, Registration.scala, TrackingEvent.scala, LocationServiceError.scala.
Here a location is what the gateway tells a browser; inside, Ray's named actors are the location service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field

from ocs_ray.errors import BadInputError
from ocs_ray.models.prefix import ComponentId, ComponentType, NamedEnum, Prefix
from ocs_ray.models.wire_model import WholeNumber, WireModel, kind_field, plain_init
from ocs_ray.models.wire_problems import as_pydantic

Port: TypeAlias = Annotated[WholeNumber, Field(ge=0, le=65535)]
Metadata: TypeAlias = Mapping[str, str]


class ConnectionType(NamedEnum):
    """How a component is spoken to."""

    pekko = "pekko"
    http = "http"
    tcp = "tcp"


class Connection(WireModel):
    """A component and how it is spoken to; as text ``TCS.filter.wheel-HCD-pekko``."""

    prefix: Prefix
    component_type: ComponentType
    connection_type: ConnectionType

    @plain_init
    def __init__(
        self, prefix: Prefix | str, component_type: ComponentType | str, connection_type: ConnectionType | str
    ) -> None:
        self.fill(prefix=prefix, component_type=component_type, connection_type=connection_type)

    @property
    def component_id(self) -> ComponentId:
        """Who is spoken to."""
        return ComponentId(self.prefix, self.component_type)

    @property
    def name(self) -> str:
        """The name it is registered under."""
        return f"{self.component_id}-{self.connection_type}"

    def __str__(self) -> str:
        return self.name


def _of_type(wanted: ConnectionType) -> AfterValidator:
    def check(connection: Connection) -> Connection:
        if connection.connection_type is wanted:
            return connection
        problem = f"found '{connection.connection_type}' where '{wanted}' is expected"
        raise as_pydantic(BadInputError("connectionType", problem, "it must agree with the _type around it"))

    return AfterValidator(check)


PekkoConnection: TypeAlias = Annotated[Connection, _of_type(ConnectionType.pekko)]
HttpConnection: TypeAlias = Annotated[Connection, _of_type(ConnectionType.http)]
TcpConnection: TypeAlias = Annotated[Connection, _of_type(ConnectionType.tcp)]


class NetworkType(WireModel):
    """Which network an HTTP server listens on; in JSON ``{"_type": "Inside"}``."""

    kind: Literal["Inside", "Outside"] = Field(validation_alias="_type", serialization_alias="_type")


INSIDE = NetworkType(kind="Inside")
OUTSIDE = NetworkType(kind="Outside")


class _WithMetadata(WireModel):
    """Locations and registrations are told apart by connection; their metadata cannot be hashed."""

    def __hash__(self) -> int:
        return hash((type(self), self.__dict__["connection"]))


class PekkoLocation(_WithMetadata):
    """Where an actor is."""

    kind: Literal["PekkoLocation"] = kind_field("PekkoLocation")
    connection: PekkoConnection
    uri: str
    metadata: Metadata


class HttpLocation(_WithMetadata):
    """Where an HTTP server is."""

    kind: Literal["HttpLocation"] = kind_field("HttpLocation")
    connection: HttpConnection
    uri: str
    metadata: Metadata


class TcpLocation(_WithMetadata):
    """Where a TCP server is."""

    kind: Literal["TcpLocation"] = kind_field("TcpLocation")
    connection: TcpConnection
    uri: str
    metadata: Metadata


class PekkoRegistration(_WithMetadata):
    """An actor to be registered."""

    kind: Literal["PekkoRegistration"] = kind_field("PekkoRegistration")
    connection: PekkoConnection
    actor_ref_uri: str = Field(validation_alias="actorRefURI", serialization_alias="actorRefURI")
    metadata: Metadata


class HttpRegistration(_WithMetadata):
    """An HTTP server to be registered."""

    kind: Literal["HttpRegistration"] = kind_field("HttpRegistration")
    connection: HttpConnection
    port: Port
    path: str
    network_type: NetworkType
    metadata: Metadata


class TcpRegistration(_WithMetadata):
    """A TCP server to be registered."""

    kind: Literal["TcpRegistration"] = kind_field("TcpRegistration")
    connection: TcpConnection
    port: Port
    metadata: Metadata


Location: TypeAlias = Annotated[PekkoLocation | HttpLocation | TcpLocation, Discriminator("kind")]
Registration: TypeAlias = Annotated[PekkoRegistration | HttpRegistration | TcpRegistration, Discriminator("kind")]


class LocationUpdated(WireModel):
    """A component came up, or moved."""

    kind: Literal["LocationUpdated"] = kind_field("LocationUpdated")
    location: Location


class LocationRemoved(WireModel):
    """A component is gone."""

    kind: Literal["LocationRemoved"] = kind_field("LocationRemoved")
    connection: Connection


TrackingEvent: TypeAlias = Annotated[LocationUpdated | LocationRemoved, Discriminator("kind")]


class RegistrationFailed(WireModel):
    """A component could not be registered."""

    kind: Literal["RegistrationFailed"] = kind_field("RegistrationFailed")
    msg: str


class OtherLocationIsRegistered(WireModel):
    """Another location holds this name."""

    kind: Literal["OtherLocationIsRegistered"] = kind_field("OtherLocationIsRegistered")
    msg: str


class UnregistrationFailed(WireModel):
    """A component could not be unregistered."""

    kind: Literal["UnregistrationFailed"] = kind_field("UnregistrationFailed")
    connection: Connection


class RegistrationListingFailed(WireModel):
    """The registrations could not be listed."""

    kind: Literal["RegistrationListingFailed"] = kind_field("RegistrationListingFailed")


LocationServiceError: TypeAlias = Annotated[
    RegistrationFailed | OtherLocationIsRegistered | UnregistrationFailed | RegistrationListingFailed,
    Discriminator("kind"),
]
