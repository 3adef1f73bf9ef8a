"""Times and timers. Source: reference esw_sequencer.md 2.9, Time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.scripting import leap_seconds, tai_time_after, tai_time_now, utc_time_after, utc_time_now
from ocs_ray.scripting.leap_seconds import STEPS, kernel_tai_minus_utc_s, tai_minus_utc_s

SECOND = timedelta(seconds=1)
NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
IANA = Path("/usr/share/zoneinfo/leap-seconds.list")


@pytest.mark.parametrize(
    ("day", "offset_s"),  # source: IERS Bulletin C and leap-seconds.list
    [
        ("1972-01-01", 10),
        ("1972-06-30", 10),
        ("1972-07-01", 11),
        ("1998-12-31", 31),
        ("1999-01-01", 32),
        ("2016-12-31T23:59:59", 36),
        ("2017-01-01T00:00:00", 37),
        ("2030-01-01", 37),
    ],
)
def test_given_a_day_then_tai_is_ahead_of_utc_by_what_the_iers_says(day: str, offset_s: int) -> None:
    assert tai_minus_utc_s(day) == offset_s


@pytest.mark.skipif(not IANA.is_file(), reason=f"no {IANA}")
def test_given_this_machine_s_list_of_leap_seconds_then_the_table_is_the_same() -> None:
    rows = [line.split() for line in IANA.read_text().splitlines() if line and not line.startswith("#")]
    days = [(NTP_EPOCH + timedelta(seconds=int(row[0]))).date().isoformat() for row in rows]
    assert days == ["1972-01-01", *STEPS]


@pytest.mark.parametrize("kernel", [None, 38])
def test_given_the_time_then_tai_is_utc_plus_the_kernel_s_offset_or_else_the_table_s(
    kernel: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.clock_gettime
    monkeypatch.setattr(
        leap_seconds.time,
        "clock_gettime",
        lambda clock: real(time.CLOCK_REALTIME) + (kernel or 0) * (clock == time.CLOCK_TAI),
    )
    assert kernel_tai_minus_utc_s() == kernel
    ahead_s = (tai_time_now().epoch_nanoseconds - utc_time_now().epoch_nanoseconds) / 1e9
    assert ahead_s == pytest.approx(kernel or 37, abs=0.5)
    assert (tai_time_after(SECOND).epoch_nanoseconds - tai_time_now().epoch_nanoseconds) / 1e9 == pytest.approx(
        1, abs=0.5
    )


@pytest.mark.parametrize("moment", [utc_time_after, tai_time_after])
def test_given_a_point_in_time_then_the_timer_fires_once_when_it_comes_and_at_once_when_it_has_passed(
    moment: Callable[[timedelta], Any], play: Any
) -> None:
    async def story(stage: Any) -> None:
        fired: list[float] = []

        @stage.ctx.schedule_once(moment(timedelta(seconds=100)))
        async def then() -> None:
            fired.append(stage.now)

        @stage.ctx.schedule_once(moment(timedelta(seconds=-100)))
        async def passed() -> None:
            fired.append(stage.now)

        await asyncio.sleep(300)
        assert fired == [0.0, pytest.approx(100, abs=0.5)]
        assert then.is_over

    play(story)


def test_given_a_delay_then_the_timer_fires_after_it_unless_it_is_cancelled(play: Any) -> None:
    async def story(stage: Any) -> None:
        fired: list[str] = []

        @stage.ctx.schedule_once_from_now(SECOND)
        async def one() -> None:
            fired.append(f"one at {stage.now:g}")

        @stage.ctx.schedule_once_from_now(SECOND)
        async def other() -> None:
            fired.append("other")

        other.cancel()
        await asyncio.sleep(2)
        assert fired == ["one at 1"]

    play(story)


def test_given_a_rhythm_then_runs_keep_it_do_not_overlap_and_what_passes_meanwhile_is_left_out(play: Any) -> None:
    async def story(stage: Any) -> None:
        begun: list[float] = []

        @stage.ctx.schedule_periodically_from_now(timedelta(seconds=2), SECOND)
        async def tick() -> None:
            begun.append(round(stage.now, 3))
            await asyncio.sleep(2.5 if len(begun) == 2 else 0.3)

        await asyncio.sleep(8.5)
        tick.cancel()
        await asyncio.sleep(5)
        assert begun == [2, 3, 6, 7, 8]

    play(story)


def test_given_a_first_time_and_an_interval_then_it_fires_from_then_on(play: Any) -> None:
    async def story(stage: Any) -> None:
        begun: list[float] = []

        @stage.ctx.schedule_periodically(utc_time_after(timedelta(seconds=10)), SECOND)
        async def tick() -> None:
            begun.append(stage.now)

        await asyncio.sleep(12.5)
        assert begun == [pytest.approx(n, abs=0.5) for n in (10, 11, 12)]

    play(story)


def test_given_a_timer_that_fails_then_the_script_is_told_and_it_goes_on_and_one_may_end_itself(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        turns = [0]

        @stage.ctx.schedule_periodically_from_now(timedelta(), SECOND)
        async def tick() -> None:
            turns[0] += 1
            if turns[0] == 3:
                tick.cancel()
                await asyncio.sleep(0.5)
                turns[0] += 100
            raise ValueError(f"turn {turns[0]}")

        await asyncio.sleep(10)
        assert stage.errors == ["turn 1", "turn 2", "turn 103"]

    play(story)


def test_given_a_script_that_is_closed_then_its_timers_loops_and_work_end(play: Any) -> None:
    async def story(stage: Any) -> None:
        running = await stage.start(lambda ctx: None)
        turns: list[str] = []

        @stage.ctx.schedule_periodically_from_now(timedelta(), SECOND)
        async def tick() -> None:
            turns.append("tick")

        async def work() -> None:
            try:
                await asyncio.sleep(100)
            finally:
                turns.append("work ended")

        stage.ctx.start(work())
        stage.ctx.loop_async(lambda: asyncio.sleep(0))
        await asyncio.sleep(1.5)
        await running.close()
        await asyncio.sleep(10)
        assert turns == ["tick", "tick", "work ended"]

    play(story)
