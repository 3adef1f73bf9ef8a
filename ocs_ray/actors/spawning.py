"""Starting and ending Ray actors. Source: reference ray_facts.md section 2."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Final

import ray
from ray.exceptions import RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ocs_ray.actors.left_over import end_left_over
from ocs_ray.errors import ClusterError, NameTakenError, OcsError, UnreachableError
from ocs_ray.location.call import RayPort, find, forget, names
from ocs_ray.models.actor_names import NAMESPACE, SEQUENCE_MANAGER, actor_name
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
        start_s: longest an actor may take to come up, in seconds.
    """

    def __init__(self, machine: Prefix, resource: str, start_s: float = START_S) -> None:
        self._machine, self._resource, self._start_s = machine, resource, start_s

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        """Start a sequence component; see ``workplace.Spawner``."""
        name = actor_name(prefix, ComponentType.SequenceComponent)
        await self._spawn("SequenceComponent", name, prefix, self._machine, self._resource)

    async def spawn_sequence_manager(self, catalogue: str, time_factor: float, simulation: bool) -> None:
        """Start the Sequence Manager; see ``workplace.Spawner``."""
        await self._spawn("SequenceManager", SEQUENCE_MANAGER, catalogue, time_factor, simulation)

    async def spawn_device(self, device: DeviceSpec, time_factor: float, container: Prefix | None = None) -> None:
        """Start a device; see ``workplace.Spawner``."""
        name = actor_name(device.prefix, device.component_type)
        await self._spawn("Device", name, device, self._machine, time_factor, container)

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        """Start a sequencer; see ``workplace.Spawner``. It is never restarted: its run would be lost unseen."""
        name = actor_name(prefix, ComponentType.Sequencer)
        await self._spawn("Sequencer", name, prefix, obs_mode, sequence_component, restarts=0)

    async def kill(self, name: str) -> None:
        """End an actor for certain; one that is gone already is no error."""
        try:
            await _end(find(name), name)
        except UnreachableError:
            return

    async def _spawn(self, kind: str, name: str, *args: Any, restarts: int = -1) -> None:
        handle = create(kind, name, *args, resource=self._resource, restarts=restarts)
        try:
            await asyncio.wait_for(asyncio.wrap_future(handle.start.remote().future()), self._start_s)
        except (TimeoutError, RayError) as failure:
            await _end(handle, name)
            cause = getattr(failure, "cause", None)
            if isinstance(cause, OcsError):
                raise cause from None
            raise ClusterError(
                problem=_why_it_is_not_there(name, failure, self._start_s),
                remedy="look at the machine's load and at Ray's logs",
            ) from None
        except BaseException:  # nobody wants it any more; another may want its name at once
            await _end(handle, name)
            raise


async def _end(handle: Any, name: str) -> None:
    """Return when the actor, its name and the processes it started are gone."""
    ray.kill(handle)
    forget(name)
    while _is_called(handle, name):  # noqa: ASYNC110 - Ray tells nobody when the name is free, a few ms later
        await asyncio.sleep(0.005)
    forget(name)  # somebody may have asked meanwhile
    await asyncio.to_thread(end_left_over, handle._actor_id.hex())


def _is_called(handle: Any, name: str) -> bool:
    """Whether the name is still this actor's; another may have taken it the moment it was free."""
    try:
        return name in names() and find(name)._actor_id == handle._actor_id
    except UnreachableError:
        return False


def _why_it_is_not_there(name: str, failure: Exception, limit_s: float) -> str:
    """ESW's words for a component that did not come up, with what Ray knows."""
    if isinstance(failure, TimeoutError):
        return f"{name} is not registered with location service. Reason: it did not come up within {limit_s:g} s"
    if isinstance(failure, RayActorError):
        return f"{name}: Process terminated before registration was successful"
    return f"{name} did not start: {str(failure).splitlines()[0]}"


def create(
    kind: str, name: str, *args: Any, resource: str | None, restarts: int = -1, node_id: str | None = None
) -> Any:
    """Create a detached named actor, without waiting for it.

    Args:
        kind: class name in ``ray_actors``.
        resource: node resource that pins it, None for anywhere.
        restarts: how often Ray restarts it after a crash, -1 for always.
        node_id: the node it has to be on, for what belongs to a machine that has no resource of ours.

    Raises:
        NameTakenError: the name is taken.
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
        scheduling_strategy=None if node_id is None else NodeAffinitySchedulingStrategy(node_id, soft=False),
    )
    try:
        return options.remote(*args)
    except ValueError:
        raise NameTakenError(
            problem=f"{name} is running already", remedy="end it first, or use it: ocs status"
        ) from None
