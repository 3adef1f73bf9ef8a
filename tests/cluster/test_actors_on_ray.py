"""The actors on a real Ray: names, errors across processes, placement, restart."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray

from ocs_ray.actors.spawning import RaySpawner, create
from ocs_ray.cli.launch import launch
from ocs_ray.client import Alarms, Assembly, Configuration, SequenceManager, Sequencer
from ocs_ray.errors import BadInputError, ClusterError, ComponentFailedError, ScriptError, UnreachableError
from ocs_ray.location.call import ask, ask_sync, names
from ocs_ray.models.actor_names import EVENT_SERVICE, actor_name
from ocs_ray.models.alarms import AlarmHealth
from ocs_ray.models.cluster_file import ClusterFile, EmbeddedNode
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import DeviceSpec, GetComponentStatus, LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    Success,
)
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.responses import Cancelled, Completed, Error
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

ESW_M, IRIS_M = Prefix("ESW.m"), Prefix("IRIS.m")
SCRIPT = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("quick")
    async def quick(command: Setup) -> None:
        await ctx.sleep(0)

    @ctx.on_setup("forward")
    async def forward(command: Setup) -> None:
        await ctx.sequencer(Subsystem.IRIS).submit_and_wait(Sequence.of(Setup(ctx.prefix, "quick")))

    @ctx.on_setup("break")
    async def broken(command: Setup) -> None:
        {}["no such key"]

    @ctx.on_setup("event")
    async def event(command: Setup) -> None:
        key = EventKey(source=ctx.prefix, event_name="later")
        ctx.start(ctx.publish_event("later"))
        await ctx.wait_for_event(key, lambda event: True, timeout_s=10)

    @ctx.on_setup("forever")
    async def forever(command: Setup) -> None:
        await ctx.sleep(3600)

    @ctx.on_setup("look")
    async def look(command: Setup) -> None:
        assert await ctx.location.find("IRIS.Dark", ComponentType.Sequencer) is not None
        assert await ctx.location.find("TCS.Dark", ComponentType.Sequencer) is None

    @ctx.on_setup("alarm")
    async def alarm(command: Setup) -> None:
        await ctx.set_severity(AlarmKey(ctx.prefix, "tooWarm"), AlarmSeverity.Major)
"""


def cluster_file() -> ClusterFile:
    return ClusterFile(
        node=EmbeddedNode(resources=()),
        machines={ESW_M: "machine:ESW.m", IRIS_M: "machine:IRIS.m"},
    )


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "Dark"
    folder.mkdir()
    (folder / "mode.yaml").write_text("resources: [IRIS, TCS]\nsequencers: {ESW: script.py, IRIS: script.py}\n")
    (folder / "script.py").write_text(SCRIPT)
    return tmp_path


async def configured() -> Sequencer:
    manager = SequenceManager()
    assert await manager.provision({ESW_M: 1, IRIS_M: 1}) == Success()
    assert isinstance(await manager.configure(ObsMode("Dark")), Success)
    return Sequencer(Subsystem.ESW, "Dark")


def run(*commands: str) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", name) for name in commands))


def test_given_a_launched_cluster_when_a_sequence_is_sent_then_it_runs_through_a_sub_sequencer_and_events(
    catalogue: Path,
) -> None:
    launch(cluster_file(), str(catalogue), 0.001, lambda _: None)

    async def story() -> None:
        top = await configured()
        response = await top.submit_and_wait(run("quick", "forward", "event", "look", "alarm"))
        assert isinstance(response, Completed)
        status = await top.status()
        assert (status.steps_done, status.steps_total, status.state) == (5, 5, "Idle")
        assert await Alarms().health(Subsystem.ESW) is AlarmHealth.Ill
        below = await Sequencer(Subsystem.IRIS, "Dark").sequence()
        assert below is not None
        assert [step.command.command_name for step in below] == ["quick"]

    asyncio.run(story())


def test_given_a_configuration_folder_when_launched_then_what_is_put_is_read_and_what_is_wrong_keeps_its_kind(
    catalogue: Path, tmp_path: Path
) -> None:
    launch(cluster_file(), str(catalogue), 0.001, lambda _: None, tmp_path / "config")

    async def story() -> None:
        config = Configuration()
        await config.put("iris/filters.conf", b"K")
        assert await config.get("iris/filters.conf") == "K"
        with pytest.raises(BadInputError, match="it has no version other"):
            await config.set_active("iris/filters.conf", "other")

    asyncio.run(story())


