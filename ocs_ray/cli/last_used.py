"""What ``-`` means: the last package packed, sent or started, and the last instance, of this user in this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from ocs_ray.cli.cluster_session import this_home
from ocs_ray.errors import BadInputError

Kind = Literal["package", "sequence", "instance"]
LAST = "-"
_HOW = {"package": "ocs seq pack DIR", "sequence": "ocs seq send FILE", "instance": "ocs seq start ID"}


def meant(kind: Kind, given: str) -> str:
    """What was given, or the last one when that is ``-``.

    Raises:
        BadInputError: there is no last one yet.
    """
    if given != LAST:
        return given
    last = _read(this_home().last_used_file).get(kind)
    if last is None:
        noun = {"package": "package was packed", "sequence": "package was sent", "instance": "instance was started"}
        raise BadInputError("", f"'-' is the last one, and no {noun[kind]} yet", f"name it, or: {_HOW[kind]}")
    return last


def remember(kind: Kind, used: str) -> None:
    """This one is the last one now."""
    file = this_home().last_used_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({**_read(file), kind: used}), encoding="utf-8")
    fresh.replace(file)


def _read(file: Path) -> dict[str, str]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
