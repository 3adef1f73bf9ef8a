"""Scripts with states. Numbers are cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import BadInputError, StepFailedError
from ocs_ray.models.events import EventKey
from ocs_ray.models.keys import int_key
from ocs_ray.scripting import FsmScriptContext, Setup, StateContext, fsm_script

GO, STAY = Setup("ESW.test", "go"), Setup("ESW.test", "stay")
N = int_key("n")
TICK = EventKey("TCS.test", "tick")


def machine_of(seen: list[Any]) -> Any:
    """INIT --go--> READY; READY tells its parameters; hooks of both levels are noted."""

    @fsm_script(initial="INIT")
    async def machine(top: FsmScriptContext) -> None:
        @top.on_stop
        async def stop() -> None:
            seen.append("top stop")

        @top.state("INIT")
        async def init(ctx: StateContext) -> None:
            @ctx.on_setup("go")
            async def go(command: Setup) -> None:
                await ctx.become("READY", N.set(1))

            @ctx.on_new_sequence
            async def new() -> None:
                seen.append("init new")

        @top.state("READY")
        async def ready(ctx: StateContext) -> None:
            seen.append(f"enter {ctx.params[N].head()}")

            @ctx.on_setup("stay")
            async def stay(command: Setup) -> None:
                await ctx.become("READY", N.set(2))
                seen.append(f"stays {ctx.params[N].head()}")

            @ctx.on_stop
            async def stop() -> None:
                seen.append("state stop")

            @ctx.on_setup("go")
            async def back(command: Setup) -> None:
                await top.become("INIT")

    return machine


def test_given_an_fsm_script_when_it_becomes_another_state_then_that_state_s_handlers_take_the_commands(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        seen: list[Any] = []
        running = await stage.start(machine_of(seen))
        assert (running.state, running.checks_commands) == ("INIT", False)
        with pytest.raises(StepFailedError, match="command stay was not handled"):
            await running.execute(STAY)
        await running.execute(GO)
        assert (running.state, seen) == ("READY", ["enter 1"])
        await running.execute(GO)
        assert running.state == "INIT"
        await running.execute(GO)
        assert seen == ["enter 1", "enter 1"]

    play(story)


def test_76_given_handlers_of_a_moment_in_state_and_top_level_then_the_state_s_run_first(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[Any] = []
        running = await stage.start(machine_of(seen))
        await running.run_hook(Hook.STOP)
        await running.execute(GO)
        await running.run_hook(Hook.STOP)
        assert seen == ["top stop", "enter 1", "state stop", "top stop"]

    play(story)


def test_77_given_a_state_when_it_becomes_itself_then_nothing_changes_not_even_the_parameters(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[Any] = []
        running = await stage.start(machine_of(seen))
        await running.execute(GO)
        await running.execute(STAY)
        assert seen == ["enter 1", "stays 1"]

    play(story)


def test_given_on_new_sequence_in_a_state_then_it_is_called(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[Any] = []
        await (await stage.start(machine_of(seen))).run_hook(Hook.NEW_SEQUENCE)
        assert seen == ["init new"]

    play(story)


def test_given_a_state_handler_of_a_moment_that_fails_then_the_top_level_s_do_not_run(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[str] = []

        @fsm_script(initial="A")
        async def machine(top: FsmScriptContext) -> None:
            @top.on_stop
            async def stop() -> None:
                seen.append("top")

            @top.state("A")
            async def a(ctx: StateContext) -> None:
                @ctx.on_stop
                async def fail() -> None:
                    raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await (await stage.start(machine)).run_hook(Hook.STOP)
        assert seen == []

    play(story)


@pytest.mark.parametrize("name", ["ready", "NOWHERE"])
def test_given_a_state_that_is_not_declared_then_become_fails_case_counts_and_the_present_state_stays(
    name: str, play: Any
) -> None:
    async def story(stage: Any) -> None:
        machine = None

        @fsm_script(initial="READY")
        async def entry(top: FsmScriptContext) -> None:
            nonlocal machine
            machine = top

            @top.state("READY")
            async def ready(ctx: StateContext) -> None:
                pass

        running = await stage.start(entry)
        assert machine is not None
        with pytest.raises(BadInputError, match=f"No state declaration found for state: {name}"):
            await machine.become(name)
        assert running.state == "READY"

    play(story)


def test_given_a_state_that_fails_while_it_is_entered_then_the_one_before_stays_in_force(play: Any) -> None:
    async def story(stage: Any) -> None:
        @fsm_script(initial="A")
        async def machine(top: FsmScriptContext) -> None:
            @top.state("A")
            async def a(ctx: StateContext) -> None:
                @ctx.on_setup("go")
                async def go(command: Setup) -> None:
                    await ctx.become("B")

            @top.state("B")
            async def b(ctx: StateContext) -> None:
                raise ValueError("cannot enter")

        running = await stage.start(machine)
        outcome = await running.run_step(GO)
        assert (str(outcome.failure), running.state) == ("cannot enter", "A")

    play(story)


def test_given_a_state_that_goes_on_while_it_is_entered_then_the_last_one_is_in_force(play: Any) -> None:
    async def story(stage: Any) -> None:
        @fsm_script(initial="A")
        async def machine(top: FsmScriptContext) -> None:
            @top.state("A")
            async def a(ctx: StateContext) -> None:
                await ctx.become("B")

            @top.state("B")
            async def b(ctx: StateContext) -> None:
                @ctx.on_setup("go")
                async def look_and_come_back(command: Setup) -> None:
                    await ctx.become("C")

            @top.state("C")
            async def c(ctx: StateContext) -> None:
                await ctx.become("B")

        running = await stage.start(machine)
        assert running.state == "B"
        await running.execute(GO)
        assert running.state == "B"

    play(story)


def test_given_timers_and_subscriptions_of_a_state_when_it_is_left_then_they_end_and_the_top_level_s_go_on(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        ticks = {"state": 0, "top": 0, "event": 0}

        @fsm_script(initial="A")
        async def machine(top: FsmScriptContext) -> None:
            @top.schedule_periodically_from_now(timedelta(), timedelta(seconds=1))
            async def top_tick() -> None:
                ticks["top"] += 1

            @top.state("A")
            async def a(ctx: StateContext) -> None:
                @ctx.schedule_periodically_from_now(timedelta(), timedelta(seconds=1))
                async def tick() -> None:
                    ticks["state"] += 1

                @ctx.on_event(TICK)
                async def event_tick(event: Any) -> None:
                    await ctx.become("B")
                    await asyncio.sleep(1)
                    ticks["event"] += 1  # what left the state still ends its own turn

            @top.state("B")
            async def b(ctx: StateContext) -> None:
                pass

        running = await stage.start(machine)
        await asyncio.sleep(2.5)
        await stage.publish("tick")
        await asyncio.sleep(2)
        await stage.publish("tick")
        await asyncio.sleep(2)
        assert running.state == "B"
        assert ticks == {"state": 3, "top": 7, "event": 1}

    play(story)


def test_given_errors_in_a_state_then_its_own_handler_is_told_first_and_then_the_top_level_s(play: Any) -> None:
    async def story(stage: Any) -> None:
        told: list[str] = []

        @fsm_script(initial="A")
        async def machine(top: FsmScriptContext) -> None:
            @top.on_global_error
            async def tell(failure: Exception) -> None:
                told.append(f"top {failure}")

            @top.state("A")
            async def a(ctx: StateContext) -> None:
                @ctx.on_global_error
                async def tell(failure: Exception) -> None:
                    told.append(f"state {failure}")

                @ctx.schedule_once_from_now(timedelta(seconds=1))
                async def fail() -> None:
                    raise ValueError("timer")

        await stage.start(machine)
        await asyncio.sleep(2)
        assert told == ["state timer", "top timer"]

    play(story)


def test_given_a_first_state_that_does_not_exist_then_the_script_does_not_start(play: Any) -> None:
    async def story(stage: Any) -> None:
        @fsm_script(initial="NONE")
        async def machine(top: FsmScriptContext) -> None:
            pass

        with pytest.raises(BadInputError, match="No state declaration found for state: NONE"):
            await stage.start(machine)

    play(story)
