"""Starting and ending Ray actors. Source: reference ray_facts.md section 2."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Final

import ray
from ray.exceptions import RayError

from ocs_ray.errors import ClusterError, OcsError, UnreachableError
from ocs_ray.location.call import RayPort, find, names
from ocs_ray.models.actor_names import NAMESPACE, actor_name
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix

START_S: Final = 30.0
"""Longest an actor may take to come up, in seconds; a cold worker on a busy machine needs a few."""
QUESTIONS: Final = 10_000
"""Messages one actor works on at the same time: a thousand waiters must not keep a status query out."""
ON_THE_NODE: Final = 0.0001
"""The share of a machine's resource an actor takes: it pins the actor there and never fills the machine."""


RayDirectory = RayPort
"""The location service: Ray's named actors."""


class RaySpawner:
    """Starts and ends the actors of one machine.

    Args:
        machine: the machine's prefix.
        resource: the node resource that pins actors to it.
    """

    def __init__(self, machine: Prefix, resource: str) -> None:
        self._machine, self._resource = machine, resource

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        """Start a sequence component; see ``workplace.Spawner``."""
        name = actor_name(prefix, ComponentType.SequenceComponent)
        await self._spawn("SequenceComponent", name, prefix, self._machine, self._resource)

    async def spawn_device(self, device: DeviceSpec, time_factor: float) -> None:
        """Start a device; see ``workplace.Spawner``."""
        name = actor_name(device.prefix, device.component_type)
        await self._spawn("Device", name, device, self._machine, time_factor)

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        """Start a sequencer; see ``workplace.Spawner``. It is never restarted: its run would be lost unseen."""
        name = actor_name(prefix, ComponentType.Sequencer)
        await self._spawn("Sequencer", name, prefix, obs_mode, sequence_component, restarts=0)

    async def kill(self, name: str) -> None:
        """End an actor for certain; one that is gone already is no error."""
        try:
            ray.kill(find(name))
        except UnreachableError:
            return
        while name in names():  # noqa: ASYNC110 - Ray tells nobody when the name is free, a few ms later
            await asyncio.sleep(0.005)

    async def _spawn(self, kind: str, name: str, *args: Any, restarts: int = -1) -> None:
        handle = create(kind, name, *args, resource=self._resource, restarts=restarts)
        try:
            await asyncio.wait_for(asyncio.wrap_future(handle.start.remote().future()), START_S)
        except (TimeoutError, RayError) as failure:
            ray.kill(handle)
            cause = getattr(failure, "cause", None)
            if isinstance(cause, OcsError):
                raise cause from None
            reason = str(failure).splitlines()[0] if str(failure) else f"it did not come up within {START_S:g} s"
            raise ClusterError(
                problem=f"{name} did not start: {reason}", remedy="look at the machine's load and at Ray's logs"
            ) from None


def create(kind: str, name: str, *args: Any, resource: str | None, restarts: int = -1) -> Any:
    """Create a detached named actor, without waiting for it.

    Args:
        kind: class name in ``ray_actors``.
        resource: node resource that pins it, None for anywhere.
        restarts: how often Ray restarts it after a crash, -1 for always.

    Raises:
        ClusterError: the name is taken.
    """
    actors: dict[str, Any] = importlib.import_module("ocs_ray.actors.ray_actors").ACTORS
    options = actors[kind].options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        num_cpus=0,
        resources={resource: ON_THE_NODE} if resource else None,
        max_restarts=restarts,
        max_task_retries=0,  # a command sent twice would be carried out twice
        max_concurrency=QUESTIONS,
    )
    try:
        return options.remote(*args)
    except ValueError:
        raise ClusterError(problem=f"{name} is running already", remedy="end it first, or use it: ocs status") from None
