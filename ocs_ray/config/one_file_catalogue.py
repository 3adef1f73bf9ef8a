"""A catalogue of observing modes in one YAML file: ``modes: {NAME: {resources: [..], sequencers: {..}}}``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from ocs_ray.config.catalogue_reading import Fault, Reading
from ocs_ray.config.mode_entry import ModeEntry, first_text
from ocs_ray.config.yaml_file import Keys, faults_of, line_of, read_mapping
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.obs_mode import ObsModeConfig

MODES = "modes"


def read_one_file(file: Path) -> Reading:
    """Every mode of a one-file catalogue; paths in it are relative to the file, whose folder scripts import from.

    Raises:
        BadInputError: no such file, not YAML, or no ``modes``: nothing in it can be used.
    """
    data, node = read_mapping(file, "catalogue of observing modes")
    if unknown := sorted(str(key) for key in data if key != MODES):
        where = f"{file}:{line_of(node, [unknown[0]])}"
        raise BadInputError(where=where, problem=f"unknown key '{unknown[0]}'", remedy=f"it has one: '{MODES}'")
    entries: object = data.get(MODES)
    if not isinstance(entries, dict) or not entries:
        where = f"{file}:{line_of(node, [MODES])}"
        raise BadInputError(where=where, problem=f"'{MODES}' names no observing mode", remedy="see the docs: files.md")
    modes: dict[ObsMode, ObsModeConfig] = {}
    faults: list[Fault] = []
    for name, entry in cast("Mapping[object, object]", entries).items():
        found = mode_or_faults(str(name), entry, node, file, above=(MODES, str(name)))
        if isinstance(found, ObsModeConfig):
            modes[found.name] = found
        else:
            faults += [Fault(str(name), error) for error in found]
    return Reading(dict(sorted(modes.items())), tuple(faults))


def mode_or_faults(
    name: str, entry: object, node: yaml.Node, file: Path, *, above: Keys = (), root: Path | None = None
) -> ObsModeConfig | list[BadInputError]:
    """The mode of an entry, or all that is wrong with it.

    Args:
        node: the whole file, for the lines.
        above: the keys that lead to the entry.
        root: what the scripts may import from; the file's folder when left out.
    """
    try:
        checked = ModeEntry.model_validate(entry)
    except ValidationError as failure:
        return [*_name_faults(name, node, file, above), *faults_of(failure, node, file, above)]
    if wrong := _name_faults(name, node, file, above):
        return wrong
    try:
        return checked.to_mode(ObsMode(name), file.parent, root or file.parent)
    except ValidationError as failure:
        where = f"{file}:{line_of(node, [*above, 'sequencers'])}"
        return [BadInputError(where=where, problem=first_text(failure), remedy="every mode has an ESW sequencer")]


def _name_faults(name: str, node: yaml.Node, file: Path, above: Keys) -> list[BadInputError]:
    try:
        ObsMode(name)
    except BadInputError as failure:
        where = f"{file}:{line_of(node, above)}" if above else str(file.parent)
        return [BadInputError(where=where, problem=failure.problem, remedy="rename it")]
    return []
