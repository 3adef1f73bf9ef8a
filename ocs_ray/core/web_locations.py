"""Where ESW's clients find HTTP servers: at the gateway, and the identity provider where it is. Source: reference
esw_sm 0, 9.1, 9.5.

A client keeps only host and port of the services it finds, so the gateway's one port answers for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from ocs_ray.core.component_locations import location_of
from ocs_ray.models.actor_names import GATEWAY, SEQUENCE_MANAGER, actor_name, component_of, parse_actor_name
from ocs_ray.models.locations import Connection, ConnectionType, HttpLocation, Location
from ocs_ray.models.prefix import ComponentType

AGENT_SERVICE: Final = actor_name("ESW.agent_service", ComponentType.Service)
CONFIG_SERVER: Final = actor_name("CSW.ConfigServer", ComponentType.Service)
ALWAYS: Final = (AGENT_SERVICE, CONFIG_SERVER, GATEWAY)
"""What the gateway itself is, whoever else runs."""
AUTH_SERVER: Final = actor_name("CSW.AAS", ComponentType.Service)
"""Where ESW's pages log in; it is there when the settings name an OIDC issuer."""
REALMS: Final = "/realms/"


def all_locations(names: Collection[str], base: str, issuer: str = "") -> tuple[Location, ...]:
    """Everything there is, in the order of the names.

    Args:
        names: of the actors.
        base: the gateway's URL, ``http://127.0.0.1:8090``.
        issuer: of the identity provider's tokens, ``https://auth.example.org/realms/TMT``; empty without one.
    """
    found: list[Location] = []
    for name in sorted({*names, *ALWAYS, AUTH_SERVER}):
        if (component := component_of(name)) is None:
            continue
        if name in names:
            found.append(location_of(*component))
        if (served := _served(name, base, issuer)) is not None:
            found.append(served)
    return tuple(found)


def location_at(connection: Connection, names: Collection[str], base: str, issuer: str = "") -> Location | None:
    """The location of one connection; None when it is not there."""
    name = str(connection.component_id)
    match connection.connection_type:
        case ConnectionType.pekko:
            return location_of(connection.prefix, connection.component_type) if name in names else None
        case ConnectionType.http:
            return _served(name, base, issuer) if name in names or name in (*ALWAYS, AUTH_SERVER) else None
        case _:
            return None


def on_host(locations: Iterable[Location], hostname: str) -> tuple[Location, ...]:
    """Those whose URI names this host."""
    return tuple(each for each in locations if (urlsplit(each.uri).hostname or "") == hostname.lower())


def _served(name: str, base: str, issuer: str) -> HttpLocation | None:
    """What the gateway answers for: its services, and every sequencer, which has a path of its own; and who logs in."""
    prefix, component_type = parse_actor_name(name)
    if component_type is ComponentType.Sequencer:
        uri = f"{base}/sequencer/{prefix}/"
    elif name in ALWAYS or name == SEQUENCE_MANAGER:
        uri = f"{base}/"
    elif name == AUTH_SERVER and issuer:
        uri = f"{_before_the_realm(issuer)}/"
    else:
        return None
    connection = Connection(prefix, component_type, ConnectionType.http)
    return HttpLocation(connection=connection, uri=uri, metadata={})


def _before_the_realm(issuer: str) -> str:
    """Clients append ``realms/TMT`` themselves, as Keycloak's do; an issuer without realms is left as it is."""
    server, realms, _ = issuer.rpartition(REALMS)
    return server if realms else issuer.rstrip("/")
