"""The resources of observing modes as Ray placement groups: the second of the two decisions about conflicts.

A group on a taken resource is no error in Ray: it stays pending, and once pending it is looked at only every second.
So a group that is not granted at once is removed and asked for anew a little later, when Ray's view of free resources
(refreshed every 100 ms) has caught up with a release just before. Source: reference ray_facts.md section 4.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import ray
from ray.util.placement_group import (
    get_placement_group,
    placement_group,
    placement_group_table,
    remove_placement_group,
)

from ocs_ray.errors import ClusterError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Subsystem

GROUP: Final = "obsmode:"
RESOURCE: Final = "resource:"
GRANT_S: Final = 0.05
AGAIN_S: Final = 0.1
GIVE_UP_S: Final = 2.0
"""How long a resource released just now may take to be free again, in seconds."""


class RayReservations:
    """One detached placement group a configured mode, one bundle a resource."""

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> bool:
        """Take all resources of a mode, or none; see ``workplace.Reservations``.

        Raises:
            ClusterError: no node offers one of the resources at all.
        """
        if not resources:
            return True
        offered = ray.cluster_resources()
        if absent := [resource for resource in resources if f"{RESOURCE}{resource}" not in offered]:
            raise ClusterError(
                problem=f"no node of the cluster offers {', '.join(RESOURCE + r for r in absent)}, which {mode} needs",
                remedy="start a node with it: ray start --resources='{\"resource:IRIS\": 1}'",
            )
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            group = placement_group(
                [{f"{RESOURCE}{resource}": 1} for resource in resources], name=f"{GROUP}{mode}", lifetime="detached"
            )
            if await _granted(group):
                return True
            remove_placement_group(group)
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(AGAIN_S)

    async def release(self, mode: ObsMode) -> None:
        """Give the resources of a mode back; see ``workplace.Reservations``."""
        try:
            remove_placement_group(get_placement_group(f"{GROUP}{mode}"))
        except ValueError:
            return

    async def held(self) -> tuple[ObsMode, ...]:
        """Modes that hold resources."""
        table: dict[str, dict[str, Any]] = placement_group_table()
        found = [row["name"] for row in table.values() if row["state"] != "REMOVED"]
        return tuple(ObsMode(name.removeprefix(GROUP)) for name in found if name.startswith(GROUP))


def release_all() -> None:
    """Give the resources of all modes back."""
    table: dict[str, dict[str, Any]] = placement_group_table()
    for row in table.values():
        if row["name"].startswith(GROUP) and row["state"] != "REMOVED":
            remove_placement_group(get_placement_group(row["name"]))


async def _granted(group: Any) -> bool:
    deadline = time.monotonic() + GRANT_S
    while placement_group_table(group)["state"] != "CREATED":
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.002)
    return True
