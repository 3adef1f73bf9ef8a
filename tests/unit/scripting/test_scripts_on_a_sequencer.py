"""The script language on the sequencer's real shell and strand, in real time.

Numbers: cases of reference esw_sequencer.md, section 9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ocs_ray.models.keys import int_key
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid
from ocs_ray.scripting import Sequence, Sequencer, Setup, Wait
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

HEAD = """from __future__ import annotations
import asyncio
from datetime import timedelta
from ocs_ray.models.keys import int_key
from ocs_ray.scripting import *
from ocs_ray.scripting import par
N = int_key("n")
"""
COUNTING = """
@script
async def lead(ctx):
    count = 0

    async def add():
        nonlocal count
        for n in range(100_000):
            count += 1
            if n % 5000 == 0:
                await asyncio.sleep(0)

    @ctx.on_setup("count")
    async def counts(command):
        @ctx.schedule_once_from_now(timedelta())
        async def by_timer():
            await add()

        background = ctx.start(add())
        await add()
        await by_timer.join()
        await background
        await ctx.publish_event("counted", N.set(count))
"""
STATES = """
@fsm_script(initial="A")
async def lead(top):
    @top.state("A")
    async def a(ctx):
        @ctx.on_setup("go")
        async def go(command):
            await ctx.become("B")

    @top.state("B")
    async def b(ctx):
        @ctx.on_wait("rest")
        async def rest(command):
            await ctx.publish_event("rested")
"""
TAKING = """
@script
async def lead(ctx):
    @ctx.on_setup("one")
    async def one(command):
        taken = []
        while (command := await ctx.next_if(lambda c: c.command_name == "more")) is not None:
            taken.append(command)
        await ctx.publish_event("taken", N.set(len(taken)))

    @ctx.on_setup("other")
    async def other(command):
        pass

    @ctx.on_setup("more")
    async def more(command):
        raise ValueError("not taken")
"""
FAILING = """
@script
async def lead(ctx):
    @ctx.on_setup("fail")
    async def fail(command):
        raise ValueError("boom")

    fail.retry(2)

    @ctx.on_setup("endless")
    async def endless(command):
        await ctx.wait_cancelled()

    @ctx.on_global_error
    async def tell(failure):
        await ctx.publish_event("told")
"""


def commands(*names: str) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", name) for name in names))


@pytest.fixture
def run_with(tmp_path: Path) -> Callable[..., None]:
    def run(text: str, story: Callable[[LocalObservatory, Sequencer], Awaitable[None]]) -> None:
        async def whole() -> None:
            (tmp_path / "mode").mkdir()
            file = tmp_path / "mode" / "esw.py"
            file.write_text(HEAD + text)
            async with LocalObservatory() as observatory, asyncio.timeout(30):
                await observatory.start_sequencer("ESW.mode", file, tmp_path)
                await story(observatory, observatory.sequencer("ESW.mode"))

        asyncio.run(whole())

    return run


def test_72_given_handler_timer_and_background_when_each_counts_to_100000_then_no_count_is_lost(
    run_with: Callable[..., None],
) -> None:
    async def story(observatory: LocalObservatory, sequencer: Sequencer) -> None:
        assert isinstance(await sequencer.submit_and_wait(commands("count")), Completed)
        assert [event[int_key("n")].head() for event in observatory.published] == [300_000]

    run_with(COUNTING, story)


def test_given_an_fsm_script_then_a_sequence_may_use_handlers_that_come_with_a_later_state(
    run_with: Callable[..., None],
) -> None:
    async def story(observatory: LocalObservatory, sequencer: Sequencer) -> None:
        sequence = Sequence.of(Setup("ESW.test", "go"), Wait("ESW.test", "rest"))
        assert isinstance(await sequencer.submit_and_wait(sequence), Completed)
        assert [event.event_name for event in observatory.published] == ["rested"]
        again = await sequencer.submit_and_wait(sequence, resume_on_error=True)
        assert isinstance(again, Error)
        assert "command go was not handled" in again.message

    run_with(STATES, story)


def test_given_next_if_then_steps_are_taken_while_wanted_and_all_succeed(run_with: Callable[..., None]) -> None:
    async def story(observatory: LocalObservatory, sequencer: Sequencer) -> None:
        final = await sequencer.submit_and_wait(commands("one", "more", "more", "other"))
        assert isinstance(final, Completed)
        assert [event[int_key("n")].head() for event in observatory.published] == [2]

    run_with(TAKING, story)


def test_given_a_handler_that_fails_then_its_attempts_are_recorded_and_the_script_is_told(
    run_with: Callable[..., None],
) -> None:
    async def story(observatory: LocalObservatory, sequencer: Sequencer) -> None:
        final = await sequencer.submit_and_wait(commands("fail"), resume_on_error=True)
        assert isinstance(final, Error)
        assert "boom" in final.message
        steps = await sequencer.sequence()
        assert steps is not None
        assert steps[0].attempts == 3
        await until(lambda: [event.event_name for event in observatory.published] == ["told"])
        refused = await sequencer.submit(commands("fail", "unknown", "other"), resume_on_error=True)
        assert isinstance(refused, Invalid)
        assert "unknown" in refused.reason
        assert "other" in refused.reason

    run_with(FAILING, story)


def test_given_a_step_that_waits_for_its_cancellation_when_aborted_then_the_run_ends_at_once(
    run_with: Callable[..., None],
) -> None:
    async def story(observatory: LocalObservatory, sequencer: Sequencer) -> None:
        started = await sequencer.submit(commands("endless", "endless"))
        await asyncio.sleep(0.05)
        await sequencer.abort_sequence()
        assert isinstance(await sequencer.query_final(started.run_id, resume_on_error=True), Cancelled)
        again = await sequencer.submit(commands("endless"))  # the flag of the old run is gone
        assert (await sequencer.query(again.run_id)).is_started
        await sequencer.abort_sequence()

    run_with(FAILING, story)
