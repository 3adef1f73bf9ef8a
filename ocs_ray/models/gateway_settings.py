"""Where the gateway listens and how it behaves. Source of the ports: esw EswGateway, csw-location-server."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, NonNegativeInt

from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix

GATEWAY_PORT: Final = 8090
"""Where it listens when nobody names a port; the next free one when this is taken."""
LOCATION_PORT: Final = 7654
"""Where ESW's tools look for the location service."""

TcpPort = Annotated[int, Field(ge=0, le=65535)]


class GatewaySettings(Message):
    """The ``gateway`` section of a cluster file.

    Args:
        host: the address it binds to.
        port: 0 for any free one; None for 8090, or the next free one when that is taken.
        location_port: a second port with the same answers, 7654 for ESW's tools; None for no second one.
        simulation: the cluster simulates its scripts; set by ``ocs up --simulation``.
        url: under which clients find it; made of host and port when left out.
        catalogue: of the observing modes; set by ``ocs up``.
        provision: machine -> sequence components the provision page proposes; those of the cluster file.
        access: who may use it.
    """

    host: str = "127.0.0.1"
    port: TcpPort | None = None
    location_port: TcpPort | None = None
    simulation: bool = False
    url: str = ""
    catalogue: str = ""
    provision: dict[Prefix, NonNegativeInt] = Field(default_factory=dict[Prefix, int])
    access: AccessSettings = AccessSettings()


class GatewayStatus(Message):
    """Where the gateway listens.

    Args:
        url: for clients, ``http://127.0.0.1:8090``.
        port: the one it has.
        location_port: the second one, if any.
    """

    url: str
    port: int
    location_port: int | None = None
