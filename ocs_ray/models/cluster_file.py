"""What ``ocs up`` starts: a cluster file. The format is ours; the host config of esw-agent-app is its nearest kin."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix


class EmbeddedNode(Message):
    """The Ray node ``ocs up`` starts itself.

    Args:
        resources: what it offers, beside one of each subsystem for the observing modes.
    """

    resources: tuple[str, ...]


class SimulationSettings(Message):
    """How simulated devices run.

    Args:
        time_factor: 1.0 is real time, 0.05 runs twenty times faster.
    """

    time_factor: PositiveFloat = 1.0


class InstanceSettings(Message):
    """How many instances of script packages may be alive.

    Args:
        platform: on all machines together; None is no limit but their room.
        per_package: of one package; its package.json may ask for fewer.
    """

    platform: PositiveInt | None = None
    per_package: PositiveInt | None = None


class ClusterFile(Message):
    """Machines, where they are, and what runs on them.

    Args:
        node: the embedded Ray node; or
        address: ``host:port`` of a running Ray cluster to join.
        machines: machine prefix -> the node resource its agent is pinned to.
        provision: machine prefix -> sequence components ``ocs provision`` starts there by default.
        devices: machine prefix -> devices started with it.
        config: folder of the config service, relative to the project; ``config`` when left out and there is one.
        instances: limits of script packages.
        gateway: where HTTP and WebSockets are served.
    """

    node: EmbeddedNode | None = None
    address: str | None = None
    machines: dict[Prefix, str] = Field(min_length=1)
    simulation: SimulationSettings = SimulationSettings()
    provision: dict[Prefix, NonNegativeInt] = Field(default_factory=dict[Prefix, int])
    devices: dict[Prefix, tuple[DeviceSpec, ...]] = Field(default_factory=dict[Prefix, tuple[DeviceSpec, ...]])

    config: str | None = None
    instances: InstanceSettings = InstanceSettings()
    gateway: GatewaySettings = GatewaySettings()

    @model_validator(mode="after")
    def _is_consistent(self) -> ClusterFile:
        if (self.node is None) == (self.address is None):
            raise ValueError("it needs either 'node:' (embedded) or 'address:' (a running Ray cluster), and not both")
        for section, named in (("provision", self.provision), ("devices", self.devices)):
            if unknown := [prefix for prefix in named if prefix not in self.machines]:
                raise ValueError(f"'{section}' names {', '.join(unknown)}, which 'machines' does not")
        prefixes = [device.prefix for devices in self.devices.values() for device in devices]
        if twice := sorted({p for p in prefixes if prefixes.count(p) > 1}):
            raise ValueError(f"'devices' has {', '.join(twice)} more than once")
        return self
