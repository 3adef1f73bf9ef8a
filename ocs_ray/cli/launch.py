"""Starting what a cluster consists of: services, Sequence Manager, an agent for every machine, devices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError

from ocs_ray.actors.instance_room import release_instances
from ocs_ray.actors.placement import release_all
from ocs_ray.actors.spawning import create
from ocs_ray.errors import ClusterError, OcsError
from ocs_ray.location.call import ask_sync, find, names
from ocs_ray.location.cluster_home import RunningCluster
from ocs_ray.models.actor_names import (
    ALARM_SERVICE,
    CONFIG_SERVICE,
    EVENT_SERVICE,
    GATEWAY,
    PACKAGE_SERVICE,
    SEQUENCE_MANAGER,
    actor_name,
)
from ocs_ray.models.agent_messages import Failed, SpawnDevice
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.component_messages import DeviceSpec, ShutdownComponent
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.instance_messages import EndInstances
from ocs_ray.models.manager_messages import (
    ShutdownAllSequenceComponents,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetStatus

SHUTDOWN_S: Final = 10.0
"""Longest the shutdown hooks of all scripts may take, in seconds."""
DEVICES: Final = (f"-{ComponentType.Assembly}", f"-{ComponentType.HCD}")
HEAD: Final = "node:__internal_head__"
"""Ray's own resource of the head node, where the services everybody needs are."""
GATEWAY_APP: Final = "ocs_ray.gateway.app:create_app"
"""What the gateway's actor serves, by name: actors may not import what is above them."""
ANSWER_S: Final = 60.0
"""Longest wait for one of them to answer, in seconds."""
NODES_S: Final = 5.0
"""How long a node that just joined may take to be seen, in seconds."""


def launch(
    cluster: ClusterFile,
    catalogue: str,
    time_factor: float | None,
    progress: Callable[[str], None],
    config_folder: Path | None = None,
    *,
    simulation: bool = False,
    data_folder: Path | None = None,
    gateway: GatewaySettings | None = None,
) -> str:
    """Start everything of a cluster file and wait until all answer.

    Args:
        cluster: what to start.
        catalogue: folder or file of the observing modes.
        time_factor: overrides that of the file.
        progress: is told what is being done, a line at a time.
        config_folder: what the config service serves; without one there is no config service.
        simulation: every script is replaced by one that completes all commands at once.
        data_folder: of script packages and their instances; without one there is no package service.
        gateway: where HTTP is served; without it there is no gateway.

    Returns:
        The gateway's URL; empty without one.

    Raises:
        ClusterError: a machine has no node, or something did not come up.
    """
    check_machines(cluster)
    if running := names():
        raise ClusterError(
            problem=f"another ocs runs on this Ray cluster already: {', '.join(running[:5])} ...",
            remedy="use that one, or end it where it was started: ocs down",
        )
    created: list[str] = []
    with _all_or_none(created):
        factor = time_factor or cluster.simulation.time_factor
        progress(f"starting the services, the Sequence Manager and {len(cluster.machines)} agents")
        _start(_parts(cluster, catalogue, factor, config_folder, simulation, data_folder, gateway), created)
        devices = [(machine, device) for machine, listed in cluster.devices.items() for device in listed]
        if devices:
            progress(f"starting {len(devices)} simulated devices")
            created += [actor_name(device.prefix, device.component_type) for _, device in devices]
            _start_devices(devices)
        return "" if gateway is None else ask_sync(GATEWAY, GetStatus(), ANSWER_S).url


@contextmanager
def _all_or_none(created: list[str]) -> Iterator[None]:
    """What was created is ended when the rest of it fails or somebody interrupts."""
    try:
        yield
    except BaseException:
        for name in created:
            with suppress(OcsError):
                ray.kill(find(name))
        raise


def restore(
    cluster: ClusterFile,
    running: RunningCluster,
    config_folder: Path | None,
    data_folder: Path,
    gateway: GatewaySettings | None = None,
) -> tuple[tuple[str, ...], str]:
    """Start what of a running cluster is gone for good: services, the Sequence Manager, agents, the gateway.

    What Ray is restarting is not gone, and the agent of a machine whose node is away waits for its node. A gateway that
    does not start, for its port is taken, takes nothing else with it.

    Args:
        cluster: what the cluster was started from.
        running: how it was started.
        config_folder: what the config service serves; without one there is none.
        data_folder: of script packages and their instances.
        gateway: as it was; without it none is started.

    Returns:
        The names of what was started, and the gateway's URL, which differs when it was told another port.

    Raises:
        ClusterError: something did not come up.
    """
    factor = running.time_factor or cluster.simulation.time_factor
    parts = _parts(cluster, running.catalogue, factor, config_folder, running.simulation, data_folder, gateway)
    there, offered = set(names()), ray.cluster_resources()
    agents = {actor_name(machine, ComponentType.Machine) for machine in running.machines}
    gone = [p for p in parts if p.name not in there and (p.kind != "Agent" or p.name in agents)]
    startable = [part for part in gone if part.resource in offered]
    all_started: list[str] = []
    for parts in ([p for p in startable if p.name != GATEWAY], [p for p in startable if p.name == GATEWAY]):
        started: list[str] = []
        with _all_or_none(started):
            _start(parts, started)
        all_started += started
    moved = GATEWAY in all_started
    return tuple(all_started), ask_sync(GATEWAY, GetStatus(), ANSWER_S).url if moved else running.gateway_url


