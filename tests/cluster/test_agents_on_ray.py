"""What agents start and end on a real Ray: whole processes. Case numbers: esw_sm section 10."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ocs_ray.actors.agent_shell import AgentShell
from ocs_ray.actors.birth import Birth
from ocs_ray.actors.spawning import RayDirectory, RaySpawner, create
from ocs_ray.location.call import ask, names
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.agent_messages import (
    Completed,
    ContainerSpec,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    SpawnContainers,
    SpawnDevice,
    Spawned,
    SpawnSequenceComponent,
    SpawnSequenceManager,
)
from ocs_ray.models.component_messages import DeviceSpec, GetComponentStatus, ShutdownComponent
from ocs_ray.models.prefix import ComponentType, Prefix

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

MACHINE, RESOURCE = Prefix("IRIS.m"), "machine:IRIS.m"
AGENT, DEVICE, COMPONENT = "IRIS.m-Machine", "IRIS.odd-Assembly", "IRIS.IRIS_1-SequenceComponent"


def agent(start_s: float) -> AgentShell:
    """The agent's shell in this process: what it starts are real actors."""
    return AgentShell(MACHINE, RayDirectory(), RaySpawner(MACHINE, RESOURCE, start_s), 1.0, Birth.now())


def odd(kind: str, **options: object) -> SpawnDevice:
    factory = f"tests.cluster.odd_devices:{kind}"
    return SpawnDevice(device=DeviceSpec(prefix=Prefix("IRIS.odd"), factory=factory, options=options))


def kill(name: str, component_type: ComponentType) -> KillComponent:
    return KillComponent(prefix=Prefix(name), component_type=component_type)


def processes_with(word: str) -> list[psutil.Process]:
    found = [p for p in psutil.process_iter(["cmdline"]) if word in (p.info["cmdline"] or [])]
    return [p for p in found if p.status() != psutil.STATUS_ZOMBIE]


def test_given_a_device_that_never_comes_up_when_spawned_then_failed_its_process_is_gone_and_its_name_free(
    tmp_path: Path, eventually: Callable[[Any], None]
) -> None:
    async def story() -> None:  # case 44, with weakness 6: ESW leaves the process alive
        reply = await agent(3.0).ask(odd("NeverUp", pid_file=str(tmp_path / "pid")))
        assert isinstance(reply, Failed)
        text = f"{DEVICE} is not registered with location service. Reason: it did not come up within 3 s"
        assert reply.msg.startswith(text)
        assert DEVICE not in names()
        assert isinstance(await agent(20.0).ask(odd("Quiet")), Spawned)

    asyncio.run(story())
    pid = int((tmp_path / "pid").read_text())

    async def gone() -> bool:
        return not psutil.pid_exists(pid)

    eventually(gone)


def test_given_a_device_whose_process_dies_while_it_starts_when_spawned_then_failed_and_its_name_is_free() -> None:
    async def story() -> None:  # case 45
        reply = await agent(20.0).ask(odd("DiesAtOnce"))
        assert isinstance(reply, Failed)
        assert reply.msg.startswith(f"{DEVICE}: Process terminated before registration was successful")
        assert DEVICE not in names()

    asyncio.run(story())


@pytest.mark.parametrize("hangs", [False, True])
def test_given_a_device_with_stubborn_processes_when_killed_then_all_of_them_are_gone(
    hangs: bool, tmp_path: Path, eventually: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocs_ray.actors.agent_shell.SHUTDOWN_S", 0.5)
    mark = f"mark-of-{tmp_path.name}"

    async def started() -> bool:
        return len(processes_with(mark)) == 4

    async def gone() -> bool:
        return not processes_with(mark)

    made = agent(20.0)
    assert isinstance(asyncio.run(made.ask(odd("WithProcesses", mark=mark, hangs=hangs))), Spawned)
    eventually(started)
    assert asyncio.run(made.ask(kill("IRIS.odd", ComponentType.Assembly))) == Killed()  # case 48
    try:
        eventually(gone)
    finally:
        for left in processes_with(mark):
            left.kill()
    assert DEVICE not in names()


def test_given_a_component_that_is_shut_down_by_somebody_then_its_process_ends_and_its_name_is_free(
    eventually: Callable[[Any], None],
) -> None:
    async def story() -> int:
        await RaySpawner(MACHINE, RESOURCE).spawn_sequence_component(Prefix("IRIS.IRIS_1"))
        pid = (await ask(COMPONENT, GetComponentStatus(), 10)).pid
        await ask(COMPONENT, ShutdownComponent(), 10)
        return pid

    pid = asyncio.run(story())

    async def ended() -> bool:
        return not psutil.pid_exists(pid) and COMPONENT not in names()

    eventually(ended)


def test_given_an_agent_on_its_machine_when_it_is_asked_for_all_it_can_start_then_all_of_it_is_there() -> None:
    create("Agent", AGENT, MACHINE, RESOURCE, 1.0, resource=RESOURCE)
    quiet = "tests.cluster.odd_devices:Quiet"
    pair = tuple(DeviceSpec(prefix=Prefix(f"IRIS.{name}"), factory=quiet) for name in ("a", "b"))
    wrong = (
        pair[0].model_copy(update={"prefix": Prefix("IRIS.c")}),
        DeviceSpec(prefix=Prefix("IRIS.d"), factory="x:Y"),
    )
    containers = (ContainerSpec(name="good", components=pair), ContainerSpec(name="bad", components=wrong))

    async def story() -> None:
        replies = await asyncio.gather(
            ask(AGENT, SpawnContainers(containers=containers), 60),
            ask(AGENT, SpawnSequenceComponent(), 60),
            ask(AGENT, SpawnSequenceComponent(), 60),
            ask(AGENT, SpawnSequenceManager(catalogue="obsmodes", simulation=True), 60),
        )
        completed, *spawned = replies
        assert isinstance(completed, Completed)  # case 52
        assert completed.responses["Container.good"] == Spawned(prefix=Prefix("Container.good"))
        assert isinstance(completed.responses["Container.bad"], Failed)
        assert {reply.prefix for reply in spawned} == {"IRIS.IRIS_1", "IRIS.IRIS_2", "ESW.sequence_manager"}
        status = await ask(AGENT, GetAgentStatus(), 10)
        assert {device.prefix: device.container for device in status.devices} == {
            "IRIS.a": "Container.good",
            "IRIS.b": "Container.good",
        }
        again = await ask(AGENT, SpawnSequenceManager(catalogue="obsmodes"), 60)
        assert isinstance(again, Failed)  # case 43
        assert again.msg.startswith(f"{SEQUENCE_MANAGER} is already registered with location service at")
        assert await ask(AGENT, kill("Container.good", ComponentType.Container), 30) == Killed()
        assert set(names()) == {AGENT, COMPONENT, "IRIS.IRIS_2-SequenceComponent", SEQUENCE_MANAGER}

    asyncio.run(story())
