"""Being connected to the cluster for a command, and having it up for as long as the command needs it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ocs_ray.cli import default_files, ending_signals, gateway_access, server_choice, terminal
from ocs_ray.cli.cluster_process import bring_up, take_down
from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.cli.gateway_choice import NO_GATEWAY, GatewayChoice
from ocs_ray.cli.interrupts import Interrupts
from ocs_ray.client import connect, disconnect
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster, find_project
from ocs_ray.models.actor_names import GATEWAY

T = TypeVar("T")


def this_home() -> ClusterHome:
    """The home of the cluster the working folder belongs to."""
    return ClusterHome(find_project(Path.cwd()))


@contextmanager
def alone(home: ClusterHome) -> Iterator[None]:
    """One command at a time brings the cluster of a project up, prepares it or takes it down; others wait here.

    The lock is on the project folder itself, so no file is left behind.
    """
    try:
        folder = os.open(home.project, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # a project nobody can read has no second user either
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            _wait_for(folder)
        yield
    finally:
        os.close(folder)


def _wait_for(folder: int) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        terminal.note("waiting for another ocs command that starts, prepares or ends this cluster ...")
        fcntl.flock(folder, fcntl.LOCK_EX)


def ensure_up(
    home: ClusterHome,
    cluster: Path | None,
    obsmodes: Path | None,
    time_factor: float | None,
    progress: Callable[[str], None],
    *,
    simulation: bool = False,
    gateway: GatewayChoice = NO_GATEWAY,
) -> tuple[RunningCluster, bool]:
    """The running cluster, and whether it was this call that brought it up. To be called ``alone``.

    Args:
        cluster: cluster file, None for the default.
        obsmodes: catalogue, None for the default.
        time_factor: overrides that of the cluster file.
        progress: is told what is being done.
        simulation: scripts that complete all commands at once, and other defaults for the two files.
        gateway: whether HTTP is served, and where; what runs for one observation serves none.

    Raises:
        ClusterError: it did not come up, or its gateway would be open to other machines; nothing of it is left.
        BadInputError: there is no cluster file or catalogue, or one of them is faulty.
        Interrupted: somebody ended it; nothing of it is left.
    """
    if (running := home.running()) is not None:
        return running, False
    if simulation:
        file = default_files.simulation_file(cluster, home.project)
        catalogue = default_files.simulation_catalogue(obsmodes, home.project)
    else:
        file = default_files.cluster_file(cluster, home.project)
        catalogue = default_files.catalogue(obsmodes, home.project)
    settings = gateway.settings(read_cluster_file(file), catalogue, simulation)
    if settings is not None:
        settings = gateway_access.with_access(settings, home)
    read_catalogue(catalogue)
    return bring_up(home, ClusterStart(file, catalogue, time_factor, simulation, settings), progress), True


def restore(
    home: ClusterHome, running: RunningCluster, gateway: GatewayChoice
) -> tuple[RunningCluster, tuple[str, ...]]:
    """Start what of the running cluster is gone for good. To be called ``alone``.

    Args:
        gateway: whether its gateway is to come back, and where if not where it was.

    Returns:
        The cluster as it is now, and the names of what was started.

    Raises:
        BadInputError: the file it was started from cannot be used any more.
        ClusterError: the cluster does not answer, or something did not come up.
    """
    cluster_file = Path(running.cluster_file)
    cluster = read_cluster_file(cluster_file)
    join()
    try:
        from ocs_ray.cli import launch  # it imports Ray: `ocs --help` must not wait for it

        folder = default_files.config_folder(cluster, cluster_file, home.project)
        settings = gateway_access.as_it_was(home, running, cluster, gateway)
        with ending_signals.kept():
            started, gateway_url = launch.restore(cluster, running, folder, home.data_folder, settings)
        if settings is not None and GATEWAY in started:
            running = replace(running, gateway_url=gateway_url, api_tokens=settings.access.token_file)
            home.record(running)
        return running, started
    finally:
        leave()


def bring_down(home: ClusterHome) -> int:
    """End the cluster, whatever is pressed meanwhile; how many processes it had."""
    with alone(home), ending_signals.ignored():
        return take_down(home)


def join() -> None:
    """Connect to the cluster, or to the gateway that was chosen.

    Ray sets a SIGTERM handler of its own on the way; ours stays.

    Raises:
        ClusterError: no cluster is up, or it does not answer.
        AccessError: the gateway does not know the token.
    """
    if server_choice.server() is not None:
        server_choice.connect()
        return
    with ending_signals.kept():
        connect()


def leave() -> None:
    """Disconnect; the cluster goes on."""
    if server_choice.server() is not None:
        return  # each event loop has closed its connections
    with ending_signals.ignored():
        disconnect()


def run(work: Callable[[Interrupts], Coroutine[Any, Any, T]]) -> T:
    """Run ``work`` in an event loop; it is handed the signals that come meanwhile."""

    async def with_signals() -> T:
        with Interrupts() as signals:
            try:
                return await work(signals)
            finally:
                await server_choice.close_connections()

    return asyncio.run(with_signals())


def run_guarded(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work``, which may simply be given up when a signal comes.

    Raises:
        Interrupted: a signal came first.
    """
    return run(lambda signals: signals.guard(work()))


def ask(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Connect, run ``work``, disconnect.

    Raises:
        ClusterError: no cluster is up, or it does not answer.
        Interrupted: a signal came first.
    """
    join()
    try:
        return run_guarded(work)
    finally:
        leave()
