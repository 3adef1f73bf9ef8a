"""Handlers of commands, their retries and their failures. Numbers: cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError, StepFailedError
from ocs_ray.models.keys import int_key
from ocs_ray.scripting import Observe, Result, ScriptContext, Setup, Wait, finish_with_error

MOVE, LOOK, REST = Setup("ESW.test", "move"), Observe("ESW.test", "move"), Wait("ESW.test", "move")


def failing(ctx: ScriptContext, times: list[float], *, until: int = 99) -> Any:
    @ctx.on_setup("move")
    async def move(command: Setup) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) <= until:
            raise ValueError(f"attempt {len(times)}")

    return move


def test_64_given_a_handler_that_always_fails_when_it_may_retry_twice_then_three_attempts_and_three_on_errors(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        times: list[float] = []
        told: list[str] = []

        async def tell(failure: Exception) -> None:
            told.append(str(failure))

        running = await stage.start(lambda ctx: failing(ctx, times).on_error(tell).retry(2) and None)
        outcome = await running.run_step(MOVE)
        await running.report(outcome.failure)
        assert told == ["attempt 1", "attempt 2", "attempt 3"]
        assert (str(outcome.failure), outcome.attempts, outcome.result) == ("attempt 3", 3, None)
        assert stage.errors == ["attempt 3"]

    play(story)


@pytest.mark.parametrize("decorator", ["on_setup", "on_observe", "on_wait"])
def test_given_a_decorator_without_the_command_s_name_then_it_says_so_when_the_script_is_loaded(
    decorator: str, play: Any
) -> None:
    async def story(stage: Any) -> None:
        async def move(command: Setup) -> None: ...

        with pytest.raises(BadInputError, match=f"{decorator}: 'move' is no name of a command .*{decorator}"):
            getattr(stage.ctx, decorator)(move)

    play(story)


def test_65_given_retries_used_up_when_the_next_command_comes_then_it_has_all_of_them_again(play: Any) -> None:
    async def story(stage: Any) -> None:
        times: list[float] = []
        running = await stage.start(lambda ctx: failing(ctx, times, until=5).retry(2) and None)
        assert (await running.run_step(MOVE)).attempts == 3
        outcome = await running.run_step(MOVE)
        assert (outcome.failure, outcome.attempts) == (None, 3)

    play(story)


def test_66_given_an_interval_when_an_attempt_fails_then_the_next_one_comes_only_after_it(play: Any) -> None:
    async def story(stage: Any) -> None:
        times: list[float] = []
        running = await stage.start(lambda ctx: failing(ctx, times, until=1).retry(2, timedelta(seconds=1)) and None)
        await running.execute(MOVE)
        assert times[1] - times[0] == pytest.approx(1.0)

    play(story)


def test_given_retries_when_the_step_is_cancelled_then_it_is_neither_retried_nor_an_error(play: Any) -> None:
    async def story(stage: Any) -> None:
        begun, told = [0], []

        def body(ctx: ScriptContext) -> None:
            @ctx.on_setup("move")
            async def move(command: Setup) -> None:
                begun[0] += 1
                await asyncio.sleep(100)

            async def tell(failure: Exception) -> None:
                told.append(failure)

            move.on_error(tell).retry(5)

        running = await stage.start(body)
        step = asyncio.ensure_future(running.run_step(MOVE))
        await asyncio.sleep(1)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert (begun, told, stage.errors) == ([1], [], [])

    play(story)


def test_given_on_error_twice_when_it_fails_then_the_last_one_is_called(play: Any) -> None:
    async def story(stage: Any) -> None:
        told: list[str] = []

        def teller(name: str) -> Any:
            async def tell(failure: Exception) -> None:
                told.append(name)

            return tell

        running = await stage.start(
            lambda ctx: failing(ctx, []).on_error(teller("first")).on_error(teller("last")) and None
        )
        assert (await running.run_step(MOVE)).failure is not None
        assert told == ["last"]

    play(story)


def test_given_on_error_that_fails_itself_then_the_step_ends_with_its_failure_and_is_not_retried(play: Any) -> None:
    async def story(stage: Any) -> None:
        async def give_up(failure: Exception) -> None:
            finish_with_error("no use")

        running = await stage.start(lambda ctx: failing(ctx, []).retry(3).on_error(give_up) and None)
        outcome = await running.run_step(MOVE)
        assert (str(outcome.failure), outcome.attempts) == ("no use", 1)

    play(story)


def test_given_a_negative_number_of_retries_then_it_is_refused(play: Any) -> None:
    async def story(stage: Any) -> None:
        with pytest.raises(BadInputError, match="-1 is no number of retries"):
            failing(stage.ctx, []).retry(-1)

    play(story)


def test_given_one_name_for_setup_observe_and_wait_then_each_has_its_own_handler(play: Any) -> None:
    async def story(stage: Any) -> list[str]:
        ran: list[str] = []

        def body(ctx: ScriptContext) -> None:
            @ctx.on_setup("move")
            async def first(command: Setup) -> None:
                ran.append("replaced")

            @ctx.on_setup("move")
            async def setup(command: Setup) -> None:
                ran.append("setup")

            @ctx.on_observe("move")
            async def observe(command: Observe) -> None:
                ran.append("observe")

            @ctx.on_wait("move")
            async def wait(command: Wait) -> None:
                ran.append("wait")

        running = await stage.start(body)
        for command in (MOVE, LOOK, REST):
            await running.execute(command)
        return ran

    assert play(story) == ["setup", "observe", "wait"]


def test_given_no_handler_when_a_command_comes_then_the_step_fails_and_says_what_is_handled(play: Any) -> None:
    async def story(stage: Any) -> None:
        running = await stage.start(lambda ctx: failing(ctx, []) and None)
        assert running.checks_commands
        assert [running.handles(command) for command in (MOVE, LOOK, REST)] == [True, False, False]
        with pytest.raises(StepFailedError, match="command move was not handled: the script handles Setup move"):
            await running.execute(REST)

    play(story)


def test_given_a_default_handler_then_it_takes_what_no_other_takes_and_commands_are_not_checked(play: Any) -> None:
    async def story(stage: Any) -> None:
        taken: list[Any] = []

        def body(ctx: ScriptContext) -> None:
            @ctx.on_setup("move")
            async def move(command: Setup) -> None:
                taken.append("move")

            @ctx.on_any_command
            async def other(command: Setup | Observe | Wait) -> None:
                taken.append(command)

        running = await stage.start(body)
        assert not running.checks_commands
        assert running.handles(REST)
        for command in (MOVE, LOOK, REST):
            await running.execute(command)
        assert taken == ["move", LOOK, REST]

    play(story)


def test_given_a_handler_that_returns_a_result_then_it_is_the_step_s(play: Any) -> None:
    async def story(stage: Any) -> None:
        count = int_key("count")

        def body(ctx: ScriptContext) -> None:
            @ctx.on_observe("move")
            async def look(command: Observe) -> Result:
                return Result(count.set(7))

        outcome = await (await stage.start(body)).run_step(LOOK)
        assert outcome == (None, 1, Result(count.set(7)))

    play(story)


def test_given_a_handler_when_called_by_its_name_then_its_body_runs_once_without_retries(play: Any) -> None:
    async def story(stage: Any) -> None:
        times: list[float] = []
        move = failing(stage.ctx, times).retry(3)
        with pytest.raises(ValueError, match="attempt 1"):
            await move(MOVE)
        assert len(times) == 1

    play(story)


def test_given_reusable_scripts_when_loaded_then_every_kind_of_handler_is_kept_and_the_last_for_a_name_wins(
    play: Any,
) -> None:
    from ocs_ray.core.sequencer_states import Hook
    from ocs_ray.scripting import reusable_script

    async def story(stage: Any) -> None:
        ran: list[str] = []

        @reusable_script
        def one(ctx: ScriptContext) -> None:
            @ctx.on_new_sequence
            async def new() -> None:
                ran.append(f"one, online {ctx.is_online}")

            @ctx.on_setup("move")
            async def move(command: Setup) -> None:
                raise ValueError("replaced")

        @reusable_script
        async def other(ctx: ScriptContext) -> None:
            @ctx.on_new_sequence
            async def new() -> None:
                ran.append("other")

            @ctx.on_setup("move")
            async def move(command: Setup) -> None:
                raise ValueError("from a reusable script")

        async def body(ctx: ScriptContext) -> None:
            await ctx.load_scripts(one, other)

        running = await stage.start(body)
        stage.ctx.set_online(False)
        await running.run_hook(Hook.NEW_SEQUENCE)
        assert ran == ["one, online False", "other"]
        outcome = await running.run_step(MOVE)
        await running.report(outcome.failure)
        assert stage.errors == ["from a reusable script"]

    play(story)
