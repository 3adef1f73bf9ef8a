"""The test kit that ships to script authors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.errors import ScriptError, UnreachableError
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.responses import Completed, Error
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

SCRIPT = """
from ocs_ray.scripting import ScriptContext, Setup, script

@script
def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("move")
    async def move(command: Setup) -> None:
        await ctx.assembly("IRIS.imager.filter").submit_and_wait(Setup(ctx.prefix, "SELECT"))
        await ctx.publish_event("moved")

    @ctx.on_shutdown
    async def stop() -> None:
        await ctx.assembly("IRIS.imager.filter").submit_and_wait(Setup(ctx.prefix, "STOP"))
"""
NAME, PREFIX = "IRIS.imager.filter-Assembly", "ESW.TestMode"
MOVE = Sequence.of(Setup("ESW.test", "move"))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "esw.py"
    file.write_text(SCRIPT)
    return file


def test_given_a_script_and_a_fake_device_when_a_sequence_is_run_then_the_traffic_tells_the_story(script: Path) -> None:
    async def scenario() -> LocalObservatory:
        async with LocalObservatory() as observatory:
            observatory.put(NAME, FakeComponent().ask)
            await observatory.start_sequencer(PREFIX, script, script.parent)
            assert isinstance(await observatory.sequencer(PREFIX).submit_and_wait(MOVE), Completed)
        return observatory

    observatory = asyncio.run(scenario())
    assert observatory.story() == [
        "ESW.TestMode <- move",
        "IRIS.imager.filter <- SELECT",
        "moved",
        "IRIS.imager.filter <- STOP",  # closing ran the shutdown hook
    ]
    assert [command.command_name for command in observatory.commands_to("IRIS.imager.filter")] == ["SELECT", "STOP"]
    assert observatory.steps_to(PREFIX) == list(MOVE)
    assert [event.event_name for event in observatory.published] == ["moved"]


def test_given_a_fake_that_is_told_to_fail_when_a_sequence_is_run_then_the_step_fails_with_its_words(
    script: Path,
) -> None:
    async def scenario() -> str:
        async with LocalObservatory() as observatory:
            observatory.put(NAME, FakeComponent({"SELECT": Error(run_id="1", message="stuck")}).ask)
            await observatory.start_sequencer(PREFIX, script, script.parent)
            return (await observatory.sequencer(PREFIX).submit_and_wait(MOVE, resume_on_error=True)).reason

    assert "stuck" in asyncio.run(scenario())


@pytest.mark.parametrize("vanished", [False, True])
def test_given_no_such_component_or_one_that_vanished_when_asked_then_it_is_unreachable(vanished: bool) -> None:
    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            if vanished:
                observatory.put(NAME, FakeComponent().ask)
                observatory.remove(NAME)
            await observatory.assembly("IRIS.imager.filter").submit(Setup("ESW.test", "SELECT"))

    with pytest.raises(UnreachableError, match=r"IRIS\.imager\.filter-Assembly is not registered"):
        asyncio.run(scenario())


def test_given_a_component_that_stays_silent_when_asked_then_it_is_unreachable_after_the_limit() -> None:
    async def silent(message: object) -> Any:
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            observatory.put(NAME, silent)
            await observatory.ask(NAME, "hello", 0.02)

    with pytest.raises(UnreachableError, match=r"did not answer within 0\.02 s"):
        asyncio.run(scenario())


def test_given_a_script_that_cannot_be_loaded_when_started_then_the_error_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "esw.py"
    file.write_text("import nothing_of_this_name\n")

    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_sequencer(PREFIX, file, tmp_path)

    with pytest.raises(ScriptError, match="nothing_of_this_name") as caught:
        asyncio.run(scenario())
    assert (caught.value.file, caught.value.line) == (str(file), 1)


def test_given_a_device_when_the_observatory_is_closed_then_it_is_gone() -> None:
    wheel = DeviceSpec(prefix="IRIS.imager.filter", factory="ocs_ray.simulation.filter_wheel:FilterWheel")  # type: ignore[arg-type]

    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices([wheel])
        with pytest.raises(UnreachableError):
            await observatory.ask(NAME, "hello", 1.0)

    asyncio.run(scenario())


def test_given_a_condition_that_never_holds_when_waited_for_then_the_deadline_ends_the_wait() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.01 s"):
        asyncio.run(until(lambda: False, within_s=0.01))