def test_given_a_handler_that_raises_when_its_step_runs_then_the_response_names_step_reason_file_and_line(
    catalogue: Path,
) -> None:
    launch(cluster_file(), str(catalogue), 0.001, lambda _: None)

    async def story() -> None:
        top = await configured()
        response = await top.submit_and_wait(run("quick", "break", "quick"), resume_on_error=True)
        assert isinstance(response, Error)
        assert "CommandName: break, reason: KeyError: 'no such key'" in response.message
        assert "script.py:16)" in response.message
        again = await top.submit_and_wait(run("quick"))
        assert isinstance(again, Completed)

    asyncio.run(story())


def test_given_a_run_that_waits_when_aborted_then_its_pending_steps_do_not_run_and_unload_ends_it(
    catalogue: Path,
) -> None:
    launch(cluster_file(), str(catalogue), 1.0, lambda _: None)

    async def story() -> None:
        top = await configured()
        started = await top.submit(run("forever", "quick"))
        waiting = asyncio.ensure_future(top.query_final(str(started.run_id), resume_on_error=True))
        assert await top.abort_sequence() == Ok()
        assert isinstance(await waiting, Cancelled)  # the step waits at a checkpoint: an abort ends it there
        steps = await top.sequence()
        assert steps is not None
        assert [step.status for step in steps] == ["Failure", "Cancelled"]
        assert await SequenceManager().shutdown_obs_mode(ObsMode("Dark")) == Success()
        assert await waiting == Cancelled(run_id=started.run_id)

    asyncio.run(story())


def test_given_a_sequencer_that_is_killed_when_it_ran_then_its_waiters_hear_of_it_and_the_script_can_be_loaded_anew(
    catalogue: Path,
) -> None:
    launch(cluster_file(), str(catalogue), 1.0, lambda _: None)

    async def story() -> None:  # case 93: the run is reported interrupted
        top = await configured()
        started = await top.submit(run("forever"))
        waiting = asyncio.ensure_future(top.query_final(str(started.run_id)))
        os.kill((await top.status()).pid, signal.SIGKILL)
        with pytest.raises(UnreachableError, match=r"ESW\.Dark-Sequencer (died|is not running)"):
            await waiting
        assert await SequenceManager().shutdown_obs_mode(ObsMode("Dark")) == Success()
        assert isinstance(await SequenceManager().configure(ObsMode("Dark")), Success)
        assert isinstance(await top.submit_and_wait(run("quick")), Completed)

    asyncio.run(story())


def test_given_a_script_with_a_syntax_error_when_loaded_then_the_error_crosses_processes_whole(
    catalogue: Path,
) -> None:
    (catalogue / "Dark" / "script.py").write_text("def broken(:\n")
    spawner = RaySpawner(IRIS_M, "machine:IRIS.m")

    async def story() -> None:
        await spawner.spawn_sequencer(Prefix("IRIS.Dark"), ObsMode("Dark"), Prefix("IRIS.c"))
        source = ScriptSource(file=str(catalogue / "Dark" / "script.py"), root=str(catalogue))
        message = LoadScript(prefix=Prefix("IRIS.Dark"), obs_mode=ObsMode("Dark"), script=source)
        with pytest.raises(ScriptError) as caught:
            await ask("IRIS.Dark-Sequencer", message, 20)
        assert (caught.value.line, caught.value.prefix) == (1, "IRIS.Dark")
        assert type(caught.value) is ScriptError

    asyncio.run(story())


def test_given_a_device_whose_class_does_not_exist_when_spawned_then_it_is_said_and_nothing_is_left() -> None:
    device = DeviceSpec.model_validate({"prefix": "IRIS.wheel", "factory": "ocs_ray.simulation:Nope"})
    with pytest.raises(BadInputError, match="Nope"):
        asyncio.run(RaySpawner(IRIS_M, "machine:IRIS.m").spawn_device(device, 1.0))
    assert "IRIS.wheel-Assembly" not in names()


