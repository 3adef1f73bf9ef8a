"""Where instances run: Ray says which machine has room, and an actor of ours on it starts them.

An instance whose package names resources holds a detached placement group, ``instance:<id>``, as long as it lives: so
Ray's own books say what is free. One that names none goes where the fewest are.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import ray
from ray.exceptions import RayError
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table, remove_placement_group

from ocs_ray.actors.spawning import create
from ocs_ray.errors import BadInputError, ClusterError, NameTakenError, OcsError, RefusedError, UnreachableError
from ocs_ray.location.call import find, names
from ocs_ray.models.actor_names import instance_host
from ocs_ray.models.package_manifest import check_resources

GROUP: Final = "instance:"
HOST_S: Final = 60.0
LOOK_S: Final = 0.001
AGAIN_S: Final = 0.01
GIVE_UP_S: Final = 2.0
"""How long resources may take to be free, in seconds: Ray's view of a release just before is a little old."""
TOO_LONG_S: Final = 5.0


class InstanceRoom(Protocol):
    """Machines, and room on them."""

    def machines(self) -> list[str]:
        """Host names of the machines that are there."""
        ...

    async def take(self, id_: str, resources: Mapping[str, float]) -> str:
        """Reserve resources for an instance; the machine they are on.

        Raises:
            RefusedError: no machine has them free now, or at all.
            BadInputError: nobody can have them.
            ClusterError: the cluster fails.
        """
        ...

    async def give_back(self, id_: str) -> None:
        """Release them; what is not reserved is no error."""
        ...

    async def host(self, machine: str) -> str:
        """See that a machine's host is up; the name of its actor.

        Raises:
            UnreachableError: the machine is not there.
            ClusterError: the host does not come up.
        """
        ...


class RayRoom:
    """Ray's.

    Args:
        data: folder of packages and instances, on every machine.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._starting: dict[str, asyncio.Lock] = {}

    def machines(self) -> list[str]:
        return sorted(self._nodes())

    async def take(self, id_: str, resources: Mapping[str, float]) -> str:
        check_resources(resources, "observatory.resources")
        try:
            return await self._take(id_, resources)
        except ValueError as failure:
            remedy = "correct observatory.resources in its package.json and send it as a new version"
            raise BadInputError("observatory.resources", f"Ray refuses them: {failure}", remedy) from None
        except RayError as failure:
            cause = next(iter(str(failure).splitlines()), "")
            problem = f"Ray did not reserve room: {type(failure).__name__}: {cause}"
            raise ClusterError(problem=problem, remedy="look whether the cluster is well: ocs status") from None

    async def _take(self, id_: str, resources: Mapping[str, float]) -> str:
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            node_id = await self._attempt(id_, resources)
            if node_id is not None:
                if (machine := {node: each for each, node in self._all_nodes()}.get(node_id)) is not None:
                    return machine
                await self.give_back(id_)  # its machine went in this moment: another may have room
            if time.monotonic() > deadline:
                wanted = ", ".join(f"{name}: {amount:g}" for name, amount in resources.items())
                text = f"no machine has {wanted} free; another instance has to end first, or a machine to join"
                raise RefusedError("no room", "start", text)
            await asyncio.sleep(AGAIN_S)

    async def give_back(self, id_: str) -> None:
        for key, row in _table().items():
            if row["name"] == GROUP + id_ and row["state"] != "REMOVED":
                remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(key))))

    async def host(self, machine: str) -> str:
        name = instance_host(machine)
        async with self._starting.setdefault(machine, asyncio.Lock()):
            if name not in names():
                node_id = self._nodes().get(machine)
                if node_id is None:
                    raise UnreachableError(name=f"machine {machine}", reason="is not there", remedy="see: ocs agents")
                with contextlib.suppress(NameTakenError):  # another package service that is just going
                    create("InstanceHost", name, machine, str(self._data), resource=None, node_id=node_id)
                await _started(name)
        return name

    def _nodes(self) -> dict[str, str]:
        """Machine -> one of its nodes."""
        return dict(self._all_nodes())

    def _all_nodes(self) -> list[tuple[str, str]]:
        return [(node["NodeManagerHostname"], node["NodeID"]) for node in ray.nodes() if node["Alive"]]

    async def _attempt(self, id_: str, resources: Mapping[str, float]) -> str | None:
        """Ask for the resources once; unless they are granted, nothing of it stays."""
        group = placement_group([dict(resources)], name=GROUP + id_, lifetime="detached")
        granted: str | None = None
        try:
            granted = await _granted(group)
        finally:
            if granted is None:
                remove_placement_group(group)
        return granted


async def _granted(group: PlacementGroup) -> str | None:
    too_late = time.monotonic() + TOO_LONG_S
    while time.monotonic() < too_late:
        row: dict[str, Any] = placement_group_table(group)
        if row["state"] == "CREATED":
            return row["bundles_to_node_id"][0]
        if row["state"] == "REMOVED" or row["stats"]["scheduling_state"] in ("NO_RESOURCES", "INFEASIBLE"):
            return None
        await asyncio.sleep(LOOK_S)
    return None


async def _started(name: str) -> None:
    try:
        await asyncio.wait_for(asyncio.wrap_future(find(name).start.remote().future()), HOST_S)
    except (TimeoutError, RayError) as failure:
        cause = getattr(failure, "cause", None)
        if isinstance(cause, OcsError):
            raise cause from None
        problem = f"{name} did not come up: {type(failure).__name__}"
        raise ClusterError(problem=problem, remedy="look at the machine's load and at Ray's logs") from None


def _table() -> dict[str, dict[str, Any]]:
    return placement_group_table()


def release_instances() -> None:
    """Give the resources of all instances back."""
    for key, row in _table().items():
        if row["name"].startswith(GROUP) and row["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(bytes.fromhex(key))))
