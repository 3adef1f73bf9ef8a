"""What the Sequence Manager understands. Source: esw SequenceManagerRequest.scala; reload, plan and state are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from pydantic import NonNegativeInt, PositiveFloat, ValidatorFunctionWrapHandler, field_validator

from ocs_ray.models.identifiers import ObsMode, Variation, VariationInfo, sequencer_prefix
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem


class Provision(Message):
    """Start sequence components, machine prefix -> how many. Those that run are replaced.

    Source: esw ProvisionConfig.scala.
    """

    kind: Literal["Provision"] = "Provision"
    components: dict[Prefix, NonNegativeInt]

    @field_validator("components", mode="wrap")
    @classmethod
    def _names_each_machine_once(cls, given: object, read: ValidatorFunctionWrapHandler) -> dict[Prefix, int]:
        """A dict would keep the last of two spellings of one machine in silence. Source: esw ProvisionConfig.scala."""
        counts: dict[Prefix, int] = read(given)
        if isinstance(given, Mapping) and len(counts) < len(cast("Mapping[object, object]", given)):
            text = "Invalid Provision config: Cannot have multiple entries for same agent prefix."
            raise ValueError(text)
        return counts


class Configure(Message):
    """Start the sequencers of an observing mode and hold its resources."""

    kind: Literal["Configure"] = "Configure"
    obs_mode: ObsMode
    time_factor: PositiveFloat | None = None


class _OneSequencer(Message):
    """Names one sequencer the way ESW does."""

    subsystem: Subsystem
    obs_mode: ObsMode
    variation: Variation | None = None

    @property
    def prefix(self) -> Prefix:
        """Prefix of the sequencer."""
        return sequencer_prefix(self.subsystem, self.obs_mode, self.variation)

    @property
    def info(self) -> VariationInfo:
        """The sequencer within its mode."""
        return VariationInfo(f"{self.subsystem}.{self.variation}" if self.variation else self.subsystem)


class StartSequencer(_OneSequencer):
    """Start one sequencer on an idle sequence component of its subsystem, else of ESW.

    Starting a mode's top-level sequencer makes the mode run, so it takes the mode's resources.
    """

    kind: Literal["StartSequencer"] = "StartSequencer"


class RestartSequencer(_OneSequencer):
    """Unload and load again, in the sequence component it is in, with the script its mode names now."""

    kind: Literal["RestartSequencer"] = "RestartSequencer"


class ShutdownSequencer(_OneSequencer):
    """End one sequencer; its sequence component stays, idle. Success also when it does not run."""

    kind: Literal["ShutdownSequencer"] = "ShutdownSequencer"


class ShutdownSubsystemSequencers(Message):
    """End all sequencers of a subsystem."""

    kind: Literal["ShutdownSubsystemSequencers"] = "ShutdownSubsystemSequencers"
    subsystem: Subsystem


class ShutdownObsModeSequencers(Message):
    """End the sequencers of a mode, all its variations, and release its resources."""

    kind: Literal["ShutdownObsModeSequencers"] = "ShutdownObsModeSequencers"
    obs_mode: ObsMode


class ShutdownAllSequencers(Message):
    """End all sequencers and release all resources; the sequence components stay."""

    kind: Literal["ShutdownAllSequencers"] = "ShutdownAllSequencers"


class ShutdownSequenceComponent(Message):
    """End one sequence component and the sequencer in it."""

    kind: Literal["ShutdownSequenceComponent"] = "ShutdownSequenceComponent"
    prefix: Prefix


class ShutdownAllSequenceComponents(Message):
    """End all sequence components, the sequencers in them, and release all resources."""

    kind: Literal["ShutdownAllSequenceComponents"] = "ShutdownAllSequenceComponents"


class ReloadObsModes(Message):
    """Read the catalogue of observing modes anew; modes that run are left as they are."""

    kind: Literal["ReloadObsModes"] = "ReloadObsModes"


class GetObsModesDetails(Message):
    """Every mode of the catalogue with what it needs and whether it could be configured now."""

    kind: Literal["GetObsModesDetails"] = "GetObsModesDetails"


class GetResources(Message):
    """Every resource of the catalogue, and which mode holds it."""

    kind: Literal["GetResources"] = "GetResources"


class GetPlan(Message):
    """Which modes can run together, and what each still lacks.

    Args:
        obs_modes: the modes to look at; all of the catalogue when empty.
    """

    kind: Literal["GetPlan"] = "GetPlan"
    obs_modes: tuple[ObsMode, ...] = ()


class GetSequenceManagerState(Message):
    """Idle or Processing; answered at once, nobody is asked."""

    kind: Literal["GetSequenceManagerState"] = "GetSequenceManagerState"


class GetManagerStatus(Message):
    """Machines, components, sequencers, running modes: the whole picture."""

    kind: Literal["GetManagerStatus"] = "GetManagerStatus"
