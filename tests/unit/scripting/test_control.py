"""Loops, conditions, things at the same time. Numbers are cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError, StepFailedError
from ocs_ray.scripting import finish_with_error, loop, par, stop_when, wait_for

STRAND = 100_000


@pytest.mark.parametrize(("turns", "interval_s", "takes_s"), [(5, 0.05, 0.25), (5, 0.0, 0.25), (3, 0.3, 0.9)])
def test_70_given_a_loop_when_it_is_stopped_then_every_turn_lasted_its_interval_of_at_least_50_ms(
    turns: int, interval_s: float, takes_s: float, play: Any
) -> None:
    async def story(stage: Any) -> None:
        begun, after = [0], [0]

        async def body() -> None:
            begun[0] += 1
            stop_when(begun[0] == turns)
            after[0] += 1

        await loop(body, timedelta(seconds=interval_s))
        assert (begun, after) == ([turns], [turns - 1])
        assert stage.now == pytest.approx(takes_s)

    play(story)


@pytest.mark.parametrize(("body_s", "interval_s", "takes_s"), [(0.2, 0.1, 0.6), (0.1, 0.2, 0.6)])
def test_given_a_body_that_takes_time_then_body_and_interval_overlap(
    body_s: float, interval_s: float, takes_s: float, play: Any
) -> None:
    async def story(stage: Any) -> None:
        turns = [0]

        async def body() -> None:
            await asyncio.sleep(body_s)
            turns[0] += 1
            stop_when(turns[0] == 3)

        await loop(body, timedelta(seconds=interval_s))
        assert stage.now == pytest.approx(takes_s)

    play(story)


def test_given_nested_loops_when_the_inner_one_stops_then_the_outer_one_goes_on(play: Any) -> None:
    async def story(stage: Any) -> list[str]:
        seen: list[str] = []

        async def inner() -> None:
            seen.append("inner")
            try:
                stop_when(True)
            except Exception:
                seen.append("swallowed")

        async def outer() -> None:
            await loop(inner)
            seen.append("outer")
            stop_when(len(seen) >= 4)

        await loop(outer)
        return seen

    assert play(story) == ["inner", "outer", "inner", "outer"]


def test_given_stop_when_without_a_loop_then_it_says_so(play: Any) -> None:
    async def story(stage: Any) -> None:
        with pytest.raises(BadInputError, match="there is no loop around it"):
            stop_when(True)

    play(story)


def test_given_a_loop_whose_body_fails_then_the_failure_comes_out(play: Any) -> None:
    async def story(stage: Any) -> None:
        async def body() -> None:
            raise ValueError("bad turn")

        with pytest.raises(ValueError, match="bad turn"):
            await loop(body)
        with pytest.raises(BadInputError):  # and the loop is over
            stop_when(True)

    play(story)


def test_given_a_loop_in_the_background_then_it_can_be_joined_and_cancelled_and_its_failure_is_told(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        turns = [0]

        async def five() -> None:
            turns[0] += 1
            stop_when(turns[0] == 5)

        async def fail() -> None:
            raise ValueError("bad turn")

        endless = stage.ctx.loop_async(lambda: asyncio.sleep(0), timedelta(seconds=1))
        await stage.ctx.loop_async(five).join()
        await stage.ctx.loop_async(fail).join()
        assert (turns, stage.errors, endless.is_over) == ([5], ["bad turn"], False)
        endless.cancel()
        await endless.join()
        assert endless.is_over

    play(story)


def test_71_given_five_pieces_of_work_of_100_ms_then_together_they_take_100_ms_and_results_come_in_order(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        async def work(n: int) -> int:
            await asyncio.sleep(0.1 - n / 100)
            return n

        assert await par(*(work(n) for n in range(5))) == [0, 1, 2, 3, 4]
        assert stage.now < 0.25

    play(story)


def test_given_one_of_them_fails_then_the_others_are_cancelled_and_the_failure_comes_out(play: Any) -> None:
    async def story(stage: Any) -> None:
        ended: list[str] = []

        async def fail() -> None:
            await asyncio.sleep(1)
            raise ValueError("bad")

        async def work() -> None:
            try:
                await asyncio.sleep(100)
            finally:
                ended.append("cancelled")

        with pytest.raises(ValueError, match="bad"):
            await par(work(), fail(), work())
        assert ended == ["cancelled", "cancelled"]
        assert stage.now == pytest.approx(1.0)

    play(story)


def test_72_given_three_coroutines_when_each_counts_to_100000_then_no_count_is_lost(play: Any) -> None:
    async def story(stage: Any) -> int:
        count = 0

        async def add() -> None:
            nonlocal count
            for n in range(STRAND):
                count += 1
                if n % 1000 == 0:
                    await asyncio.sleep(0)

        await par(add(), add(), add())
        return count

    assert play(story) == 3 * STRAND


def test_given_a_condition_plain_or_async_then_wait_for_ends_when_it_holds(play: Any) -> None:
    async def story(stage: Any) -> None:
        await wait_for(lambda: stage.now >= 1.0)
        assert stage.now == pytest.approx(1.0, abs=0.06)

        async def later() -> bool:
            return stage.now >= 2.0

        await wait_for(later)
        assert stage.now == pytest.approx(2.0, abs=0.06)

    play(story)


def test_given_finish_with_error_then_the_step_fails_with_its_words() -> None:
    with pytest.raises(StepFailedError, match="cloudy"):
        finish_with_error("cloudy")
