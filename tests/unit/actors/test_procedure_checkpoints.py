"""A running script at its checkpoints: held, let go, stopped, failed. Case numbers: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.responses import Cancelled, Completed

from .procedure_floor import Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
LATE = """
@script
async def body(ctx):
    @ctx.on_setup("nothing")
    async def nothing(command):
        SEEN.append(ctx.state.value)
"""


def test_given_a_fresh_script_when_somebody_looks_late_then_it_is_idle_and_every_change_is_told(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 2
        fresh = await floor.sequencer.procedure_state()
        assert (fresh.state, fresh.number, fresh.changes) == ("IDLE", 0, ())
        await floor.sequencer.submit_and_wait(commands("nothing"))
        late = await floor.sequencer.watch_procedure(0, 5)
        assert states(late) == "STARTING RUNNING COMPLETING COMPLETE"
        assert [change.number for change in late.changes] == [1, 2, 3, 4]
        assert floor.seen() == ["EXECUTE"]
        followed = floor.sequencer.follow_procedure()
        assert (await anext(followed)).state == "COMPLETE"
        await floor.sequencer.reset_procedure()
        assert [(await anext(followed)).state for _ in range(2)] == ["RESETTING", "IDLE"]
        await followed.aclose()

    play(tmp_path, story, LATE)


@pytest.mark.parametrize("step", ["polite", "asleep"])
def test_given_a_step_at_checkpoints_when_held_then_it_waits_inside_the_step_until_resumed(
    tmp_path: Path, step: str
) -> None:
    async def story(floor: Floor) -> None:  # case 24, the effects
        run_id = await floor.run(step, "nothing")
        held = await floor.sequencer.hold(wait=WAIT_5)
        assert (held.disposition, held.reached, held.state) == ("chosen", True, "HELD")
        floor.open()
        await floor.settled()
        assert floor.seen() == ["begun"]
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, resumed.state in ("EXECUTE", "COMPLETE")) == (True, True)
        if step == "polite":
            assert isinstance(await floor.final(run_id), Completed)
            assert floor.seen() == ["begun", "ended", "nothing"]
        else:
            stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
            assert (stopped.reached, stopped.state) == (True, "STOPPED")
            assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story)


CHUNKS = """
@script
async def body(ctx):
    @ctx.on_setup("work")
    async def work(command):
        def sleeping():
            SEEN.append("begun")
            ctx.sleep_chunked(CHUNK_MS * 1000, CHUNK_MS)
            SEEN.append("slept")

        await ctx.blocking_io(sleeping)
"""


@pytest.mark.parametrize("chunk_ms", [250_000, 10_000_000_000], ids=["chunks", "one chunk"])
def test_given_sleep_chunked_when_held_resumed_and_stopped_then_each_takes_effect_at_once(
    tmp_path: Path, chunk_ms: int
) -> None:
    async def story(floor: Floor) -> None:  # case 24: the wait is not over because it was held
        run_id = await floor.run("work")
        for _ in range(2):
            assert (await floor.sequencer.hold(wait=WAIT_5)).reached
            assert (await floor.sequencer.unhold(wait=WAIT_5)).reached
        await floor.settled()
        assert floor.seen() == ["begun"]
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).state == "STOPPED"
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun"]

    play(tmp_path, story, CHUNKS.replace("CHUNK_MS", str(chunk_ms)))


STUBBORN = """
@script
async def body(ctx):
    @ctx.on_setup("swallow")
    async def swallow(command):
        SEEN.append("begun")
        try:
            while True:
                try:
                    await ctx.sleep(1e6)
                except Exception:
                    SEEN.append("swallowed")
        finally:
            SEEN.append("finally")

    @ctx.on_setup("check")
    async def check(command):
        SEEN.append("begun")
        try:
            while True:
                await asyncio.sleep(0.001)
                try:
                    ctx.check_cancelled()
                except Exception:
                    SEEN.append("swallowed")
        finally:
            SEEN.append("finally")

    @ctx.on_setup("succeed")
    async def succeed(command):
        SEEN.append("begun")
        while ctx.state.value == "EXECUTE":
            await asyncio.sleep(0.001)

    @ctx.on_setup("fail")
    async def fail(command):
        SEEN.append("begun")
        while ctx.state.value == "EXECUTE":
            await asyncio.sleep(0.001)
        raise ValueError("the shutter is stuck")

    @ctx.on_global_error
    async def told(failure):
        SEEN.append(str(failure))
