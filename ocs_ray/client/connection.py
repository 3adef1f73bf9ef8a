"""Joining the cluster of this user and project."""

from __future__ import annotations

import os
from pathlib import Path

from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, find_project
from ocs_ray.location.environment import client_settings
from ocs_ray.scripting.port import use_default_port


def connect(project: Path | None = None) -> ClusterHome:
    """Connect this process to the running cluster; every entity made afterwards uses it.

    Args:
        project: the project folder; found from the working folder when left out.

    Raises:
        ClusterError: the cluster is not up, or does not answer.
    """
    home = ClusterHome(find_project(project or Path.cwd()))
    running = home.running()
    if running is None:
        raise ClusterError(problem=f"no cluster is up for {home.project}", remedy="start it with: ocs up")
    if running.pid:  # embedded: a token of its own; a joined cluster has the environment's
        os.environ.update(client_settings(home.token_file))
    # Ray reads the token's place once, when it is imported: hence not before this line.
    from ocs_ray.location.call import RayPort
    from ocs_ray.location.link import join

    join(running.address)
    use_default_port(RayPort())
    return home


def disconnect() -> None:
    """Leave the cluster; it goes on."""
    from ocs_ray.location.link import leave

    leave()
