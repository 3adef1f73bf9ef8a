"""What an agent understands. Source: esw AgentCommand.scala, AgentResponse; devices and liveness are ours."""

from __future__ import annotations

from typing import Literal

from ocs_ray.models.component_messages import DeviceSpec, DeviceStatus, SequenceComponentStatus
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix


class SpawnSequenceComponent(Message):
    """Start a sequence component on this machine."""

    kind: Literal["SpawnSequenceComponent"] = "SpawnSequenceComponent"
    prefix: Prefix


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
    """The component answers."""

    kind: Literal["Spawned"] = "Spawned"


class Killed(Message):
    """The component is gone."""

    kind: Literal["Killed"] = "Killed"


class Failed(Message):
    """Not done, and why; nothing was left behind."""

    kind: Literal["Failed"] = "Failed"
    msg: str


class AgentStatus(Message):
    """One machine: its sequence components and its devices.

    Args:
        children: actor names of all that was started here.
        silent: those among them that did not answer in time.
    """

    agent: Prefix
    pid: int
    sequence_components: tuple[SequenceComponentStatus, ...]
    devices: tuple[DeviceStatus, ...]
    children: tuple[str, ...]
    silent: tuple[str, ...] = ()
