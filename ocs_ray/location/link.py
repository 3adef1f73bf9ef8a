"""Joining a cluster as a client."""

from __future__ import annotations

import socket
from typing import Final

import ray

from ocs_ray.errors import ClusterError
from ocs_ray.location.call import forget_all
from ocs_ray.models.actor_names import NAMESPACE

REACH_S: Final = 3.0
"""How long the address may take to accept a connection, in seconds."""


def join(address: str) -> None:
    """Connect this process to the Ray cluster at ``address`` (``host:port``); joining twice is no error.

    Raises:
        ClusterError: nothing answers there, or it refuses the token.
    """
    if ray.is_initialized():
        return
    try:
        _knock(address)
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
    except Exception as failure:  # Ray raises a different kind for every way a connection can fail
        raise ClusterError(
            problem=f"the Ray cluster at {address} does not answer: {str(failure).splitlines()[0]}",
            remedy="look at it with: ocs status; start it anew with: ocs down && ocs up",
        ) from None


def is_listening(address: str) -> bool:
    """Whether anybody accepts connections at ``host:port``."""
    try:
        _knock(address)
    except OSError:
        return False
    return True


def _knock(address: str) -> None:
    """Open a connection and close it: Ray itself would try for two minutes before it gives up."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=REACH_S).close()


def leave() -> None:
    """Disconnect; the cluster goes on.

    A handle is good for the connection it was looked up in: after another ``join``, even to the same cluster, Ray knows
    nothing of it.
    """
    forget_all()
    ray.shutdown()
