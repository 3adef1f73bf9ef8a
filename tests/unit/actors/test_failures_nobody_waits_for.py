"""Errors in any callback reach on_global_error: in tasks and callbacks a script hands to asyncio itself, and exits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ocs_ray.models.responses import Completed, Error
from ocs_ray.models.sequencer_replies import GoOfflineHookFailed, Ok
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play

FAILING = (
    SCRIPT
    + """
    import sys
    KEPT.clear()

    async def bad():
        raise ValueError("in a task")

    async def leave():
        sys.exit(3)

    @ctx.on_global_error
    async def told(failure):
        SEEN.append(str(failure))

    @ctx.on_setup("plain task")
    async def plain_task(command):
        asyncio.create_task(bad())

    @ctx.on_setup("kept task")
    async def kept_task(command):
        KEPT.append(asyncio.create_task(bad()))
        await asyncio.sleep(0.05)

    @ctx.on_setup("let go")
    async def let_go(command):
        KEPT.clear()

    @ctx.on_setup("awaited task")
    async def awaited_task(command):
        task = asyncio.create_task(bad())
        try:
            await task
        except ValueError:
            SEEN.append("caught")

    @ctx.on_setup("callback")
    async def callback(command):
        def fails():
            raise ValueError("in a callback")
        asyncio.get_running_loop().call_later(0.001, fails)

    @ctx.on_setup("exit in a callback")
    async def exit_in_a_callback(command):
        asyncio.get_running_loop().call_soon(sys.exit, 3)

    @ctx.on_setup("exit in a task")
    async def exit_in_a_task(command):
        asyncio.create_task(leave())

    @ctx.on_setup("exit in par")
    async def exit_in_par(command):
        await par(leave(), asyncio.sleep(3600))

    @ctx.on_setup("exit in a timer")
    async def exit_in_a_timer(command):
        turns = 0

        @ctx.schedule_periodically_from_now(timedelta(), timedelta(milliseconds=5))
        async def tick():
            nonlocal turns
            turns += 1
            if turns == 1:
                sys.exit(3)
            tick.cancel()
            SEEN.append("goes on")

    @ctx.on_setup("exit")
    async def exit_(command):
        sys.exit(3)

    @ctx.on_setup("stopped elsewhere")
    async def stopped_elsewhere(command):
        async def other():
            while True:
                await ctx.checkpoint()
                await asyncio.sleep(0.001)
        asyncio.create_task(other())
        SEEN.append("begun")
        await ctx.sleep(3600)

    @ctx.on_go_offline
    async def offline():
        sys.exit(3)

KEPT = []
"""
)
EXIT = "sys.exit(3) was called: a script returns, or raises what went wrong, instead"


async def lives_on(floor: Floor) -> None:
    assert isinstance(await floor.sequencer.submit_and_wait(commands("nothing")), Completed)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("plain task", ["in a task"]),
        ("callback", ["in a callback"]),
        ("exit in a callback", [EXIT]),
        ("exit in a task", [EXIT]),
        ("exit in a timer", [EXIT, "goes on"]),
        ("awaited task", ["caught"]),
    ],
)
def test_given_a_failure_nobody_waits_for_then_on_global_error_is_told_once_and_the_step_goes_on(
    command: str, told: list[str], tmp_path: Path
) -> None:
    async def story(floor: Floor) -> None:
        assert isinstance(await floor.sequencer.submit_and_wait(commands(command)), Completed)
        await until(lambda: len(floor.seen()) >= len(told))
        await floor.settled()
        assert floor.seen() == told
        await lives_on(floor)

    play(tmp_path, story, FAILING)


def test_given_a_task_whose_reference_is_kept_when_it_is_let_go_then_its_failure_is_told(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.sequencer.submit_and_wait(commands("kept task"))
        await floor.settled()
        assert floor.seen() == []
        await floor.sequencer.submit_and_wait(commands("let go"))
        await until(lambda: floor.seen() == ["in a task"])

    play(tmp_path, story, FAILING)


@pytest.mark.parametrize("command", ["exit", "exit in par"])
def test_given_a_step_that_calls_sys_exit_then_it_fails_and_on_global_error_is_told_once(
    command: str, tmp_path: Path
) -> None:
    async def story(floor: Floor) -> None:
        final = await floor.sequencer.submit_and_wait(commands(command), resume_on_error=True)
        assert isinstance(final, Error)
        assert EXIT in final.message
        await until(lambda: bool(floor.seen()))
        await floor.settled()
        assert floor.seen() == [EXIT]
        await lives_on(floor)

    play(tmp_path, story, FAILING)


def test_given_a_hook_that_calls_sys_exit_then_it_has_failed_with_its_line_and_on_global_error_is_told_once(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        reply = await floor.sequencer.go_offline()
        assert isinstance(reply, GoOfflineHookFailed)
        assert EXIT in reply.reason
        assert f"({floor.folder}/ESW_mode.py:" in reply.reason
        await until(lambda: bool(floor.seen()))
        await floor.settled()
        assert floor.seen() == [EXIT]
        await lives_on(floor)

    play(tmp_path, story, FAILING)


def test_given_a_task_that_is_ended_at_a_checkpoint_then_that_is_no_error(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run = await floor.run("stopped elsewhere")
        assert await floor.sequencer.stop() == Ok()
        await floor.final(run)
        await asyncio.sleep(0.05)
        assert floor.seen() == ["begun"]

    play(tmp_path, story, FAILING)


def test_given_on_global_error_that_calls_sys_exit_itself_then_it_is_not_called_again_for_that(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.sequencer.submit_and_wait(commands("callback"))
        await until(lambda: bool(floor.seen()))
        await asyncio.sleep(0.05)
        assert floor.seen() == ["in a callback"]
        await lives_on(floor)

    play(tmp_path, story, FAILING.replace("SEEN.append(str(failure))", "SEEN.append(str(failure)); sys.exit(4)"))
