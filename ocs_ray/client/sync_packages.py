"""Packages and instances for code without ``await``: ``Packages().sync.start("counter", [3000, 10]).output()``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ocs_ray.client.instance import Instance
from ocs_ray.client.package_calls import PackageCalls
from ocs_ray.models.identifiers import Id
from ocs_ray.scripting.blocking_loop import wait_for_result
from ocs_ray.scripting.port import Port, current_port

P = ParamSpec("P")
R = TypeVar("R")


def _of_packages(
    method: Callable[Concatenate[PackageCalls, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncPackages, P], R]:
    def call(packages: SyncPackages, *args: P.args, **kwargs: P.kwargs) -> R:
        return wait_for_result(method(packages.here(), *args, **kwargs))

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


def _of_instance(
    method: Callable[Concatenate[Instance, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncInstance, P], R]:
    def call(instance: SyncInstance, *args: P.args, **kwargs: P.kwargs) -> R:
        return wait_for_result(method(instance.here(), *args, **kwargs))

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


class SyncInstance:
    """Every call of an instance that has one answer, blocking; it works in notebooks too, where a loop runs already.

    Args:
        id: its id, or the beginning of it.
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, id: str, port: Port | None = None) -> None:
        self.id, self._port = id, port

    def here(self) -> Instance:
        """The instance through the door that is in use where this is called."""
        return Instance(Id(self.id), self._port or current_port())

    info = _of_instance(Instance.info)
    runs = _of_instance(Instance.runs)
    wait = _of_instance(Instance.wait)
    stop = _of_instance(Instance.stop)
    kill = _of_instance(Instance.kill)
    restart = _of_instance(Instance.restart)
    read = _of_instance(Instance.read)
    output = _of_instance(Instance.output)
    event = _of_instance(Instance.event)
    send_event = _of_instance(Instance.send_event)
    send_input = _of_instance(Instance.send_input)
    send_stdin = _of_instance(Instance.send_stdin)
    health = _of_instance(Instance.health)


class SyncPackages:
    """Every call of ``Packages``, blocking.

    Args:
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    def here(self) -> PackageCalls:
        """The packages through the door that is in use where this is called."""
        return PackageCalls(self._port or current_port())

    def start(self, ref: str, *args: Any, **options: Any) -> SyncInstance:
        """Start an instance; see ``Packages.start``."""
        return SyncInstance(wait_for_result(self.here().start(ref, *args, **options)).id, self._port)

    pack = staticmethod(PackageCalls.pack)
    send = _of_packages(PackageCalls.send)
    list = _of_packages(PackageCalls.list)
    info = _of_packages(PackageCalls.info)
    tag = _of_packages(PackageCalls.tag)
    rollback = _of_packages(PackageCalls.rollback)
    history = _of_packages(PackageCalls.history)
    delete = _of_packages(PackageCalls.delete)
    prune = _of_packages(PackageCalls.prune)
    instances = _of_packages(PackageCalls.instances)
    collect = _of_packages(PackageCalls.collect)
