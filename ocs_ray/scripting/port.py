"""The one door from a script to the rest of the observatory.

A script never sees Ray. What runs it opens this door: the sequencer actor with Ray behind it, a unit test with plain
objects.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal, Protocol

from ocs_ray.errors import ClusterError


class Port(Protocol):
    """The location service and the way to a component: who is there, and one message to one of them."""

    def names(self) -> list[str]:
        """Names of all components, ``IRIS.imager.filter-Assembly``; one quick look, nothing is kept.

        Raises:
            ClusterError: the cluster does not tell them.
        """
        ...

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send ``message`` to the actor ``name`` and wait up to ``timeout_s`` seconds for the reply.

        Raises:
            UnreachableError: no such component, or it died.
            LostReplyError: it stayed silent for ``timeout_s``, or the connection broke; a kind of UnreachableError.
        """
        ...


Heard = Callable[[Any], None]


class AnyLoopPort(Port, Protocol):
    """A port whose ``ask`` may be awaited on any loop of the process, and not only on the one it was made on."""

    serves_any_loop: Literal[True]

    async def ask(self, name: str, message: object, timeout_s: float, heard: Heard | None = None) -> Any:
        """The same as of any port.

        Args:
            heard: is told the reply when it comes, on some thread: also when nobody waits for it any more, or the loop
                of who does is blocked.
        """
        ...


_current: ContextVar[Port] = ContextVar("ocs_port")
_default: list[Port] = []


def use_port(port: Port) -> None:
    """Make ``port`` the one used from this thread or task on: what runs a script calls this."""
    _current.set(port)


def use_default_port(port: Port) -> None:
    """Make ``port`` the one used wherever none was set: ``client.connect()`` calls this."""
    _default[:] = [port]


def current_port() -> Port:
    """The door to use here.

    Raises:
        ClusterError: nobody connected yet.
    """
    port = _current.get(None) or (_default[0] if _default else None)
    if port is None:
        raise ClusterError(problem="not connected to a cluster", remedy="call ocs_ray.client.connect() first")
    return port
