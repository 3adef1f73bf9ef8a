"""The agent service as ESW's clients speak to it. Source: esw AgentServiceRequest.scala; reference esw_sm 7.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, StrictBool

from ocs_ray.models.esw_manager import Failed
from ocs_ray.models.esw_options import OptionalLocation, OptionalText
from ocs_ray.models.prefix import ComponentId, Prefix
from ocs_ray.models.wire_model import WireModel, kind_field


class SpawnSequenceComponent(WireModel):
    """Start a sequence component on a machine; there are no versions of it here to choose from."""

    kind: Literal["SpawnSequenceComponent"] = kind_field("SpawnSequenceComponent")
    agent_prefix: Prefix
    component_name: str
    version: OptionalText


class SpawnSequenceManager(WireModel):
    """Start the Sequence Manager on a machine."""

    kind: Literal["SpawnSequenceManager"] = kind_field("SpawnSequenceManager")
    agent_prefix: Prefix
    obs_mode_config_path: str
    is_config_local: StrictBool
    version: OptionalText


class SpawnContainers(WireModel):
    """Start the devices of a host config."""

    kind: Literal["SpawnContainers"] = kind_field("SpawnContainers")
    agent_prefix: Prefix
    host_config_path: str
    is_config_local: StrictBool


class KillComponent(WireModel):
    """End a component for certain."""

    kind: Literal["KillComponent"] = kind_field("KillComponent")
    component_id: ComponentId


class GetAgentStatus(WireModel):
    """All machines and what runs on them."""

    kind: Literal["GetAgentStatus"] = kind_field("GetAgentStatus")


AgentRequest: TypeAlias = Annotated[
    SpawnSequenceComponent | SpawnSequenceManager | SpawnContainers | KillComponent | GetAgentStatus,
    Discriminator("kind"),
]


class Spawned(WireModel):
    """It runs."""

    kind: Literal["Spawned"] = kind_field("Spawned")


class Killed(WireModel):
    """It is gone."""

    kind: Literal["Killed"] = kind_field("Killed")


class Completed(WireModel):
    """How it went with each container."""

    kind: Literal["Completed"] = kind_field("Completed")
    res: Mapping[str, Annotated[Spawned | Failed, Discriminator("kind")]]


class SequenceComponentStatus(WireModel):
    """A sequence component and the sequencer in it."""

    seq_comp_id: ComponentId
    sequencer_location: OptionalLocation


class AgentStatus(WireModel):
    """A machine and its sequence components."""

    agent_id: ComponentId
    seq_comps_status: tuple[SequenceComponentStatus, ...]


class AgentStatusSuccess(WireModel):
    """All machines."""

    kind: Literal["Success"] = kind_field("Success")
    agent_status: tuple[AgentStatus, ...]
    seq_comps_without_agent: tuple[SequenceComponentStatus, ...]
