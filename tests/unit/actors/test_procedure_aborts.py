"""Where the sequencer's own abort may end a step, and where it never does. Source: seed 001; decision 0014."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.models.steps import StepStatus
from ocs_ray.testing.waiting import until

from .procedure_floor import PREFIX, SCRIPT, Floor, play

WAIT_5 = timedelta(seconds=5)
HASTY = ProcedureSettings(stop_grace_s=0.02, kill_after_s=5, child_limit_s=2)
UNTIL_OPEN = "while not OPEN.is_set():\n            "
ENDS = {
    "checkpoint": UNTIL_OPEN + "await asyncio.sleep(0.001); await ctx.checkpoint()",
    "check_cancelled": UNTIL_OPEN + "await asyncio.sleep(0.001); ctx.check_cancelled()",
    "sleep": UNTIL_OPEN + "await ctx.sleep(0.05)",
    "sleep_chunked": "await asyncio.to_thread(lambda: [ctx.sleep_chunked(50) for _ in iter(OPEN.is_set, True)])",
    "recv_command": UNTIL_OPEN + "await ctx.recv_command('RUNNING', timeout_seconds=0.05)",
    "in no_hold": "with ctx.no_hold():\n            while not OPEN.is_set():\n                await ctx.sleep(0.05)",
    "in par": "await par(ctx.sleep(0), ends())",
}
"""What a step waits in, until OPEN, when it has said that it may be ended there."""
GOES_ON = {
    "asyncio.sleep": UNTIL_OPEN + "await asyncio.sleep(0.001)",
    "a thread": "await asyncio.to_thread(OPEN.wait, 10)",
    "beside a checkpoint": "await par(ctx.sleep(60), deaf_part())",
}
BODY = """
    @ctx.on_abort_sequence
    async def on_abort():
        SEEN.append("on_abort")
        await ctx.sleep(0.01)
        await ctx.checkpoint()
        ctx.check_cancelled()
        await ctx.recv_command("RUNNING")
        SEEN.append("on_abort ended")

    @ctx.on_stop
    async def on_stop():
        await ctx.sleep(0.01)
        SEEN.append("on_stop ended")

    async def ends():
        while not OPEN.is_set():
            await ctx.sleep(0.05)

    async def deaf_part():
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        SEEN.append("part ended")

    @ctx.on_setup("wait")
    async def wait(command):
        SEEN.append("begun")
        {wait}
        SEEN.append("ended")
"""


def waiting(how: str) -> str:
    return SCRIPT + BODY.replace("{wait}", how)


async def first_step(floor: Floor) -> tuple[StepStatus, str]:
    steps = await floor.sequencer.sequence()
    assert steps is not None
    return steps[0].status, steps[0].message or ""


@pytest.mark.parametrize("where", list(ENDS))
def test_given_a_step_at_a_point_where_it_may_be_ended_when_aborted_then_it_ends_there_and_says_so(
    tmp_path: Path, where: str
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("wait", "nothing")
        await floor.sequencer.abort_sequence()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert (await floor.comes_to("ABORTED")).late == ""
        assert floor.seen() == ["begun", "on_abort", "on_abort ended"]
        assert await first_step(floor) == (StepStatus.FAILURE, "it was aborted at a checkpoint")

    play(tmp_path, story, waiting(ENDS[where]))


@pytest.mark.parametrize("where", list(ENDS))
def test_given_a_step_at_such_a_point_when_the_sequencer_is_stopped_then_it_runs_to_its_end(
    tmp_path: Path, where: str
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("wait", "nothing")
        await floor.sequencer.stop()
        await floor.settled()
        assert "ended" not in floor.seen()
        floor.open()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun", "on_stop ended", "ended"]

    play(tmp_path, story, waiting(ENDS[where]), HASTY)


@pytest.mark.parametrize("where", list(GOES_ON))
@pytest.mark.parametrize("by", ["stop", "abort"])
def test_given_a_step_anywhere_else_when_ended_by_the_sequencer_then_it_is_never_cut_short(
    tmp_path: Path, where: str, by: str
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("wait", "nothing")
        await (floor.sequencer.stop() if by == "stop" else floor.sequencer.abort_sequence())
        await floor.has_seen(f"on_{by} ended")
        await asyncio.sleep(5 * HASTY.stop_grace_s)  # the time is what is under test: nothing happens in it
        status = await floor.sequencer.procedure_state()
        assert (status.state, status.late) == ("STOPPING" if by == "stop" else "ABORTING", "")
        if where != "beside a checkpoint":
            floor.open()
            assert isinstance(await floor.final(run_id), Cancelled)
            assert floor.seen()[-1] == "ended"
        elif by == "abort":
            floor.open()
            assert isinstance(await floor.final(run_id), Cancelled)
            assert floor.seen()[-1] == "part ended", "the step ends when its last part has"

    play(tmp_path, story, waiting(GOES_ON[where]), HASTY)


def test_given_an_aborted_step_that_goes_on_when_the_procedure_is_aborted_then_that_escalates(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("wait", "nothing")
        await floor.sequencer.abort_sequence()
        await floor.comes_to("ABORTING")
        told = await floor.sequencer.abort_procedure(wait=WAIT_5)
        assert (told.accepted, told.reached, told.state) == (True, True, "ABORTED")
        assert isinstance(await floor.final(run_id), Cancelled)
        assert (await first_step(floor))[1] == "it was cancelled"

    play(tmp_path, story, waiting(GOES_ON["asyncio.sleep"]), HASTY)


def test_given_a_stop_that_escalates_when_the_sequencer_is_aborted_then_it_escalates_all_the_same(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("wait", "nothing")
        await floor.sequencer.stop_procedure()
        await until(lambda: "on_stop ended" in floor.seen() or floor.state() == "STOPPED")
        await floor.sequencer.abort_sequence()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert "ended" not in floor.seen()

    play(tmp_path, story, waiting(GOES_ON["asyncio.sleep"]), HASTY)


LEADING = (
    SCRIPT
    + """
    @ctx.on_setup("lead")
    async def lead(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        sequence = Sequence.of(Setup("ESW.test", "deaf"))
        response = await Sequencer.at("IRIS.mode").submit_and_wait(sequence, resume_on_error=True)
        SEEN.append(type(response).__name__)
"""
)


@pytest.mark.parametrize("by", ["stop", "abort"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_given_a_step_that_waits_for_a_sub_sequencer_when_ended_then_neither_is_cut_short(
    tmp_path: Path, by: str, when: str
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, "IRIS.mode", HASTY)
        await floor.start(LEADING, PREFIX, HASTY)
        run_id = await floor.run("lead", "nothing")
        end = floor.sequencer.stop if by == "stop" else floor.sequencer.abort_sequence
        if when == "before":
            await end()
        floor.open()
        await floor.has_seen("begun", prefix="IRIS.mode")
        if when == "after":
            await until(lambda: bool(floor.shell()._procedure.core._children._names))
            await end()
        await floor.comes_to({"stop": "EXECUTE", "abort": "ABORTING"}[by], "IRIS.mode")
        await asyncio.sleep(5 * HASTY.stop_grace_s)  # the time is what is under test: nothing happens in it
        assert floor.seen("IRIS.mode") == ["begun"]
        floor.open("IRIS.mode")
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen("IRIS.mode") == ["begun", "ended"]
        ends = Completed if by == "stop" else Cancelled
        assert floor.seen() == ["begun", ends.__name__]

    play(tmp_path, story, None)