def test_given_a_name_that_is_taken_when_spawned_again_then_it_is_refused_and_the_first_lives() -> None:
    spawner = RaySpawner(IRIS_M, "machine:IRIS.m")

    async def story() -> None:
        await spawner.spawn_sequence_component(Prefix("IRIS.IRIS_1"))
        with pytest.raises(ClusterError, match=r"IRIS\.IRIS_1-SequenceComponent is running already"):
            await spawner.spawn_sequence_component(Prefix("IRIS.IRIS_1"))
        status = await ask("IRIS.IRIS_1-SequenceComponent", GetComponentStatus(), 10)
        assert status.state == "Idle"

    asyncio.run(story())


def test_given_nobody_of_that_name_when_asked_then_unreachable_says_so() -> None:
    with pytest.raises(UnreachableError, match=r"IRIS\.nobody-Assembly is not running"):
        asyncio.run(Assembly("IRIS.nobody").submit(Setup("ESW.test", "move")))


def test_given_an_observatory_that_runs_when_another_is_launched_there_then_it_is_refused_and_the_first_lives(
    catalogue: Path,
) -> None:
    launch(cluster_file(), str(catalogue), 1.0, lambda _: None)
    before = names()
    with pytest.raises(ClusterError, match="another ocs runs on this Ray cluster already"):
        launch(cluster_file(), str(catalogue), 1.0, lambda _: None)
    assert names() == before
    assert asyncio.run(SequenceManager().status()).state == "Idle"


def test_given_a_component_that_raises_what_nobody_foresaw_when_asked_then_it_is_one_of_our_errors() -> None:
    create("EventService", EVENT_SERVICE, resource=None, restarts=0)
    with pytest.raises(ComponentFailedError, match="TypeError: the event service does not understand str"):
        asyncio.run(ask(EVENT_SERVICE, "hello", 20))


def test_given_a_machine_without_a_node_when_launched_then_it_is_named_and_nothing_was_started(
    catalogue: Path,
) -> None:
    cluster = cluster_file()
    machines = {**cluster.machines, Prefix("TCS.m9"): "machine:TCS.m9"}
    with pytest.raises(ClusterError, match=r"no node offers the machine TCS\.m9 \(resource 'machine:TCS\.m9'\)"):
        launch(cluster.model_copy(update={"machines": machines}), str(catalogue), None, lambda _: None)
    assert names() == []


def test_given_a_killed_agent_when_ray_restarts_it_then_it_finds_its_components_again(
    catalogue: Path, eventually: Callable[[Any], None]
) -> None:
    launch(cluster_file(), str(catalogue), 1.0, lambda _: None)

    async def agent() -> Any:
        status = await SequenceManager().status()
        return next((found for found in status.agents if found.agent == IRIS_M), None)

    async def provisioned() -> int:
        assert await SequenceManager().provision({IRIS_M: 2}) == Success()
        return (await agent()).pid

    pid = asyncio.run(provisioned())
    os.kill(pid, signal.SIGKILL)

    async def came_back() -> bool:
        found = await agent()
        return found is not None and found.pid != pid and len(found.sequence_components) == 2

    eventually(came_back)


def test_given_an_actor_that_dies_when_asked_then_unreachable_says_died() -> None:
    create("EventService", EVENT_SERVICE, resource=None, restarts=0)
    assert ask_sync(EVENT_SERVICE, GetStatus(), 20) == Ok()

    async def story() -> None:
        handle = ray.get_actor(EVENT_SERVICE, namespace="ocs")
        ray.kill(handle)

        async def ask_until_it_is_gone() -> None:
            async with asyncio.timeout(20):
                while True:  # it may answer as long as it is on its way out
                    await ask(EVENT_SERVICE, GetStatus(), 20)

        with pytest.raises(UnreachableError, match=r"died|is not running"):
            await ask_until_it_is_gone()

    asyncio.run(story())


def test_given_a_silent_component_when_asked_then_the_time_limit_is_named() -> None:
    spawner = RaySpawner(IRIS_M, "machine:IRIS.m")

    async def story() -> None:
        await spawner.spawn_sequence_component(Prefix("IRIS.IRIS_1"))
        name = actor_name("IRIS.IRIS_1", ComponentType.SequenceComponent)
        status = await ask(name, GetComponentStatus(), 10)
        os.kill(status.pid, signal.SIGSTOP)
        try:
            with pytest.raises(UnreachableError, match=r"did not answer within 0\.3 s"):
                await ask(name, GetComponentStatus(), 0.3)
        finally:
            os.kill(status.pid, signal.SIGCONT)

    asyncio.run(story())
