"""What an agent understands. Source: esw AgentCommand.scala, AgentResponse; devices and liveness are ours."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from ocs_ray.errors import BadInputError
from ocs_ray.models.component_messages import DeviceSpec, DeviceStatus, SequenceComponentStatus
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.times import UTCTime


class SpawnSequenceComponent(Message):
    """Start a sequence component on this machine.

    Args:
        prefix: its name; None lets the agent choose a free ``SUB.SUB_<n>`` of the machine's subsystem.
    """

    kind: Literal["SpawnSequenceComponent"] = "SpawnSequenceComponent"
    prefix: Prefix | None = None


class SpawnSequenceManager(Message):
    """Start the Sequence Manager on this machine.

    Args:
        catalogue: path of the catalogue of observing modes, on this machine.
        simulation: replace every script by one that completes all commands at once.
    """

    kind: Literal["SpawnSequenceManager"] = "SpawnSequenceManager"
    catalogue: str
    simulation: bool = False


class ContainerSpec(Message):
    """Devices started and ended together. Source: esw host config; ours names factories instead of deploy modules.

    Args:
        name: of the container; None for devices that stand alone.
    """

    name: str | None = None
    components: tuple[DeviceSpec, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _fits_a_prefix(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                Prefix.of(Subsystem.Container, name)
            except BadInputError as failure:
                raise ValueError(str(failure)) from None
        return name

    @property
    def prefix(self) -> Prefix | None:
        """``Container.<name>``; None for devices that stand alone."""
        return None if self.name is None else Prefix.of(Subsystem.Container, self.name)


class SpawnContainers(Message):
    """Start the devices of a host config; a container that cannot be started whole leaves none of its devices."""

    kind: Literal["SpawnContainers"] = "SpawnContainers"
    containers: tuple[ContainerSpec, ...]

    @model_validator(mode="after")
    def _names_each_once(self) -> SpawnContainers:
        containers = [spec.prefix for spec in self.containers if spec.prefix is not None]
        devices = [device.prefix for spec in self.containers for device in spec.components]
        for what, found in (("container", containers), ("device", devices)):
            if twice := sorted({prefix for prefix in found if found.count(prefix) > 1}):
                raise ValueError(f"{what} {', '.join(twice)} comes more than once")
        return self


class SpawnDevice(Message):
    """Start a device on this machine."""

    kind: Literal["SpawnDevice"] = "SpawnDevice"
    device: DeviceSpec


class KillComponent(Message):
    """End a component of this machine for certain."""

    kind: Literal["KillComponent"] = "KillComponent"
    prefix: Prefix
    component_type: ComponentType


class GetAgentStatus(Message):
    """What runs on this machine."""

    kind: Literal["GetAgentStatus"] = "GetAgentStatus"


class Spawned(Message):
    """The component answers. ``prefix`` is its name, which the agent may have chosen."""

    kind: Literal["Spawned"] = "Spawned"
    prefix: Prefix | None = None


class Killed(Message):
    """The component is gone."""

    kind: Literal["Killed"] = "Killed"


class Failed(Message):
    """Not done, and why; nothing was left behind."""

    kind: Literal["Failed"] = "Failed"
    msg: str


class Completed(Message):
    """The answer to SpawnContainers: ``Container.<name>`` or the prefix of a stand-alone device -> how it went."""

    kind: Literal["Completed"] = "Completed"
    responses: dict[str, Spawned | Failed]


class AgentStatus(Message):
    """One machine: its sequence components and its devices.

    Args:
        children: actor names of all that was started here.
        silent: those among them that did not answer in time.
        since: when this process of the agent began.
        restarted: whether Ray had to start it again.
        restarts: how often.
    """

    agent: Prefix
    pid: int
    sequence_components: tuple[SequenceComponentStatus, ...]
    devices: tuple[DeviceStatus, ...]
    children: tuple[str, ...]
    silent: tuple[str, ...] = ()
    since: UTCTime | None = None
    restarted: bool = False
    restarts: NonNegativeInt = 0
