"""Writing a one-file catalogue: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from ocs_ray.config.one_file_catalogue import MODES
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.obs_mode import ObsModeConfig

ABOUT_SCRIPTS = (
    "A list names sequencers without scripts, which is enough for a simulation; write {ESW: esw.py} for real."
)
dump: Any = cast(Any, yaml).safe_dump  # PyYAML carries no types


def write_one_file(file: Path, modes: Mapping[ObsMode, ObsModeConfig], origin: str, *, force: bool) -> None:
    """Write resources and sequencers of ``modes``, without scripts.

    Written aside and moved, so that no reader sees half of it.

    Args:
        origin: the first line, a comment.
        force: overwrite a file that is there.

    Raises:
        BadInputError: it is there already, or cannot be written.
    """
    content = {
        MODES: {
            str(name): {"resources": _words(mode.resources), "sequencers": _words(mode.sequencers)}
            for name, mode in modes.items()
        }
    }
    text = f"# {origin}\n# {ABOUT_SCRIPTS}\n\n{dump(content, sort_keys=False, default_flow_style=None, width=110)}"
    aside = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        aside.write_text(text, encoding="utf-8")
        try:
            if force:
                aside.replace(file)
            else:
                os.link(aside, file)  # unlike a rename, it fails when the file is there
        finally:
            aside.unlink(missing_ok=True)
    except FileExistsError:
        raise BadInputError(
            where=str(file), problem="it is there already", remedy="overwrite it with --force"
        ) from None
    except OSError as failure:
        raise BadInputError(
            where=str(file), problem=f"it cannot be written: {failure}", remedy="write elsewhere with -o OUT.yaml"
        ) from None


def _words(texts: Any) -> list[str]:
    return [str(text) for text in texts]
