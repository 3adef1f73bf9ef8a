"""The resources of observing modes as Ray placement groups: the second of the two decisions about conflicts.

A group on a taken resource is no error in Ray: it stays pending, and once refused it is looked at again only every
second. So a refused group is removed at once and asked for anew a little later, when Ray's view of free resources has
caught up with a release just before. Decision 0010 has the figures.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import RaySystemError
from ray.util.placement_group import (
    PlacementGroup,
    placement_group,
    placement_group_table,
    remove_placement_group,
)

from ocs_ray.core.resource_conflict import RESOURCE, check_offered
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Subsystem

GROUP: Final = "obsmode:"
HEAD: Final = "node:__internal_head__"
"""Ray's own resource of the head node."""
MARKER: Final = 0.0001
"""What a mode that needs no resources takes of it: its group's name is unique, so no second manager configures it."""
TAKEN: Final = "already exists"
"""What Ray's error says of a name that is in use; it has no class of its own."""
LOOK_S: Final = 0.001
AGAIN_S: Final = 0.01
"""Pause between two attempts, in seconds: much less than the 0.1 s after which Ray's view has caught up."""
ATTEMPT_S: Final = 0.06
"""How long the first attempt waits for Ray's word, in seconds; the next ones twice as long each.

Rarely a node refuses what Ray's head thought free, and then nothing is said for half a second: asking anew is quicker.
"""
LONGEST_ATTEMPT_S: Final = 0.5
"""Longest one attempt may wait, in seconds; what is granted later is not taken."""
ABANDONED_S: Final = 1.0
"""A group that waits longer than any attempt, in seconds, belongs to a process that died: it is removed."""
GIVE_UP_S: Final = 2.0
"""How long resources no mode holds may take to be free, in seconds."""


class _Group(NamedTuple):
    id: str
    mode: ObsMode
    resources: tuple[Subsystem, ...]
    waits: bool

    def remove(self) -> None:
        remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(self.id))))


class RayReservations:
    """One detached placement group a configured mode, one bundle a resource. A mode that needs none has a group too."""

    def __init__(self) -> None:
        self._watched: dict[str, asyncio.Task[None]] = {}

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> str | None:
        """Take all resources of a mode, or none; see ``workplace.Reservations``.

        Raises:
            ClusterError: no node offers one of the resources at all.
        """
        check_offered(mode, resources, self.offered())
        deadline, patience_s = time.monotonic() + GIVE_UP_S, ATTEMPT_S
        while not any(g.mode == mode or not set(g.resources).isdisjoint(resources) for g in self._holding()):
            if (group := await _attempt(mode, resources, patience_s)) is not None:
                return group
            patience_s = min(2 * patience_s, LONGEST_ATTEMPT_S)
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(AGAIN_S)
        return None

    async def holds(self, mode: ObsMode, reservation: str) -> bool:
        """Whether this reservation still stands, by the group's id; see ``workplace.Reservations``."""
        return any(group.mode == mode and group.id == reservation for group in self._holding())

    async def release(self, mode: ObsMode, reservation: str | None = None) -> None:
        """Give the resources of a mode back; see ``workplace.Reservations``."""
        for group in self._holding():
            if group.mode == mode and reservation in (None, group.id):
                group.remove()

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        """Mode -> the resources it holds now; see ``workplace.Reservations``."""
        return {group.mode: group.resources for group in self._holding()}

    def offered(self) -> frozenset[Subsystem]:
        """The resources some node offers at all; see ``workplace.Reservations``."""
        known = {f"{RESOURCE}{subsystem}": subsystem for subsystem in Subsystem}
        return frozenset(known[name] for name in ray.cluster_resources() if name in known)

    def _holding(self) -> list[_Group]:
        """Groups that hold resources. Those that wait hold none; each is watched, in case nobody waits for it."""
        groups = _groups()
        for group in groups:
            if group.waits and group.id not in self._watched:
                self._watched[group.id] = asyncio.create_task(self._remove_if_abandoned(group))
        return [group for group in groups if not group.waits]

    async def _remove_if_abandoned(self, group: _Group) -> None:
        """Left alone, it would be granted one day and hold what nobody asked for.

        What is taken from somebody who was only slow is not lost: an attempt this old does not count any more.
        """
        try:
            await asyncio.sleep(ABANDONED_S)
            if group in _groups():
                group.remove()
        finally:
            del self._watched[group.id]


def release_all() -> None:
    """Give the resources of all modes back."""
    for group in _groups():
        group.remove()


async def _attempt(mode: ObsMode, resources: tuple[Subsystem, ...], patience_s: float) -> str | None:
    """Ask for the resources once, for ``patience_s`` seconds; unless they are granted, nothing of it stays.

    Returns:
        The id of the group that holds them.
    """
    too_late = time.monotonic() + patience_s
    name = f"{GROUP}{mode}"
    bundles = [{f"{RESOURCE}{each}": 1.0} for each in resources] or [{HEAD: MARKER}]
    try:
        group = placement_group(bundles, name=name, lifetime="detached")
    except RaySystemError as failure:
        if TAKEN in str(failure):  # somebody else configures this mode
            return None
        raise
    granted = False
    try:
        granted = await _granted(group, too_late)
    finally:
        if not granted:
            remove_placement_group(group)
    return group.id.hex() if granted else None


async def _granted(group: PlacementGroup, too_late: float) -> bool:
    while True:
        row: dict[str, Any] = placement_group_table(group)
        if time.monotonic() > too_late:
            return False
        if row["state"] == "CREATED":
            return True
        if row["state"] == "REMOVED" or row["stats"]["scheduling_state"] in ("NO_RESOURCES", "INFEASIBLE"):
            return False
        await asyncio.sleep(LOOK_S)


def _groups() -> list[_Group]:
    table: dict[str, dict[str, Any]] = placement_group_table()
    return [
        _Group(row["placement_group_id"], _mode(row), _resources(row), row["state"] == "PENDING")
        for row in table.values()
        if row["name"].startswith(GROUP) and row["state"] != "REMOVED"
    ]


def _mode(row: dict[str, Any]) -> ObsMode:
    return ObsMode(row["name"].removeprefix(GROUP))


def _resources(row: dict[str, Any]) -> tuple[Subsystem, ...]:
    bundles = [row["bundles"][index] for index in sorted(row["bundles"])]
    named = (name for bundle in bundles for name in bundle if name.startswith(RESOURCE))
    return tuple(Subsystem(name.removeprefix(RESOURCE)) for name in named)
