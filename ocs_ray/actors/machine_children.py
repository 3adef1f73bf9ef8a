"""Which components belong to a machine: those its agent started, and those that say so themselves.

Nobody but its agent starts components on a machine, so what appears after an agent's first look is its own or somebody
else's, and it asks nobody. What was there before it, it does not know: Ray restarted the agent, or ``ocs up`` started
it again. It asks those where they run, at each look anew until there is an answer: after a whole node was away its
components come back when the agent does, some later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from ocs_ray.actors.workplace import Directory
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import component_of
from ocs_ray.models.component_messages import DeviceStatus, GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.prefix import ComponentType, Prefix

STATUS_S: Final = 2.0
KINDS: Final = (ComponentType.SequenceComponent, ComponentType.Assembly, ComponentType.HCD)

ChildStatus = SequenceComponentStatus | DeviceStatus


class MachineChildren:
    """The components of one machine.

    Args:
        machine: its prefix.
        directory: who is there, and the door to them.
    """

    def __init__(self, machine: Prefix, directory: Directory) -> None:
        self._machine, self._directory = machine, directory
        self._own: set[str] = set()
        self._strangers: set[str] | None = None  # they were there first, and have not said yet where they run
        self._containers: dict[str, Prefix] = {}

    def add(self, name: str, container: Prefix | None = None) -> None:
        """It was started here, alone or in a container."""
        self._own.add(name)
        if container is not None:
            self._containers[name] = container

    def discard(self, name: str) -> None:
        """It was ended."""
        self._own.discard(name)
        self._containers.pop(name, None)

    def of_container(self, container: Prefix) -> list[str]:
        """Names of the devices of a container."""
        return sorted(name for name, prefix in self._containers.items() if prefix == container)

    async def statuses(self) -> dict[str, ChildStatus | None]:
        """Every component of this machine, sorted by name, with what it says; None for one that is silent."""
        found = {name: component_of(name) for name in self._directory.names()}
        registered = {name for name, component in found.items() if component is not None and component[1] in KINDS}
        for gone in self._own - registered:  # it ended itself, or somebody else ended it
            self.discard(gone)
        self._strangers = registered - self._own if self._strangers is None else self._strangers & registered
        asked = sorted(self._own | self._strangers)
        statuses = dict(zip(asked, await self._ask_all(asked), strict=True))
        for name, status in statuses.items():
            self._learn(name, status)
        return {name: status for name, status in statuses.items() if name in self._own}

    async def status_of(self, name: str) -> ChildStatus | None:
        """What one component says, of this machine or another; None when it is silent or of another kind."""
        try:
            reply = await self._directory.ask(name, GetComponentStatus(), STATUS_S)
        except OcsError:
            return None
        return reply if isinstance(reply, ChildStatus) else None

    async def _ask_all(self, names: Iterable[str]) -> list[ChildStatus | None]:
        return await asyncio.gather(*map(self.status_of, names))

    def _learn(self, name: str, status: ChildStatus | None) -> None:
        if status is None:
            return  # one of ours is ours all the same; of any other nobody knows
        if self._strangers is not None:
            self._strangers.discard(name)
        if status.machine != self._machine:
            self.discard(name)
            return
        self.add(name, status.container if isinstance(status, DeviceStatus) else None)
