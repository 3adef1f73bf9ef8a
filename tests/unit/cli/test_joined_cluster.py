"""Leaving a Ray cluster that was joined and is gone."""

from __future__ import annotations

import socket
from pathlib import Path

from ocs_ray.cli.cluster_process import take_down
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster


def test_given_a_joined_cluster_that_is_gone_when_taken_down_then_it_is_forgotten(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    home = ClusterHome(tmp_path)
    with home.alone():
        home.record(RunningCluster(address, 0, ("ESW.machine1",), "cluster.yaml", "obsmodes"))
    assert home.running() is not None
    assert take_down(home) == 0
    assert home.running() is None
    assert not home.folder.exists()
