"""The catalogue of observing modes: a folder with one folder a mode, one YAML file, or a file of ESW's."""

from __future__ import annotations

from pathlib import Path

from ocs_ray.config.catalogue_reading import Fault, Reading
from ocs_ray.config.hocon_catalogue import HOCON, read_hocon
from ocs_ray.config.one_file_catalogue import mode_or_faults, read_one_file
from ocs_ray.config.yaml_file import read_mapping
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.obs_mode import ObsModeConfig

REMEDY = "give --obsmodes with a folder or a file"


def read_catalogue(path: Path) -> dict[ObsMode, ObsModeConfig]:
    """Every mode of a catalogue, sorted by name; paths in it are absolute.

    Args:
        path: folder with one folder a mode; or a one-file catalogue; or a ``.conf`` of ESW, which names no scripts.

    Raises:
        BadInputError: no such catalogue, no mode in it, or the first fault of one (with file and line).
    """
    found = survey(path)
    if found.faults:
        raise found.faults[0].error
    return found.modes


def survey(path: Path) -> Reading:
    """The modes of a catalogue that are sound, and all faults of the others.

    Raises:
        BadInputError: no such catalogue, or nothing in it can be used.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise BadInputError(where=str(path), problem="there is no such catalogue of observing modes", remedy=REMEDY)
    return read_hocon(path) if path.suffix == HOCON else read_one_file(path)


def _read_folder(root: Path) -> Reading:
    """Folders without ``mode.yaml`` hold shared scripts and are passed over."""
    files = sorted(root.glob("*/mode.yaml"))
    if not files:
        raise BadInputError(where=str(root), problem="no mode.yaml in its folders", remedy=REMEDY)
    modes: dict[ObsMode, ObsModeConfig] = {}
    faults: list[Fault] = []
    for file in files:
        name = file.parent.resolve().name
        try:
            data, node = read_mapping(file, "observing mode")
        except BadInputError as failure:
            faults.append(Fault(name, failure))
            continue
        found = mode_or_faults(name, data, node, file, root=root)
        if isinstance(found, ObsModeConfig):
            modes[found.name] = found
        else:
            faults += [Fault(name, error) for error in found]
    return Reading(modes, tuple(faults))
