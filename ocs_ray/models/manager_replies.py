"""What the Sequence Manager answers. Source: esw SequenceManagerResponse.scala; the fields beyond it are ours.

Texts: reference esw_sm section 1.1.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt

from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import LostSequencer, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerStatus
from ocs_ray.models.times import UTCTime


class Success(Message):
    """Done.

    Args:
        master_sequencer: for configure, the top-level sequencer.
        component_id: for restart, the sequencer.
    """

    kind: Literal["Success"] = "Success"
    master_sequencer: ComponentId | None = None
    component_id: ComponentId | None = None


class SequencerStarted(Message):
    """One sequencer was started. Source: esw StartSequencerResponse.Started."""

    kind: Literal["Started"] = "Started"
    component_id: ComponentId


class AlreadyRunning(Message):
    """The sequencer runs; nothing was done, which counts as success."""

    kind: Literal["AlreadyRunning"] = "AlreadyRunning"
    component_id: ComponentId


class LocationServiceError(Message):
    """What was asked for is not registered, or the location service does not answer."""

    kind: Literal["LocationServiceError"] = "LocationServiceError"
    reason: str


class LoadScriptError(Message):
    """A script did not load."""

    kind: Literal["LoadScriptError"] = "LoadScriptError"
    reason: str


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


class ResourceStatus(Message):
    """One resource of the catalogue.

    Args:
        obs_mode: the mode that holds it, None when it is free.
    """

    resource: Subsystem
    status: Literal["Available", "InUse"]
    obs_mode: ObsMode | None = None


class ResourcesStatus(Message):
    """The answer to GetResources, sorted by resource."""

    kind: Literal["ResourcesStatus"] = "ResourcesStatus"
    resources: tuple[ResourceStatus, ...]


class ModePlan(Message):
    """What one mode needs before it can be configured, and whom it excludes.

    Args:
        status: as in ObsModeDetails.
        excludes: mode of the plan -> the resources both need.
        missing: sequencers there is no idle component for.
        machines: subsystems of ``missing`` for which no living agent could host a component.
        held: resource -> the mode that holds it.
        not_offered: resources no node of the cluster offers.
    """

    obs_mode: ObsMode
    status: Literal["Configured", "Configurable", "NonConfigurable"]
    excludes: dict[ObsMode, tuple[Subsystem, ...]]
    missing: tuple[VariationInfo, ...] = ()
    machines: tuple[Subsystem, ...] = ()
    held: dict[Subsystem, ObsMode] = Field(default_factory=dict[Subsystem, ObsMode])
    not_offered: tuple[Subsystem, ...] = ()


class Plan(Message):
    """The answer to GetPlan.

    Args:
        modes: those asked for, in that order; all of the catalogue by name otherwise.
        together: whether all of them can run at once, with the components there are now.
        missing_together: sequencers left over when all of them are placed at once, as ``mode: sequencer``.
    """

    kind: Literal["Plan"] = "Plan"
    modes: tuple[ModePlan, ...]
    together: bool
    missing_together: tuple[str, ...] = ()


class ObsModesReloaded(Message):
    """The catalogue was read anew. ``running`` names the changed or removed modes that run: they go on as they were."""

    kind: Literal["ObsModesReloaded"] = "ObsModesReloaded"
    added: tuple[ObsMode, ...] = ()
    removed: tuple[ObsMode, ...] = ()
    changed: tuple[ObsMode, ...] = ()
    running: tuple[ObsMode, ...] = ()


class SequenceManagerState(Message):
    """Idle, or busy with one operation."""

    kind: Literal["SequenceManagerState"] = "SequenceManagerState"
    state: Literal["Idle", "Processing"]


class StraySequencer(Message):
    """A sequencer no component that answers has in it: its own died, hangs, or is another by now.

    Args:
        sequencer: what it says of itself; None when it does not answer.
    """

    prefix: Prefix
    sequencer: SequencerStatus | None = None


class ManagerStatus(Message):
    """The whole picture.

    Args:
        silent_agents: they are registered and do not answer.
        without_agent: sequence components none of the answering agents has started.
        silent_components: registered sequence components that do not answer.
        lost: sequencers that died and were not started again.
        stray: sequencers that run and are in no component that answers.
        since: when this process of the manager began.
        restarted: whether Ray had to start it again.
        restarts: how often.
    """

    state: Literal["Idle", "Processing"]
    agents: tuple[AgentStatus, ...]
    silent_agents: tuple[Prefix, ...]
    running_obs_modes: tuple[ObsMode, ...]
    pid: int
    without_agent: tuple[SequenceComponentStatus, ...] = ()
    silent_components: tuple[Prefix, ...] = ()
    lost: tuple[LostSequencer, ...] = ()
    stray: tuple[StraySequencer, ...] = ()
    since: UTCTime | None = None
    restarted: bool = False
    restarts: NonNegativeInt = 0
