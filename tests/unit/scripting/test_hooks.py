"""Handlers of moments, and whom failures are told. Numbers are cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import StepFailedError
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting import ScriptContext, Setup

REGISTRATION = {
    Hook.NEW_SEQUENCE: "on_new_sequence",
    Hook.GO_ONLINE: "on_go_online",
    Hook.GO_OFFLINE: "on_go_offline",
    Hook.ABORT_SEQUENCE: "on_abort_sequence",
    Hook.STOP: "on_stop",
    Hook.SHUTDOWN: "on_shutdown",
    Hook.OPERATIONS_MODE: "on_operations_mode",
}
START = UTCTime("2027-01-01T00:00:00Z")


@pytest.mark.parametrize("hook", REGISTRATION)
def test_given_many_handlers_of_a_moment_then_they_start_in_order_and_run_together(hook: Hook, play: Any) -> None:
    async def story(stage: Any) -> None:
        ran: list[str] = []

        def body(ctx: ScriptContext) -> None:
            for name in ("a", "b", "c"):

                async def handler(name: str = name) -> None:
                    ran.append(f"{name} begins")
                    await asyncio.sleep(1)
                    ran.append(f"{name} ends")

                getattr(ctx, REGISTRATION[hook])(handler)

        running = await stage.start(body)
        await running.run_hook(hook)
        assert ran == ["a begins", "b begins", "c begins", "a ends", "b ends", "c ends"]
        assert stage.now == pytest.approx(1.0)

    play(story)


def test_given_the_diagnostic_mode_then_its_handlers_get_start_time_and_hint(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[tuple[UTCTime, str]] = []

        def body(ctx: ScriptContext) -> None:
            @ctx.on_diagnostic_mode
            async def diagnose(start_time: UTCTime, hint: str) -> None:
                seen.append((start_time, hint))

        await (await stage.start(body)).run_hook(Hook.DIAGNOSTIC_MODE, START, "engineering")
        assert seen == [(START, "engineering")]

    play(story)


def test_given_two_handlers_that_fail_when_the_third_goes_on_then_all_end_and_every_failure_is_told(play: Any) -> None:
    async def story(stage: Any) -> None:
        ran: list[str] = []

        def body(ctx: ScriptContext) -> None:
            @ctx.on_stop
            async def first() -> None:
                await asyncio.sleep(1)
                raise ValueError("later")

            @ctx.on_stop
            async def second() -> None:
                raise ValueError("sooner")

            @ctx.on_stop
            async def third() -> None:
                await asyncio.sleep(2)
                ran.append("third")

        running = await stage.start(body)
        with pytest.raises(ValueError, match="sooner"):
            await running.run_hook(Hook.STOP)
        assert (ran, stage.errors) == (["third"], ["later"])  # the one raised is reported by the sequencer

    play(story)


def test_given_a_handler_that_waits_for_what_is_cancelled_then_the_moment_has_failed(play: Any) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_new_sequence
            async def wait() -> None:
                task = asyncio.create_task(asyncio.sleep(3600))
                task.cancel()
                await task

        running = await stage.start(body)
        with pytest.raises(StepFailedError, match="something it waited for was cancelled"):
            await running.run_hook(Hook.NEW_SEQUENCE)

    play(story)


def test_given_handlers_of_a_moment_when_they_are_cancelled_then_that_is_no_failure(play: Any) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_stop
            async def wait() -> None:
                await asyncio.sleep(3600)

        hook = asyncio.create_task((await stage.start(body)).run_hook(Hook.STOP))
        await asyncio.sleep(1)
        hook.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hook

    play(story)


def test_68_given_a_global_error_handler_that_fails_then_it_is_logged_and_the_others_and_the_script_go_on(
    play: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_global_error
            async def worse(failure: Exception) -> None:
                raise KeyError("worse")

            @ctx.on_setup("move")
            async def move(command: Setup) -> None:
                pass

        running = await stage.start(body)
        await running.report(ValueError("bad"))
        assert stage.errors == ["bad"]
        assert (await running.run_step(Setup("ESW.test", "move"))).failure is None

    play(story)
    assert "on_global_error of IRIS.IRIS_ImagerOnly failed" in caplog.text


def test_69_given_a_shutdown_handler_that_fails_then_it_is_logged_and_nobody_else_is_told(
    play: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_shutdown
            async def leave() -> None:
                raise ValueError("cannot leave")

        await (await stage.start(body)).run_hook(Hook.SHUTDOWN)
        assert stage.errors == []

    play(story)
    assert "on_shutdown failed: cannot leave" in caplog.text


def test_given_an_abort_when_the_step_looks_then_it_sees_it_and_a_new_sequence_begins_without(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        ctx = stage.ctx
        assert not ctx.cancelled
        waiting = asyncio.ensure_future(ctx.wait_cancelled())
        await asyncio.sleep(1)
        ctx.request_cancel()
        await waiting
        assert ctx.cancelled
        ctx.clear_cancel()
        assert not ctx.cancelled
        assert (ctx.subsystem, ctx.obs_mode, ctx.is_online) == ("IRIS", "IRIS_ImagerOnly", True)

    play(story)
