"""What a catalogue says of one observing mode, in whichever kind of file it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, PositiveFloat, ValidationError, field_validator

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import PACKAGE, ObsModeConfig
from ocs_ray.models.prefix import Subsystem, known_subsystem
from ocs_ray.models.procedure_settings import ProcedureSettings, SuspendRule


def _known(value: object) -> object:
    """Pydantic's own words would list all 34 subsystems."""
    try:
        return known_subsystem(value, value) if isinstance(value, str) else value
    except BadInputError as failure:
        raise ValueError(f"{failure.problem} ({failure.remedy})" if failure.remedy else failure.problem) from None


class ModeEntry(Message):
    """One mode as a file has it.

    Args:
        resources: subsystems; one that is named twice counts once, as in ESW.
        sequencers: ``ESW`` or ``IRIS.imager`` -> script, relative to the file, or ``package:NAME@TAG``; a plain list
            names no scripts.
        example: file of a sequence, relative to this one.
        hook_limit_s: longest a hook may take, in seconds.
        procedure: how patient the procedure is with its scripts.
        suspend_when: external causes that suspend the mode's top-level sequencer; one, or a list.

    Source: esw ObsModeConfig.scala; scripts, example and limit are ours.
    """

    resources: tuple[Annotated[Subsystem, BeforeValidator(_known)], ...]
    sequencers: dict[VariationInfo, str | None] = Field(min_length=1)
    example: str | None = None
    hook_limit_s: PositiveFloat = 60.0
    procedure: ProcedureSettings = ProcedureSettings()
    suspend_when: tuple[SuspendRule, ...] = ()

    @field_validator("suspend_when", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [cast("object", value)] if isinstance(value, dict) else value

    @field_validator("resources")
    @classmethod
    def _each_once(cls, value: tuple[Subsystem, ...]) -> tuple[Subsystem, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("sequencers", mode="before")
    @classmethod
    def _from_a_list(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        names = [str(name) for name in cast("list[object]", value)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is listed twice; tell them apart with a variation: IRIS.imager")
        return dict.fromkeys(names)

    def to_mode(self, name: ObsMode, folder: Path, root: Path) -> ObsModeConfig:
        """The mode with absolute paths.

        Args:
            folder: what the paths of the entry are relative to.
            root: what its scripts may import from.

        Raises:
            ValidationError: it has no ESW sequencer.
        """
        folder = folder.resolve()
        return ObsModeConfig(
            name=name,
            resources=self.resources,
            sequencers={info: _script(folder, script) for info, script in self.sequencers.items()},
            root=str(root.resolve()),
            example=str(folder / self.example) if self.example else None,
            hook_limit_s=self.hook_limit_s,
            procedure=self.procedure.model_copy(
                update={"suspend_when": (*self.procedure.suspend_when, *self.suspend_when)}
            ),
        )


def _script(folder: Path, script: str | None) -> str | None:
    return script if not script or script.startswith(PACKAGE) else str(folder / script)


def first_text(failure: ValidationError) -> str:
    """What is wrong, in words."""
    details: Any = failure.errors(include_url=False)[0]
    return str(details["msg"]).removeprefix("Value error, ")
