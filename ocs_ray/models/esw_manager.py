"""The Sequence Manager as ESW's clients speak to it: the twelve requests and their answers.

Source: esw SequenceManagerRequest.scala, SequenceManagerResponse.scala; reference esw_sm 7.4. Within the house it
speaks ``manager_messages`` and ``manager_replies``, which tell more.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, field_validator

from ocs_ray.errors import BadInputError
from ocs_ray.models.esw_options import OptionalVariation
from ocs_ray.models.identifiers import ObsMode, Variation, VariationInfo
from ocs_ray.models.prefix import ComponentId, Prefix, Subsystem
from ocs_ray.models.wire_model import WholeNumber, WireModel, kind_field
from ocs_ray.models.wire_problems import as_pydantic

# -- requests --------------------------------------------------------------------------------------------------------


class Configure(WireModel):
    """Start the sequencers of an observing mode."""

    kind: Literal["Configure"] = kind_field("Configure")
    obs_mode: ObsMode


class AgentProvision(WireModel):
    """How many sequence components one machine gets."""

    agent_prefix: Prefix
    count_of_seq_comps: WholeNumber = Field(ge=0)


class ProvisionConfig(WireModel):
    """How many sequence components each machine gets."""

    config: tuple[AgentProvision, ...]

    @field_validator("config")
    @classmethod
    def _names_each_machine_once(cls, config: tuple[AgentProvision, ...]) -> tuple[AgentProvision, ...]:
        if len({each.agent_prefix for each in config}) < len(config):
            problem = "Invalid Provision config: Cannot have multiple entries for same agent prefix."
            raise as_pydantic(BadInputError("", problem, "name each machine once"))
        return config


class Provision(WireModel):
    """Start sequence components; those that run are replaced."""

    kind: Literal["Provision"] = kind_field("Provision")
    config: ProvisionConfig


class GetObsModesDetails(WireModel):
    """Every mode and whether it could be configured."""

    kind: Literal["GetObsModesDetails"] = kind_field("GetObsModesDetails")


class _OneSequencer(WireModel):
    subsystem: Subsystem
    obs_mode: ObsMode
    variation: OptionalVariation

    @property
    def the_variation(self) -> Variation | None:
        """The variation, if there is one."""
        return next(iter(self.variation), None)


class StartSequencer(_OneSequencer):
    """Start one sequencer."""

    kind: Literal["StartSequencer"] = kind_field("StartSequencer")


class RestartSequencer(_OneSequencer):
    """Load its script anew."""

    kind: Literal["RestartSequencer"] = kind_field("RestartSequencer")


class ShutdownSequencer(_OneSequencer):
    """End one sequencer."""

    kind: Literal["ShutdownSequencer"] = kind_field("ShutdownSequencer")


class ShutdownSubsystemSequencers(WireModel):
    """End all sequencers of a subsystem."""

    kind: Literal["ShutdownSubsystemSequencers"] = kind_field("ShutdownSubsystemSequencers")
    subsystem: Subsystem


class ShutdownObsModeSequencers(WireModel):
    """End all sequencers of a mode."""

    kind: Literal["ShutdownObsModeSequencers"] = kind_field("ShutdownObsModeSequencers")
    obs_mode: ObsMode


class ShutdownAllSequencers(WireModel):
    """End all sequencers."""

    kind: Literal["ShutdownAllSequencers"] = kind_field("ShutdownAllSequencers")


class ShutdownSequenceComponent(WireModel):
    """End one sequence component."""

    kind: Literal["ShutdownSequenceComponent"] = kind_field("ShutdownSequenceComponent")
    prefix: Prefix


class ShutdownAllSequenceComponents(WireModel):
    """End all sequence components."""

    kind: Literal["ShutdownAllSequenceComponents"] = kind_field("ShutdownAllSequenceComponents")


class GetResources(WireModel):
    """Every resource and who holds it."""

    kind: Literal["GetResources"] = kind_field("GetResources")


ManagerRequest: TypeAlias = Annotated[
    Configure
    | Provision
    | GetObsModesDetails
    | StartSequencer
    | RestartSequencer
    | ShutdownSequencer
    | ShutdownSubsystemSequencers
    | ShutdownObsModeSequencers
    | ShutdownAllSequencers
    | ShutdownSequenceComponent
    | ShutdownAllSequenceComponents
    | GetResources,
    Discriminator("kind"),
]

# -- answers; several are called Success and differ by what they hold --------------------------------------------------


class Success(WireModel):
    """Done."""

    kind: Literal["Success"] = kind_field("Success")


class ConfigureSuccess(WireModel):
    """The mode runs."""

    kind: Literal["Success"] = kind_field("Success")
    master_sequencer_component_id: ComponentId


class RestartSuccess(WireModel):
    """The sequencer runs anew."""

    kind: Literal["Success"] = kind_field("Success")
    component_id: ComponentId


class Started(WireModel):
    """The sequencer runs."""

    kind: Literal["Started"] = kind_field("Started")
    component_id: ComponentId


class AlreadyRunning(WireModel):
    """The sequencer ran before."""

    kind: Literal["AlreadyRunning"] = kind_field("AlreadyRunning")
    component_id: ComponentId


class ConfigurationMissing(WireModel):
    """There is no such mode."""

    kind: Literal["ConfigurationMissing"] = kind_field("ConfigurationMissing")
    obs_mode: ObsMode


class ConflictingResourcesWithRunningObsMode(WireModel):
    """A running mode holds what this one needs; all running ones are named."""

    kind: Literal["ConflictingResourcesWithRunningObsMode"] = kind_field("ConflictingResourcesWithRunningObsMode")
    running_obs_mode: tuple[ObsMode, ...]


class FailedToStartSequencers(WireModel):
    """Scripts did not load."""

    kind: Literal["FailedToStartSequencers"] = kind_field("FailedToStartSequencers")
    reasons: tuple[str, ...]


class SequenceComponentNotAvailable(WireModel):
    """There is no idle sequence component for these."""

    kind: Literal["SequenceComponentNotAvailable"] = kind_field("SequenceComponentNotAvailable")
    variation_infos: tuple[VariationInfo, ...]
    msg: str


class LoadScriptError(WireModel):
    """A script did not load."""

    kind: Literal["LoadScriptError"] = kind_field("LoadScriptError")
    reason: str


class LocationServiceError(WireModel):
    """What was asked for is not registered."""

    kind: Literal["LocationServiceError"] = kind_field("LocationServiceError")
    reason: str


class FailedResponse(WireModel):
    """The operation broke."""

    kind: Literal["FailedResponse"] = kind_field("FailedResponse")
    reason: str


class CouldNotFindMachines(WireModel):
    """These machines have no agent."""

    kind: Literal["CouldNotFindMachines"] = kind_field("CouldNotFindMachines")
    prefix: tuple[Prefix, ...]


class SpawningSequenceComponentsFailed(WireModel):
    """Some sequence components did not start."""

    kind: Literal["SpawningSequenceComponentsFailed"] = kind_field("SpawningSequenceComponentsFailed")
    failure_responses: tuple[str, ...]


class Unhandled(WireModel):
    """The message means nothing in the present state. Also what a sequencer answers."""

    kind: Literal["Unhandled"] = kind_field("Unhandled")
    state: str
    message_type: str
    msg: str


class Failed(WireModel):
    """Not done, and why. Also what an agent answers."""

    kind: Literal["Failed"] = kind_field("Failed")
    msg: str


class Configured(WireModel):
    """The mode runs."""

    kind: Literal["Configured"] = kind_field("Configured")


class Configurable(WireModel):
    """The mode could be configured."""

    kind: Literal["Configurable"] = kind_field("Configurable")


class NonConfigurable(WireModel):
    """It could not; without missing ones, its resources are held."""

    kind: Literal["NonConfigurable"] = kind_field("NonConfigurable")
    missing_sequence_components_for: tuple[VariationInfo, ...]


class ObsModeDetails(WireModel):
    """One mode."""

    obs_mode: ObsMode
    status: Annotated[Configured | Configurable | NonConfigurable, Discriminator("kind")]
    resources: tuple[Subsystem, ...]
    sequencers: tuple[VariationInfo, ...]


class ObsModesDetailsSuccess(WireModel):
    """All modes."""

    kind: Literal["Success"] = kind_field("Success")
    obs_modes: tuple[ObsModeDetails, ...]


class ResourceState(WireModel):
    """Whether a resource is held; in JSON ``{"_type": "InUse"}``."""

    kind: Literal["Available", "InUse"] = Field(validation_alias="_type", serialization_alias="_type")


class ResourceStatus(WireModel):
    """One resource. In JSON a free one has no ``obsMode`` at all."""

    resource: Subsystem
    status: ResourceState
    obs_mode: ObsMode | None = Field(default=None, exclude_if=lambda mode: mode is None)


class ResourcesStatusSuccess(WireModel):
    """All resources."""

    kind: Literal["Success"] = kind_field("Success")
    resources_status: tuple[ResourceStatus, ...]
