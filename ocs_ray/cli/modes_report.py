"""The observing modes and the resources they take, as tables and as JSON documents."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ocs_ray.cli import report_table
from ocs_ray.models import wire
from ocs_ray.models.manager_replies import ObsModesDetails, ResourcesStatus


def document(seen: ObsModesDetails) -> dict[str, Any]:
    """The modes for programs."""
    return {"obs_modes": [wire.encode(mode) for mode in seen.obs_modes]}


def table(seen: ObsModesDetails) -> Table:
    """The modes for people."""
    shown = report_table.table("", "mode", "status", "resources", "sequencers", "why not")
    for mode in seen.obs_modes:
        missing = f"no sequence component for {', '.join(mode.missing)}" if mode.missing else ""
        blocked = f"its resources are held by {', '.join(mode.blocked_by)}" if mode.blocked_by else ""
        reasons = "; ".join(filter(None, (blocked, missing)))
        shown.add_row(mode.obs_mode, mode.status, " ".join(mode.resources), " ".join(mode.sequencers), reasons)
    return shown


def resources_document(seen: ResourcesStatus) -> dict[str, Any]:
    """The resources for programs."""
    return {"resources": [wire.encode(resource) for resource in seen.resources]}


def resources_table(seen: ResourcesStatus) -> Table:
    """The resources for people."""
    shown = report_table.table("", "resource", "status", "held by")
    for resource in seen.resources:
        shown.add_row(resource.resource, resource.status, resource.obs_mode or "")
    return shown
