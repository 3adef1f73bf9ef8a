"""Which observing modes can run together, as a matrix for people and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ocs_ray.cli import report_table
from ocs_ray.models import wire
from ocs_ray.models.manager_replies import ModePlan, Plan


def document(seen: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "modes": [wire.encode(mode) for mode in seen.modes],
        "together": seen.together,
        "missing_together": list(seen.missing_together),
    }


def tables(seen: Plan) -> Iterator[RenderableType]:
    """The plan for people: who excludes whom and why, what each lacks, and whether all can run at once."""
    yield _matrix(seen)
    yield _lacks(seen)
    yield Text(f"\n{_together(seen)}")


def lacks(mode: ModePlan) -> str:
    """What keeps a mode from being configured now; nothing when it can be."""
    held = [f"{resource} is held by {holder}" for resource, holder in mode.held.items()]
    missing = [f"a sequence component for {info}" for info in mode.missing]
    machines = [f"a machine of {subsystem} or ESW" for subsystem in mode.machines]
    absent = [f"no node offers {resource}" for resource in mode.not_offered]
    return "; ".join([*held, *missing, *machines, *absent])


def _matrix(seen: Plan) -> Table:
    """A cell names the resources both modes need; an empty one means that they do not exclude each other."""
    shown = report_table.table("who excludes whom", "mode", *(mode.obs_mode for mode in seen.modes))
    for mode in seen.modes:
        cells = (
            "-" if other.obs_mode == mode.obs_mode else " ".join(mode.excludes.get(other.obs_mode, ()))
            for other in seen.modes
        )
        shown.add_row(mode.obs_mode, *cells)
    return shown


def _lacks(seen: Plan) -> Table:
    shown = report_table.table("what each still lacks", "mode", "status", "lacks")
    for mode in seen.modes:
        shown.add_row(mode.obs_mode, mode.status, lacks(mode))
    return shown


def _together(seen: Plan) -> str:
    names = ", ".join(mode.obs_mode for mode in seen.modes) or "no mode"
    if seen.together:
        return f"can run together: {names}"
    missing = f"; placed at once, no sequence component is left for {', '.join(seen.missing_together)}"
    return f"cannot run together now: {names}{missing if seen.missing_together else ''}"
