"""The catalogue of observing modes: one folder a mode, with its ``mode.yaml``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PositiveFloat, ValidationError

from ocs_ray.config.yaml_file import line_of, read_mapping, validated
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Subsystem


class _ModeFile(Message):
    resources: tuple[Subsystem, ...]
    sequencers: dict[VariationInfo, str] = Field(min_length=1)
    example: str | None = None
    hook_limit_s: PositiveFloat = 60.0


def read_catalogue(root: Path) -> dict[ObsMode, ObsModeConfig]:
    """Every mode of a catalogue folder, sorted by name.

    Args:
        root: folder with one folder a mode; folders without ``mode.yaml`` hold shared scripts and are passed over.

    Raises:
        BadInputError: no such folder, no mode in it, or a faulty ``mode.yaml`` (with file and line).
    """
    if not root.is_dir():
        raise BadInputError(
            where=str(root), problem="there is no such catalogue of observing modes", remedy="give --obsmodes FOLDER"
        )
    files = sorted(root.glob("*/mode.yaml"))
    if not files:
        raise BadInputError(where=str(root), problem="no mode.yaml in its folders", remedy="give --obsmodes FOLDER")
    return {mode.name: mode for mode in (read_mode(file, root) for file in files)}


def read_mode(file: Path, root: Path) -> ObsModeConfig:
    """One mode; its paths are absolute.

    Raises:
        BadInputError: names the file, the line and the fault.
    """
    data, node = read_mapping(file, "observing mode")
    raw = validated(_ModeFile, data, node, file)
    folder = file.parent.resolve()
    try:
        return ObsModeConfig(
            name=ObsMode(folder.name),
            resources=raw.resources,
            sequencers={info: str(folder / script) for info, script in raw.sequencers.items()},
            root=str(root.resolve()),
            example=str(folder / raw.example) if raw.example else None,
            hook_limit_s=raw.hook_limit_s,
        )
    except BadInputError as failure:
        raise BadInputError(where=f"{file.parent}", problem=failure.problem, remedy="rename the folder") from None
    except ValidationError as failure:
        raise BadInputError(
            where=f"{file}:{line_of(node, ['sequencers'])}",
            problem=failure.errors(include_url=False)[0]["msg"].removeprefix("Value error, "),
            remedy="every mode has an ESW sequencer",
        ) from None
