"""A Ray cluster that runs already: our actors join it and leave it; the cluster itself is not ours to end."""

from __future__ import annotations

from collections.abc import Callable

from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.cli.default_files import config_folder
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.models.cluster_file import ClusterFile


def join_up(
    home: ClusterHome, cluster: ClusterFile, start: ClusterStart, progress: Callable[[str], None]
) -> RunningCluster:
    """Start our actors on the cluster at ``cluster.address``; a failed start takes them down again.

    Raises:
        ClusterError: the cluster does not answer, a machine has no node, or something did not come up.
    """
    # Ray is imported here and not above: `ocs --help` must not wait for it.
    from ocs_ray.cli.launch import launch
    from ocs_ray.location.link import join, leave

    assert cluster.address is not None
    progress(f"joining the Ray cluster at {cluster.address}")
    join(cluster.address)
    try:
        config = config_folder(cluster, start.cluster_file, home.project)
        catalogue = str(start.catalogue.resolve())
        gateway_url = launch(
            cluster,
            catalogue,
            start.time_factor,
            progress,
            config,
            simulation=start.simulation,
            data_folder=home.data_folder,
            gateway=start.gateway,
        )
    finally:
        leave()
    running = RunningCluster(
        address=cluster.address,
        pid=0,
        machines=tuple(cluster.machines),
        cluster_file=str(start.cluster_file.resolve()),
        catalogue=str(start.catalogue.resolve()),
        simulation=start.simulation,
        time_factor=start.time_factor,
        gateway_url=gateway_url,
        api_tokens=start.api_tokens,
    )
    home.record(running)
    return running


def join_down(running: RunningCluster) -> int:
    """End our actors on the cluster, and give back what observing modes hold.

    Returns:
        How many actors were ended; none when nobody listens there any more, for then they ended with the cluster.

    Raises:
        ClusterError: the cluster is there and does not let us in.
    """
    from ocs_ray.cli.launch import dismantle
    from ocs_ray.location.link import is_listening, join, leave

    if not is_listening(running.address):
        return 0
    join(running.address)
    try:
        return dismantle()
    finally:
        leave()
