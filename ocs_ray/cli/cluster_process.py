"""Bringing the cluster of this project up and down."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import psutil

from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.cli.joined_cluster import join_down, join_up
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.location.environment import node_environment

DOWN_S: Final = 25.0
"""How long a cluster may take to end in order, in seconds; what is left then is killed."""
LEFT_OVER_S: Final = 2.0
"""The same for what a killed owner left: a raylet waits far longer for a GCS that is gone."""
OWNER: Final = "ocs_ray.cli.node"


def bring_up(home: ClusterHome, start: ClusterStart, progress: Callable[[str], None]) -> RunningCluster:
    """Start the cluster and wait until all of it answers; an interrupted or failed start leaves nothing behind.

    Args:
        home: where the cluster lives.
        start: what to start.
        progress: is told what is being done.

    Raises:
        BadInputError: the cluster file cannot be used.
        ClusterError: it did not come up; the text says why.
    """
    cluster = read_cluster_file(start.cluster_file)
    with home.alone():
        _kill_all(home)  # left over from a cluster whose owner was killed
        if cluster.address is not None:
            return join_up(home, cluster, start, progress)
        home.renew_token()
        node = _start_node(home, start)
        try:
            _follow(node, home, progress)
        except BaseException:
            _kill_all(home)  # no script runs yet, so there is nothing to end in order
            node.wait()
            raise
    running = home.running()
    assert running is not None, "the node process says ready only after it recorded the cluster"
    return running


def _start_node(home: ClusterHome, start: ClusterStart) -> subprocess.Popen[str]:
    with home.log_file.open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", OWNER, str(home.project), *start.arguments()],
            env=node_environment(home.token_file, home.cluster_id),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # the terminal's Ctrl-C is ours to handle, not the cluster's
            cwd=home.folder,
        )


def _follow(node: subprocess.Popen[str], home: ClusterHome, progress: Callable[[str], None]) -> None:
    assert node.stdout is not None
    for line in node.stdout:
        try:
            said = json.loads(line)
        except ValueError:
            continue  # a library that prints where it should not
        if "progress" in said:
            progress(said["progress"])
        if "problem" in said:
            raise ClusterError(problem=said["problem"], remedy=said["remedy"])
        if "ready" in said:
            return
    raise ClusterError(
        problem=f"the cluster's process ended with code {node.wait()} before it was up",
        remedy=f"its log is {home.log_file}",
    )


def take_down(home: ClusterHome) -> int:
    """End exactly this cluster; nothing else is touched, nothing of it is left.

    Returns:
        How many processes were ended.

    Raises:
        ClusterError: another command is starting or ending it, or a joined cluster does not answer.
    """
    with home.alone():
        running = home.running()
        ended = join_down(running) if running is not None and not running.pid else _end_all(home)
        home.remove()
        return ended


def _end_all(home: ClusterHome) -> int:
    """Ask the owner to end; kill what is left when it has, or when it takes too long."""
    processes = home.processes()
    roots = _roots(processes)
    owners = [root for root in roots if _is_owner(root)]
    for root in roots:
        _end(root, psutil.Process.terminate)
    deadline = time.monotonic() + (DOWN_S if owners else LEFT_OVER_S)
    while home.processes() and time.monotonic() < deadline and any(map(_is_alive, owners or roots)):
        time.sleep(0.05)
    _kill_all(home)
    return len(processes)


def _kill_all(home: ClusterHome) -> None:
    while left := home.processes():
        for process in left:
            _end(process, psutil.Process.kill)
        time.sleep(0.05)


def _roots(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those whose parent is not one of them."""
    pids = {process.pid for process in processes}

    def is_root(process: psutil.Process) -> bool:
        try:
            return process.ppid() not in pids
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if is_root(process)]


def _is_owner(process: psutil.Process) -> bool:
    try:
        return OWNER in process.cmdline()
    except psutil.Error:
        return False


def _is_alive(process: psutil.Process) -> bool:
    """Not so one that has ended and whose parent has not looked yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(process: psutil.Process, how: Callable[[psutil.Process], None]) -> None:
    try:
        how(process)
    except psutil.NoSuchProcess:
        return
