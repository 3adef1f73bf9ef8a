"""What a cluster is started from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ocs_ray.models.gateway_settings import GatewaySettings


@dataclass(frozen=True)
class ClusterStart:
    """What ``ocs up`` was told, with the defaults filled in.

    Args:
        cluster_file: machines and devices.
        catalogue: folder or file of the observing modes.
        time_factor: overrides that of the cluster file.
        simulation: every script is replaced by one that completes all commands at once.
        gateway: where HTTP is served; None for no gateway.
    """

    cluster_file: Path
    catalogue: Path
    time_factor: float | None = None
    simulation: bool = False
    gateway: GatewaySettings | None = None

    @property
    def api_tokens(self) -> str:
        """The gateway's file of tokens; empty without a gateway."""
        return "" if self.gateway is None else self.gateway.access.token_file

    def arguments(self) -> list[str]:
        """For the command line of the process that owns an embedded cluster."""
        factor = "" if self.time_factor is None else str(self.time_factor)
        simulation = "simulation" if self.simulation else ""
        gateway = "" if self.gateway is None else self.gateway.model_dump_json()
        return [str(self.cluster_file.resolve()), str(self.catalogue.resolve()), factor, simulation, gateway]

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> ClusterStart:
        """The reverse of ``arguments``."""
        cluster_file, catalogue, factor, simulation, gateway = arguments
        settings = GatewaySettings.model_validate_json(gateway) if gateway else None
        return cls(Path(cluster_file), Path(catalogue), float(factor) if factor else None, bool(simulation), settings)
