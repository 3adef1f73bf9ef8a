"""What the Sequence Manager understands and answers. Source: esw SequenceManagerRequest.scala, -Response.scala."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat

from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, Prefix, Subsystem


class Provision(Message):
    """Start sequence components, machine prefix -> how many. Those that run are replaced.

    Source: esw ProvisionConfig.scala.
    """

    kind: Literal["Provision"] = "Provision"
    components: dict[Prefix, NonNegativeInt]


class Configure(Message):
    """Start the sequencers of an observing mode and hold its resources."""

    kind: Literal["Configure"] = "Configure"
    obs_mode: ObsMode
    time_factor: PositiveFloat | None = None


class ShutdownObsModeSequencers(Message):
    """End the sequencers of a mode and release its resources."""

    kind: Literal["ShutdownObsModeSequencers"] = "ShutdownObsModeSequencers"
    obs_mode: ObsMode


class ShutdownAllSequenceComponents(Message):
    """End all sequence components, the sequencers in them, and release all resources."""

    kind: Literal["ShutdownAllSequenceComponents"] = "ShutdownAllSequenceComponents"


class GetObsModesDetails(Message):
    """Every mode of the catalogue with what it needs and whether it could be configured now."""

    kind: Literal["GetObsModesDetails"] = "GetObsModesDetails"


class GetManagerStatus(Message):
    """Machines, components, sequencers, running modes: the whole picture."""

    kind: Literal["GetManagerStatus"] = "GetManagerStatus"


class Success(Message):
    """Done; for configure, the top-level sequencer."""

    kind: Literal["Success"] = "Success"
    master_sequencer: ComponentId | None = None


class ConfigurationMissing(Message):
    """The catalogue has no such mode."""

    kind: Literal["ConfigurationMissing"] = "ConfigurationMissing"
    obs_mode: ObsMode
    known: tuple[ObsMode, ...]


class ConflictingResourcesWithRunningObsMode(Message):
    """A running mode holds what this one needs.

    Args:
        running_obs_modes: all running modes, as ESW answers.
        conflicts: resource -> the running mode that holds it.
    """

    kind: Literal["ConflictingResourcesWithRunningObsMode"] = "ConflictingResourcesWithRunningObsMode"
    running_obs_modes: tuple[ObsMode, ...]
    conflicts: dict[Subsystem, ObsMode]


class SequenceComponentNotAvailable(Message):
    """There is no idle sequence component for these sequencers."""

    kind: Literal["SequenceComponentNotAvailable"] = "SequenceComponentNotAvailable"
    variation_infos: tuple[VariationInfo, ...]
    msg: str


class FailedToStartSequencers(Message):
    """Some scripts did not load; those that did were shut down again."""

    kind: Literal["FailedToStartSequencers"] = "FailedToStartSequencers"
    reasons: tuple[str, ...]


class CouldNotFindMachines(Message):
    """No agent answers for these machines; nothing was changed."""

    kind: Literal["CouldNotFindMachines"] = "CouldNotFindMachines"
    machines: tuple[Prefix, ...]
    known: tuple[Prefix, ...]


class SpawningSequenceComponentsFailed(Message):
    """Some components did not start."""

    kind: Literal["SpawningSequenceComponentsFailed"] = "SpawningSequenceComponentsFailed"
    failure_responses: tuple[str, ...]


class FailedResponse(Message):
    """The operation broke; the manager is idle again."""

    kind: Literal["FailedResponse"] = "FailedResponse"
    reason: str


class ObsModeDetails(Message):
    """One mode of the catalogue.

    Args:
        status: ``Configured``, ``Configurable`` or ``NonConfigurable``.
        missing: sequencers there is no idle component for.
        blocked_by: running modes that hold its resources.
    """

    obs_mode: ObsMode
    status: Literal["Configured", "Configurable", "NonConfigurable"]
    resources: tuple[Subsystem, ...]
    sequencers: tuple[VariationInfo, ...]
    missing: tuple[VariationInfo, ...] = ()
    blocked_by: tuple[ObsMode, ...] = ()


class ObsModesDetails(Message):
    """The answer to GetObsModesDetails."""

    kind: Literal["ObsModesDetails"] = "ObsModesDetails"
    obs_modes: tuple[ObsModeDetails, ...]


class ManagerStatus(Message):
    """The whole picture. ``silent_agents`` are registered and do not answer."""

    state: Literal["Idle", "Processing"]
    agents: tuple[AgentStatus, ...]
    silent_agents: tuple[Prefix, ...]
    running_obs_modes: tuple[ObsMode, ...]
    pid: int
