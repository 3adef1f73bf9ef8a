"""Which observatory a command is for: the cluster of this project, or one behind a gateway (``ocs --server URL``).

Nothing of HTTP is imported before a command is sent there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ocs_ray.errors import BadInputError

if TYPE_CHECKING:
    from ocs_ray.client.http import HttpPort


@dataclass
class Server:
    """A gateway.

    Args:
        url: where it is.
        token_file: the file with the token; None for that of the environment.
        port: the door, once connected.
    """

    url: str
    token_file: Path | None
    port: HttpPort | None = None


_chosen: list[Server] = []


def choose(url: str | None, token_file: Path | None) -> None:
    """What ``--server`` or ``OCS_SERVER`` said; nothing is asked yet."""
    _chosen[:] = [Server(url, token_file)] if url else []


def server() -> Server | None:
    """The gateway that was chosen; None for this project's cluster."""
    return _chosen[0] if _chosen else None


def connect() -> None:
    """Connect to the gateway that was chosen.

    Raises:
        BadInputError: the URL or the file with the token cannot be used.
        ClusterError: nothing answers there, or it is no gateway.
        AccessError: the token is not valid.
    """
    from ocs_ray.client import http

    chosen = server()
    assert chosen is not None
    chosen.port = http.connect(chosen.url, token_file=chosen.token_file)


async def close_connections() -> None:
    """Close what this event loop has opened."""
    if (chosen := server()) is not None and chosen.port is not None:
        await chosen.port.aclose()


def only_here(verb: str) -> None:
    """Refuse what works on this machine's own cluster only.

    Raises:
        BadInputError: a gateway was chosen.
    """
    if (chosen := server()) is not None:
        remedy = "run it there, without --server and with OCS_SERVER unset"
        raise BadInputError(
            "", f"{verb} does not work through {chosen.url}: it is for the cluster's own machine", remedy
        )
