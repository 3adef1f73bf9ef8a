"""An observing mode: what it needs. Source: esw ObsModeConfig.scala; scripts and example are ours."""

from __future__ import annotations

from typing import Final

from pydantic import PositiveFloat, model_validator

from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.procedure_settings import ProcedureSettings

PACKAGE: Final = "package:"
"""How a script from a package begins: ``package:NAME@TAG``, or ``package:@TAG`` for the one written for the prefix."""


class ObsModeConfig(Message):
    """Resources and sequencers of one observing mode.

    Args:
        name: folder name of the mode.
        resources: subsystems taken whole while the mode is configured.
        sequencers: ``IRIS`` or ``IRIS.variation`` -> path of its script, or ``package:NAME@TAG``; None when the
            catalogue names no script, which is enough for a simulation.
        root: folder scripts may import from.
        example: path of the example sequence, or None.
        hook_limit_s: longest a hook of one of the scripts may take, in seconds.
        procedure: how patient the procedure is with the scripts, and what suspends it.
    """

    name: ObsMode
    resources: tuple[Subsystem, ...]
    sequencers: dict[VariationInfo, str | None]
    root: str
    example: str | None = None
    hook_limit_s: PositiveFloat = 60.0
    procedure: ProcedureSettings = ProcedureSettings()

    def procedure_of(self, info: VariationInfo) -> ProcedureSettings:
        """What the procedure of one sequencer is started with: the top-level one alone follows external causes.

        Those it waits for are suspended through it.
        """
        is_top = info == VariationInfo("ESW")
        return self.procedure if is_top else self.procedure.model_copy(update={"suspend_when": ()})

    @model_validator(mode="after")
    def _has_a_top_level_sequencer(self) -> ObsModeConfig:
        if VariationInfo("ESW") not in self.sequencers:
            raise ValueError(f"the mode has no ESW sequencer: {', '.join(self.sequencers)} found")
        return self

    def sequencer_prefixes(self) -> tuple[Prefix, ...]:
        """Prefixes of the mode's sequencers, in the order of the file."""
        return tuple(v.sequencer_prefix(self.name) for v in self.sequencers)

    @property
    def top_level(self) -> Prefix:
        """The sequencer observations are sent to."""
        return VariationInfo("ESW").sequencer_prefix(self.name)
