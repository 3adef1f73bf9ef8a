"""ESW's own files of observing modes: HOCON with the modes below ``esw-sm.obsModes``.

Source: esw ObsModeConfig.scala, reference esw_sm 3.4. The parser keeps no lines, so a fault names file and key.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from ocs_ray.config.catalogue_reading import Fault, Reading
from ocs_ray.config.mode_entry import ModeEntry, first_text
from ocs_ray.config.yaml_file import read_text
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.obs_mode import ObsModeConfig

HOCON: Final = ".conf"
AT: Final = ("esw-sm", "obsModes")
KNOWN: Final = ("resources", "sequencers")


def read_hocon(file: Path) -> Reading:
    """Every mode of a HOCON file; it names no scripts, which is enough for a simulation.

    Raises:
        BadInputError: no such file, not HOCON, or no ``esw-sm.obsModes``: nothing in it can be used.
    """
    content: object = _parse(file)
    for key in AT:
        content = cast("Mapping[str, object]", content).get(key) if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        raise BadInputError(
            where=str(file), problem=f"'{'.'.join(AT)}' names no observing mode", remedy="is it a file of ESW's?"
        )
    modes: dict[ObsMode, ObsModeConfig] = {}
    faults: list[Fault] = []
    for name, entry in cast("Mapping[str, object]", content).items():
        found = _mode_or_faults(name, entry, file)
        if isinstance(found, ObsModeConfig):
            modes[found.name] = found
        else:
            faults += [Fault(name, error) for error in found]
    return Reading(dict(sorted(modes.items())), tuple(faults))


def _mode_or_faults(name: str, entry: object, file: Path) -> ObsModeConfig | list[BadInputError]:
    def fault(problem: str, *keys: object) -> BadInputError:
        where = ".".join(map(str, (*AT, name, *keys)))
        return BadInputError(where=f"{file}: {where}", problem=problem, remedy="correct it and try again")

    try:
        mode = ObsMode(name)
    except BadInputError as failure:
        return [fault(failure.problem)]
    if isinstance(entry, Mapping):  # ESW reads these two and passes over what else stands there
        entry = {key: value for key, value in cast("Mapping[str, object]", entry).items() if key in KNOWN}
    try:
        return ModeEntry.model_validate(entry).to_mode(mode, file.parent, file.parent)
    except ValidationError as failure:
        details: list[Any] = list(failure.errors(include_url=False))
        if details[0]["loc"]:
            return [
                fault(each["msg"].removeprefix("Value error, "), *(k for k in each["loc"] if k != "[key]"))
                for each in details
            ]
        return [fault(first_text(failure), "sequencers")]


def _parse(file: Path) -> Any:
    """The content as plain dicts and lists, substitutions and includes resolved."""
    text = read_text(file, "catalogue of observing modes")
    # Only who has such a file pays for its parser (95 ms); it carries no types.
    factory: Any = importlib.import_module("pyhocon").ConfigFactory
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pyhocon's own, for an include that is not there
            tree = factory.parse_string(text, basedir=str(file.parent.resolve()))
    except Exception as failure:  # pyparsing's, pyhocon's, OSError for an include, and what neither foresaw
        told = " ".join(str(failure).split()) or type(failure).__name__
        raise BadInputError(where=str(file), problem=f"not HOCON: {told}", remedy="correct it and try again") from None
    return tree.as_plain_ordered_dict() if hasattr(tree, "as_plain_ordered_dict") else tree