"""


@pytest.mark.parametrize("step", ["swallow", "check"])
@pytest.mark.parametrize("by", ["STOP", "ABORT"])
def test_given_except_exception_when_stopped_then_it_does_not_swallow_it_and_finally_runs(
    tmp_path: Path, step: str, by: str
) -> None:
    async def story(floor: Floor) -> None:  # case 25
        run_id = await floor.run(step)
        ended = await floor.sequencer.send_command(by, wait=WAIT_5)
        assert ended.state == {"STOP": "STOPPED", "ABORT": "ABORTED"}[by]
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.settled()
        assert floor.seen() == ["begun", "finally"], "and nobody reports it as a failure"

    play(tmp_path, story, STUBBORN)


def test_given_a_step_that_succeeds_after_a_stop_then_the_run_stays_cancelled(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 25
        run_id = await floor.run("succeed")
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).state == "STOPPED"
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story, STUBBORN)


def test_given_a_step_that_fails_after_a_stop_then_it_is_stopped_and_the_cause_is_kept(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # section 2, ruling 8
        await floor.run("fail")
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).state == "STOPPED"
        assert "the shutter is stuck" in (await floor.sequencer.procedure_state()).reason

    play(tmp_path, story, STUBBORN)


GUARDED = """
@script
async def body(ctx):
    @ctx.on_setup("expose")
    async def expose(command):
        SEEN.append("begun")
        while ctx.state.value == "EXECUTE" and not OPEN.is_set():
            await asyncio.sleep(0.001)
        with ctx.no_hold():
            SEEN.append("inside")
            await ctx.sleep(1)
            while not OPEN.is_set():
                await ctx.checkpoint()
                await asyncio.sleep(0.001)
            SEEN.append("exposed")
        await ctx.checkpoint()
        SEEN.append("after")

    @ctx.on_setup("shut")
    async def shut(command):
        with ctx.no_hold():
            SEEN.append("begun")
            while not OPEN.is_set():
                await ctx.checkpoint()
                await asyncio.sleep(0.001)
            SEEN.append("exposed")
        await ctx.checkpoint()
        SEEN.append("after")
"""


def test_given_no_hold_when_held_twice_then_it_is_held_once_right_after_the_block(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 26
        run_id = await floor.run("shut")
        assert (await floor.sequencer.hold()).disposition == "deferred"
        assert (await floor.sequencer.hold()).disposition == "superseded"
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        await floor.settled()
        assert floor.state() == "EXECUTE"
        floor.open()
        await floor.comes_to("HELD")
        assert floor.seen() == ["begun", "exposed"]
        assert (await held).disposition == "superseded"
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, GUARDED)


def test_given_holding_when_no_hold_begins_then_its_checkpoints_let_through_and_held_comes_after(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # case 26: the script had been told to wait before the block began
        run_id = await floor.run("expose")
        await floor.sequencer.hold()
        await floor.has_seen("inside")
        assert floor.state() == "HOLDING"
        floor.open()
        await floor.comes_to("HELD")
        assert floor.seen() == ["begun", "inside", "exposed"]
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, GUARDED)


def test_given_held_when_resumed_and_held_in_one_breath_then_it_is_held_only_where_it_waits(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("polite")
        await floor.sequencer.hold(wait=WAIT_5)
        for _ in range(100):
            await asyncio.gather(floor.sequencer.unhold(), floor.sequencer.hold())
            await floor.comes_to("HELD")
            shell = floor.shell()._procedure
            await floor.settled()
            assert (shell.core.state, shell._parked) == ("HELD", 1)
        floor.open()
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story)
