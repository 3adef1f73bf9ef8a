"""What ``ocs up`` was told about the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.gateway_settings import GatewaySettings


@dataclass(frozen=True)
class GatewayChoice:
    """Whether there is to be one, and what overrides the cluster file.

    Args:
        wanted: start one.
        port: as in ``GatewaySettings``; None leaves it to the file.
    """

    wanted: bool = True
    port: int | None = None

    def settings(self, cluster: ClusterFile, simulation: bool) -> GatewaySettings | None:
        """The settings of the gateway to start; None for none."""
        if not self.wanted:
            return None
        port = cluster.gateway.port if self.port is None else self.port
        return cluster.gateway.model_copy(update={"port": port, "simulation": simulation})


NO_GATEWAY: Final = GatewayChoice(wanted=False)
