"""Provision, and ending sequence components. Source: reference esw_sm sections 4 and 6.2."""

from __future__ import annotations

import asyncio

from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_reading import Observatory, reason_of
from ocs_ray.actors.manager_sequencers import Sequencers, not_found
from ocs_ray.core.provision_plan import plan
from ocs_ray.errors import OperationFailedError
from ocs_ray.models.agent_messages import Spawned, SpawnSequenceComponent
from ocs_ray.models.manager_messages import Provision
from ocs_ray.models.manager_replies import (
    CouldNotFindMachines,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix

SPAWN_S = 60.0
"""Longest wait for an agent to start a component, in seconds; a cold process on a busy machine takes 30."""


class Provisioning:
    """The operations on sequence components.

    Args:
        seen: the observatory.
        sequencers: ends sequencers that have no component.
        ending: ends components.
    """

    def __init__(self, seen: Observatory, sequencers: Sequencers, ending: Ending) -> None:
        self._seen, self._sequencers, self._ending = seen, sequencers, ending

    async def provision(self, message: Provision) -> Message:
        """Replace all components by those asked for. Machines are looked for before anything is ended."""
        wanted = {machine: count for machine, count in message.components.items() if count}
        agents = await self._seen.agents(self._seen.registered())
        known = tuple(sorted(agent for agent, status in agents.items() if status is not None))
        if missing := tuple(machine for machine in wanted if machine not in known):
            return CouldNotFindMachines(machines=missing, known=known)
        await self.shutdown_all()
        replies = await asyncio.gather(*(self._spawn(machine, component) for machine, component in plan(wanted)))
        failures = tuple(reply for reply in replies if reply is not None)
        return SpawningSequenceComponentsFailed(failure_responses=failures) if failures else Success()

    async def _spawn(self, machine: Prefix, component: Prefix) -> str | None:
        message = SpawnSequenceComponent(prefix=component)
        reply = await self._seen.try_ask(machine, ComponentType.Machine, message, SPAWN_S)
        if isinstance(reply, Spawned):
            return None
        return f"Failed to spawn Sequence component: {component} on Machine: {machine}, reason: {reason_of(reply)}"

    async def shutdown(self, prefix: Prefix) -> Message:
        """End one component and the sequencer in it; unlike a sequencer, one that is not there is an error."""
        if prefix not in self._seen.registered().components:
            return not_found(prefix, ComponentType.SequenceComponent)
        await self._ending.components([prefix])
        return Success()

    async def shutdown_all(self) -> Message:
        """End all components, those no agent started among them, and all sequencers; every mode is released."""
        failures: list[str] = []
        try:
            await self._ending.components(self._seen.registered().components)
        except OperationFailedError as failure:  # one that hangs must not keep the rest from ending
            failures.append(failure.reason)
        try:
            await self._sequencers.shutdown_all()
        except OperationFailedError as failure:
            failures.append(failure.reason)
        if failures:
            raise OperationFailedError(reason="; ".join(failures))
        return Success()
