"""What is left when a process dies, on a real Ray: components, their sequencers, devices, agents."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.spawning import RaySpawner
from ocs_ray.errors import OcsError
from ocs_ray.location.call import ask, names
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import (
    DeviceSpec,
    DeviceStatus,
    GetComponentStatus,
    LoadScript,
    RestartScript,
    ScriptLoaded,
    ScriptSource,
    SequenceComponentStatus,
    UnloadScript,
)
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed
from ocs_ray.models.sequencer_messages import QueryFinal, Shutdown, SubmitSequence
from ocs_ray.models.sequencer_replies import Ok

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

MACHINE, RESOURCE = Prefix("IRIS.m"), "machine:IRIS.m"
COMPONENT, SEQUENCER, DEVICE = "IRIS.IRIS_1-SequenceComponent", "IRIS.Dark-Sequencer", "IRIS.odd-Assembly"
SCRIPT = "from ocs_ray.scripting import *\n\n@script\nasync def body(ctx): ctx.on_setup('go')(lambda c: ctx.sleep(0))\n"


@pytest.fixture
def loading(tmp_path: Path) -> LoadScript:
    (tmp_path / "Dark").mkdir()
    (tmp_path / "Dark" / "script.py").write_text(SCRIPT)
    source = ScriptSource(file=str(tmp_path / "Dark" / "script.py"), root=str(tmp_path))
    return LoadScript(prefix=Prefix("IRIS.Dark"), obs_mode=ObsMode("Dark"), script=source)


async def status() -> SequenceComponentStatus:
    return await ask(COMPONENT, GetComponentStatus(), 10)


async def running(loading: LoadScript) -> tuple[int, int]:
    """Process ids of a component and the sequencer in it."""
    await RaySpawner(MACHINE, RESOURCE).spawn_sequence_component(Prefix("IRIS.IRIS_1"))
    assert await ask(COMPONENT, loading, 60) == ScriptLoaded(prefix=loading.prefix)
    found = await status()
    assert found.sequencer is not None
    return found.pid, found.sequencer.pid


async def with_state(state: str) -> SequenceComponentStatus:
    async with asyncio.timeout(20):
        while True:
            if COMPONENT in names() and (found := await status()).state == state:
                return found
            await asyncio.sleep(0.02)


def test_given_a_component_whose_process_is_killed_then_it_comes_back_with_its_sequencer_and_says_so(
    loading: LoadScript, eventually: Callable[[Any], None]
) -> None:
    # weakness 15: ESW's agent starts nothing again
    component_pid, sequencer_pid = asyncio.run(running(loading))
    os.kill(component_pid, signal.SIGKILL)

    async def back() -> bool:
        try:
            return (await status()).pid != component_pid
        except OcsError:
            return False

    eventually(back)

    async def story() -> None:
        found = await status()
        assert (found.state, found.loaded, found.restarts, found.machine) == ("Running", "IRIS.Dark", 1, MACHINE)
        assert found.sequencer is not None
        assert found.sequencer.pid == sequencer_pid
        os.kill(sequencer_pid, signal.SIGKILL)  # the adopted one is watched as well
        lost = (await with_state("Idle")).lost
        assert lost is not None
        assert lost.prefix == "IRIS.Dark"

    asyncio.run(story())


def test_given_a_sequencer_whose_process_is_killed_then_its_component_reports_it_lost_until_the_next_load(
    loading: LoadScript,
) -> None:
    async def story() -> None:
        _, sequencer_pid = await running(loading)
        os.kill(sequencer_pid, signal.SIGKILL)
        found = await with_state("Idle")
        assert found.lost is not None
        assert (found.lost.prefix, found.lost.sequence_component) == ("IRIS.Dark", "IRIS.IRIS_1")
        assert found.lost.reason == "died"
        assert (found.loaded, found.restarts) == (None, 0)
        assert await ask(COMPONENT, loading, 60) == ScriptLoaded(prefix=loading.prefix)
        assert (await status()).lost is None

    asyncio.run(story())


def test_given_a_component_and_its_sequencer_when_both_are_killed_then_the_component_comes_back_and_reports_the_loss(
    loading: LoadScript,
) -> None:
    async def story() -> None:
        component_pid, sequencer_pid = await running(loading)
        os.kill(component_pid, signal.SIGSTOP)  # so that it cannot notice
        os.kill(sequencer_pid, signal.SIGKILL)
        os.kill(component_pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while True:
                try:
                    found = await status()
                    break
                except OcsError:
                    await asyncio.sleep(0.02)
        assert (found.state, found.restarted) == ("Idle", True)
        assert found.lost is not None
        assert found.lost.prefix == "IRIS.Dark"

    asyncio.run(story())


def test_given_a_sequencer_somebody_shuts_down_then_its_name_is_free_and_nothing_is_lost(loading: LoadScript) -> None:
    async def story() -> None:
        await running(loading)
        assert await ask(SEQUENCER, Shutdown(), 10) == Ok()
        assert (await with_state("Idle")).lost is None
        assert SEQUENCER not in names()

    asyncio.run(story())


def test_given_a_running_component_when_restarted_then_a_new_process_runs_the_script(loading: LoadScript) -> None:
    async def story() -> None:  # case 81
        _, first = await running(loading)
        assert await ask(COMPONENT, RestartScript(), 60) == ScriptLoaded(prefix=loading.prefix)
        found = await status()
        assert found.sequencer is not None
        assert found.sequencer.pid != first
        assert await ask(COMPONENT, UnloadScript(), 20) == Ok()
        assert SEQUENCER not in names()

    asyncio.run(story())


def test_given_no_script_when_loaded_then_a_sequence_of_anything_completes(loading: LoadScript) -> None:
    async def story() -> None:  # case 85
        await running(loading.model_copy(update={"script": None}))
        started = await ask(SEQUENCER, SubmitSequence(sequence=Sequence.of(Setup("ESW.t", "whatever"))), 10)
        assert isinstance(await ask(SEQUENCER, QueryFinal(run_id=started.run_id, timeout_s=10), 12), Completed)

    asyncio.run(story())


def test_given_a_device_whose_process_is_killed_then_it_comes_back_in_its_container_and_says_so() -> None:
    async def story() -> None:  # case 46: where ESW forgets the name, Ray starts the device again
        spec = DeviceSpec(prefix=Prefix("IRIS.odd"), factory="tests.cluster.odd_devices:Quiet")
        await RaySpawner(MACHINE, RESOURCE).spawn_device(spec, 1.0, Prefix("Container.c"))
        first: DeviceStatus = await ask(DEVICE, GetComponentStatus(), 10)
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while True:
                try:
                    found: DeviceStatus = await ask(DEVICE, GetComponentStatus(), 10)
                    break
                except OcsError:
                    await asyncio.sleep(0.02)
        assert (found.restarted, found.container, first.restarted) == (True, "Container.c", False)
        assert found.since is not None
        assert first.since is not None
        assert found.since > first.since

    asyncio.run(story())
