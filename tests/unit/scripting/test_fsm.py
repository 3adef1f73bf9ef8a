"""State machines inside a script. Numbers are cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.keys import int_key
from ocs_ray.scripting import CommandFlag, Fsm, FsmState

N = int_key("n")


def recorded(stage: Any, seen: list[str]) -> Fsm:
    fsm = stage.ctx.fsm("pump", "low")

    for name in ("LOW", "High"):

        @fsm.state(name)
        async def body(state: FsmState) -> None:
            async def entered() -> None:
                seen.append(f"enter {state.name}")

            await state.entry(entered)
            seen.append(state.name)

    return fsm


def test_74_given_states_when_one_is_named_in_other_case_then_it_works_and_an_unknown_one_is_refused(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[str] = []
        fsm = recorded(stage, seen)
        await fsm.start()
        await fsm.become("hIGH")
        assert fsm.current == "HIGH"
        with pytest.raises(BadInputError, match="Failed transition to invalid state: GONE"):
            await fsm.become("gone")
        assert (fsm.current, fsm.is_completed) == ("HIGH", False)
        with pytest.raises(BadInputError, match="Failed transition to invalid state: NOWHERE"):
            await stage.ctx.fsm("other", "nowhere").start()

    play(story)


def test_75_given_a_state_that_becomes_itself_then_its_entry_is_not_run_again_but_its_function_is(play: Any) -> None:
    async def story(stage: Any) -> list[str]:
        seen: list[str] = []
        fsm = recorded(stage, seen)
        await fsm.start()
        await fsm.become("low")
        await fsm.refresh()
        await fsm.become("HIGH")
        await fsm.become("LOW")
        return seen

    assert play(story) == ["enter LOW", "LOW", "LOW", "LOW", "enter HIGH", "HIGH", "enter LOW", "LOW"]


def test_given_parameters_when_refreshed_then_the_function_runs_with_the_same_ones(play: Any) -> None:
    async def story(stage: Any) -> list[int]:
        seen: list[int] = []
        fsm = stage.ctx.fsm("pump", "A")

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            seen.append(state.params[N].head() if N in state.params else 0)

        await fsm.start()
        await fsm.become("A", N.set(3))
        await fsm.refresh()
        return seen

    assert play(story) == [0, 3, 3]


def test_given_on_and_after_when_the_state_is_left_in_time_then_the_timer_does_not_fire(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[str] = []
        fsm = stage.ctx.fsm("pump", "A")
        flag = CommandFlag()

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            async def late() -> None:
                seen.append(f"late at {stage.now:g}")

            async def go() -> None:
                await fsm.become("B")

            state.after(timedelta(seconds=5), late)
            await state.on(N in flag.value, go)

        @fsm.state("B")
        async def b(state: FsmState) -> None:
            async def back() -> None:
                await fsm.become("A")

            state.after(timedelta(seconds=1), back)

        flag.bind(fsm)
        await fsm.start()
        await asyncio.sleep(4)
        await flag.set()  # a refresh starts no second timer
        await asyncio.sleep(2)
        assert seen == ["late at 5"]
        await fsm.become("A")
        await asyncio.sleep(4)
        await flag.set(N.set(1))
        assert fsm.current == "B"
        await asyncio.sleep(0.9)
        await flag.set()
        await asyncio.sleep(4)
        assert (fsm.current, seen) == ("A", ["late at 5"])

    play(story)


def test_given_a_state_that_becomes_itself_after_a_while_then_it_does_so_for_ever(play: Any) -> None:
    async def story(stage: Any) -> None:
        turns: list[float] = []
        fsm = stage.ctx.fsm("clock", "TICK")

        @fsm.state("TICK")
        async def tick(state: FsmState) -> None:
            async def again() -> None:
                await fsm.become("TICK")

            turns.append(stage.now)
            state.after(timedelta(seconds=1), again)

        await fsm.start()
        await asyncio.sleep(1999.5)
        assert len(turns) == 2000

    play(story)


def test_given_complete_in_a_state_then_the_rest_is_not_run_and_those_who_wait_go_on(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[str] = []
        fsm = stage.ctx.fsm("pump", "A")

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            await fsm.become("B")
            seen.append("after become")

        @fsm.state("B")
        async def b(state: FsmState) -> None:
            await asyncio.sleep(1)
            fsm.complete()
            seen.append("after complete")

        await fsm.await_end()  # starts it
        assert (seen, fsm.is_completed, stage.errors) == ([], True, [])
        await fsm.become("A")
        await fsm.refresh()
        await fsm.await_end()
        assert seen == []

    play(story)


def test_given_complete_from_a_handler_then_what_runs_in_the_machine_ends_and_the_handler_goes_on(play: Any) -> None:
    async def story(stage: Any) -> None:
        ended: list[str] = []
        fsm = stage.ctx.fsm("pump", "A")

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                ended.append("cancelled")

        starting = asyncio.ensure_future(fsm.start())
        await asyncio.sleep(1)
        fsm.complete()
        await starting
        assert (ended, fsm.is_completed) == (["cancelled"], True)

    play(story)


@pytest.mark.parametrize("where", ["body", "timer"])
def test_given_a_state_that_fails_then_the_machine_completes_its_bindings_are_cut_and_the_script_is_told(
    where: str, play: Any
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        fsm = stage.ctx.fsm("pump", "A")
        variable = await stage.ctx.event_variable(stage_key())

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            async def fail() -> None:
                raise ValueError("dry")

            if where == "timer":
                state.after(timedelta(seconds=1), fail)
            else:
                await fail()

        variable.bind(fsm)
        await fsm.await_end()
        await asyncio.sleep(1)
        assert (stage.errors, variable.is_looking) == (["dry"], False)

    play(story)


def stage_key() -> Any:
    from ocs_ray.scripting import EventKey

    return EventKey("TCS.test", "level")


def test_given_a_refresh_while_the_function_runs_then_it_runs_once_more_when_it_has_ended(play: Any) -> None:
    async def story(stage: Any) -> None:
        begun: list[float] = []
        fsm = stage.ctx.fsm("pump", "A")

        @fsm.state("A")
        async def a(state: FsmState) -> None:
            begun.append(stage.now)
            await asyncio.sleep(1)

        starting = asyncio.ensure_future(fsm.start())
        await asyncio.sleep(0.2)
        await fsm.refresh()
        await fsm.refresh()
        await starting
        await asyncio.sleep(5)
        assert begun == [0.0, 1.0]

    play(story)
