"""The process that owns an embedded cluster: its Ray node is this process's child and ends with it.

It speaks JSON lines on its standard output until the cluster is up: ``{"progress": ..}``, then ``{"ready": ..}`` or
``{"problem": .., "remedy": ..}``. Run as ``python -m ocs_ray.cli.node PROJECT`` and the arguments of ``ClusterStart``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray

from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.cli.default_files import config_folder
from ocs_ray.cli.launch import dismantle, launch
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.core.resource_conflict import RESOURCE
from ocs_ray.errors import ClusterError, OcsError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.models.actor_names import NAMESPACE
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.prefix import Subsystem


def start_ray(home: ClusterHome, cluster: ClusterFile) -> str:
    """Start this process's own Ray node and give back its address.

    Raises:
        ClusterError: Ray does not start.
    """
    assert cluster.node is not None
    resources = {f"{RESOURCE}{subsystem}": 1.0 for subsystem in Subsystem}
    resources |= dict.fromkeys(cluster.node.resources, 1.0)
    try:
        context: Any = ray.init(
            address="local",  # never join a cluster that happens to be up
            namespace=NAMESPACE,
            include_dashboard=False,
            resources=resources,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=str(home.folder / "ray"),
        )
    except Exception as failure:  # Ray raises a different kind for every way it can fail
        raise ClusterError(
            problem=f"Ray does not start: {str(failure).splitlines()[0]}",
            remedy=f"the log is in {home.log_file}; memory, disk and open-file limits are the usual reasons",
        ) from failure
    return context.address_info["gcs_address"]


def main(arguments: list[str]) -> int:
    """Bring the cluster up, say so, and keep it until SIGTERM or SIGINT."""
    home = ClusterHome(Path(arguments[0]))
    asked = ClusterStart.from_arguments(arguments[1:])
    catalogue = str(asked.catalogue)
    ended = threading.Event()
    try:
        cluster = read_cluster_file(asked.cluster_file)
        _say(progress="starting Ray")
        address = start_ray(home, cluster)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())  # not earlier: ray.init sets handlers of its own
        config = config_folder(cluster, asked.cluster_file, home.project)
        gateway_url = launch(
            cluster,
            catalogue,
            asked.time_factor,
            _progress,
            config,
            simulation=asked.simulation,
            data_folder=home.data_folder,
            gateway=asked.gateway,
        )
    except OcsError as failure:
        _say(problem=str(failure), remedy="")
        ray.shutdown()
        return 1
    machines, file = tuple(cluster.machines), str(asked.cluster_file)
    factor, simulation = asked.time_factor, asked.simulation
    pid, tokens = os.getpid(), asked.api_tokens
    known = RunningCluster(address, pid, machines, file, catalogue, simulation, factor, gateway_url, tokens)
    home.record(known)
    _say(ready=address)
    ended.wait()
    dismantle()
    ray.shutdown()
    return 0


def _progress(line: str) -> None:
    _say(progress=line)


def _say(**fields: str) -> None:
    """One line for whoever started this process; nobody may be reading any more."""
    with suppress(BrokenPipeError):
        print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
