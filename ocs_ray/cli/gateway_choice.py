"""What ``ocs up`` was told about the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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

    def settings(self, cluster: ClusterFile, catalogue: Path, simulation: bool) -> GatewaySettings | None:
        """The settings of the gateway to start; None for none."""
        if not self.wanted:
            return None
        port = cluster.gateway.port if self.port is None else self.port
        known = {"port": port, "simulation": simulation, "catalogue": str(catalogue.resolve())}
        if not cluster.gateway.provision:
            known["provision"] = cluster.provision
        return cluster.gateway.model_copy(update=known)


NO_GATEWAY: Final = GatewayChoice(wanted=False)