class _Part(NamedTuple):
    """One actor every cluster has."""

    kind: str
    name: str
    args: tuple[Any, ...]
    resource: str


def _parts(
    cluster: ClusterFile,
    catalogue: str,
    factor: float,
    config_folder: Path | None,
    simulation: bool,
    data_folder: Path | None,
    gateway: GatewaySettings | None,
) -> list[_Part]:
    parts = [_Part("EventService", EVENT_SERVICE, (), HEAD), _Part("AlarmService", ALARM_SERVICE, (), HEAD)]
    if config_folder is not None:
        parts.append(_Part("ConfigService", CONFIG_SERVICE, (str(config_folder),), HEAD))
    if data_folder is not None:
        limits = cluster.instances
        args = str(data_folder), limits.platform, limits.per_package
        parts.append(_Part("PackageService", PACKAGE_SERVICE, args, HEAD))
    parts.append(_Part("SequenceManager", SEQUENCE_MANAGER, (catalogue, factor, simulation), HEAD))
    for machine, resource in cluster.machines.items():
        name = actor_name(machine, ComponentType.Machine)
        parts.append(_Part("Agent", name, (machine, resource, factor), resource))
    if gateway is not None:
        parts.append(_Part("Gateway", GATEWAY, (gateway, GATEWAY_APP), HEAD))
    return parts


def _start(parts: Iterable[_Part], created: list[str]) -> None:
    """Start all of them, then wait until all answer; ``created`` grows by each at once."""
    handles: dict[str, Any] = {}
    for part in parts:
        handles[part.name] = create(part.kind, part.name, *part.args, resource=part.resource)
        created.append(part.name)
    for name, handle in handles.items():
        _result(handle.start.remote(), name)


def dismantle() -> int:
    """End all our actors, the shutdown hooks of scripts and devices first, and free what observing modes hold.

    Returns:
        How many actors were ended.
    """
    ended = len(names())
    with suppress(OcsError):  # a manager that is gone or hangs must not keep the rest from ending
        ask_sync(SEQUENCE_MANAGER, ShutdownAllSequenceComponents(), SHUTDOWN_S)
    if PACKAGE_SERVICE in names():
        with suppress(OcsError):
            ask_sync(PACKAGE_SERVICE, EndInstances(), SHUTDOWN_S)
    devices = [name for name in names() if name.endswith(DEVICES)]
    with suppress(OcsError):
        asked = [find(name).ask.remote(ShutdownComponent()) for name in devices]
        ray.wait(asked, num_returns=len(asked), timeout=SHUTDOWN_S) if asked else None
    for name in names():
        with suppress(OcsError):
            ray.kill(find(name))
    release_all()
    release_instances()
    return ended


def check_machines(cluster: ClusterFile) -> None:
    """See that every machine's resource is offered by a node.

    Raises:
        ClusterError: names the machines without a node, and what the nodes do offer.
    """
    deadline = time.monotonic() + NODES_S
    while True:
        offered = ray.cluster_resources()
        absent = {m: r for m, r in cluster.machines.items() if r not in offered}
        if not absent:
            return
        if cluster.node is not None or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    named = ", ".join(f"{machine} (resource '{resource}')" for machine, resource in absent.items())
    known = ", ".join(sorted(name for name in offered if name.startswith("machine:"))) or "none"
    raise ClusterError(
        problem=f"no node offers the machine {named}; the nodes offer: {known}",
        remedy="add the resource to 'node: resources:' of the cluster file, or start that machine's node with it",
    )


def _start_devices(devices: list[tuple[Prefix, DeviceSpec]]) -> None:
    asked: dict[str, Any] = {}
    for machine, device in devices:
        agent = find(actor_name(machine, ComponentType.Machine))
        asked[device.prefix] = agent.ask.remote(SpawnDevice(device=device))
    failed = [reply.msg for name, ref in asked.items() if isinstance(reply := _result(ref, name), Failed)]
    if failed:
        raise ClusterError(problem="; ".join(failed), remedy="correct 'devices' in the cluster file")


def _result(ref: Any, name: str) -> Any:
    try:
        return ray.get(ref, timeout=ANSWER_S)
    except GetTimeoutError:
        raise ClusterError(
            problem=f"{name} did not answer within {ANSWER_S:g} s", remedy="is the machine overloaded? try again"
        ) from None
    except RayError as failure:
        cause = getattr(failure, "cause", None)
        if isinstance(cause, OcsError):
            raise cause from None
        raise ClusterError(problem=f"{name} did not start: {failure}", remedy="look at Ray's logs") from None
