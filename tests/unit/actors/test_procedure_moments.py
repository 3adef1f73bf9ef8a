"""What a script does on its way between states, and what when that fails. Cases: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.responses import Cancelled, Completed, Error
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
MOMENTS = """
@script
async def body(ctx):
    def note(register, name):
        async def noted():
            SEEN.append(name)
            ctx.check_cancelled()
            await ctx.checkpoint()
            await ctx.sleep(1)
            ctx.sleep_chunked(1, 1)
            if name in FAILING:
                raise ValueError(f"{name} failed here")
            SEEN.append(f"{name} ended")
        register(noted)

    for name in ("on_hold", "on_resume", "on_suspend", "on_unsuspend", "on_complete", "on_reset", "on_clear",
                 "on_stop", "on_abort_sequence", "on_new_sequence"):
        note(getattr(ctx, name), name)

    @ctx.on_setup("polite")
    async def polite(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await ctx.checkpoint()
            await asyncio.sleep(0.001)

    @ctx.on_setup("fail")
    async def fail(command):
        raise ValueError("the step failed here")
"""


def moments(*failing: str) -> str:
    return MOMENTS.replace("FAILING", repr(failing))


def test_given_handlers_when_held_resumed_and_stopped_then_each_runs_to_its_end_before_the_state_it_leads_to(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # hooks and handlers of moments are neither held nor stopped
        await floor.run("polite")
        await floor.sequencer.hold(wait=WAIT_5)
        assert floor.seen()[-2:] == ["on_hold", "on_hold ended"]
        await floor.sequencer.unhold(wait=WAIT_5)
        assert floor.seen()[-2:] == ["on_resume", "on_resume ended"]
        await floor.sequencer.suspend(wait=WAIT_5)
        assert floor.seen()[-2:] == ["on_suspend", "on_suspend ended"]
        await floor.sequencer.unsuspend(wait=WAIT_5)
        assert floor.seen()[-2:] == ["on_unsuspend", "on_unsuspend ended"]
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert stopped.state == "STOPPED"
        assert floor.seen()[-2:] == ["on_stop", "on_stop ended"]
        reset = await floor.sequencer.reset_procedure(wait=WAIT_5)
        assert (reset.reached, reset.state) == (True, "IDLE")
        assert floor.seen()[-2:] == ["on_reset", "on_reset ended"]

    play(tmp_path, story, moments())


def test_given_error_when_reset_then_it_goes_through_clearing_and_starts_again_in_the_same_script(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # case 11
        failed = await floor.sequencer.submit_and_wait(commands("fail"), resume_on_error=True)
        assert isinstance(failed, Error)
        status = await floor.sequencer.procedure_state()
        assert (status.state, "the step failed here" in status.reason) == ("ABORTED", True)
        reset = await floor.sequencer.reset_procedure(wait=WAIT_5)
        assert (reset.reached, reset.state) == (True, "IDLE"), "reached is IDLE, not the STOPPED on the way"
        assert states(await floor.sequencer.watch_procedure(status.number)) == "CLEARING STOPPED RESETTING IDLE"
        assert floor.seen()[-4:] == ["on_clear", "on_clear ended", "on_reset", "on_reset ended"]
        floor.open()
        assert isinstance(await floor.sequencer.submit_and_wait(commands("polite")), Completed)
        changes = (await floor.sequencer.procedure_state()).changes
        assert len({change.run_id for change in changes if change.run_id}) >= 2

    play(tmp_path, story, moments())


@pytest.mark.parametrize("failing", ["on_new_sequence", "on_hold", "on_resume", "on_complete"])
def test_given_a_handler_that_fails_then_it_ends_in_error_and_the_reason_names_file_and_line(
    tmp_path: Path, failing: str
) -> None:
    async def story(floor: Floor) -> None:  # case 12
        first = await floor.sequencer.submit(commands("polite"), resume_on_error=True)
        if failing != "on_new_sequence":
            assert first.is_started
            await floor.has_seen("begun")
            if failing == "on_complete":
                floor.open()
            else:
                await floor.sequencer.hold()
                await floor.sequencer.unhold()
        status = await floor.comes_to("ABORTED")
        assert f"{failing} failed here" in status.reason
        lines = (tmp_path / "ESW_mode.py").read_text().splitlines()
        line = next(n for n, text in enumerate(lines, 1) if "failed here" in text)
        assert f"ESW_mode.py:{line}" in status.reason
        if failing in ("on_hold", "on_resume"):
            assert isinstance(await floor.final(first.run_id), Cancelled)

    play(tmp_path, story, moments(failing))


def test_given_a_failing_abort_handler_when_aborted_then_it_ends_aborted(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 12
        run_id = await floor.run("polite")
        aborted = await floor.sequencer.abort_procedure(wait=WAIT_5)
        assert (aborted.reached, aborted.state) == (True, "ABORTED")
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story, moments("on_abort_sequence"))


ENDLESS = (
    SCRIPT
    + """
    @ctx.on_hold
    async def on_hold():
        SEEN.append("on_hold")
        try:
            await asyncio.sleep(1000)
        finally:
            SEEN.append("left")
"""
)


def test_given_an_endless_hold_handler_when_stopped_then_it_is_left(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("polite")
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        await floor.has_seen("on_hold")
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).state == "STOPPED"
        await floor.has_seen("left")
        result = await held
        assert (result.accepted, result.reached) == (True, False)
        assert result.reason.startswith("it came to STOP")

    play(tmp_path, story, ENDLESS)


def test_given_an_endless_hold_handler_when_its_limit_is_over_then_the_procedure_fails(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # section 3: every handler has a deadline, FAULT after it
        coupling = floor.shell()._coupling
        assert coupling is not None
        coupling._hook_limit_s = 0.05
        await floor.run("polite")
        await floor.sequencer.hold()
        assert "on_hold failed: it took longer than" in (await floor.comes_to("ABORTED")).reason
        await floor.has_seen("left")

    play(tmp_path, story, ENDLESS)


FSM = """
@fsm_script(initial="A")
async def lead(top):
    @top.on_hold
    async def at_the_top():
        SEEN.append("hold at the top")

    @top.state("A")
    async def a(ctx):
        @ctx.on_hold
        async def in_a():
            SEEN.append("hold in A")

        @ctx.on_setup("go")
        async def go(command):
            await ctx.become("B")

    @top.state("B")
    async def b(ctx):
        @ctx.on_hold
        async def in_b():
            SEEN.append(f"hold in B {ctx.state.value} {top.procedure_state.value}")

        @ctx.on_setup("polite")
        async def polite(command):
            SEEN.append("begun")
            while not OPEN.is_set():
                await ctx.checkpoint()
                await asyncio.sleep(0.001)
"""


def test_given_a_state_machine_when_held_then_the_handlers_of_its_present_state_run(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("go", "polite")
        assert (await floor.sequencer.hold(wait=WAIT_5)).reached
        assert floor.seen() == ["begun", "hold in B HOLDING HOLDING", "hold at the top"]
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).reached

    play(tmp_path, story, FSM)


LOOPS = """
@script
async def body(ctx):
    async def turn():
        ctx.check_cancelled()
        await ctx.checkpoint()
        await ctx.sleep(1)
        SEEN.append("turn")

    @ctx.on_setup("loop")
    async def loop(command):
        ctx.loop_async(turn)
        SEEN.append("begun")
        while True:
            await ctx.checkpoint()
            await asyncio.sleep(0.001)
"""


def test_given_a_loop_in_the_background_when_held_and_stopped_then_it_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("loop")
        for command in ("HOLD", "STOP"):
            assert (await floor.sequencer.send_command(command, wait=WAIT_5)).reached
            turns = len(floor.seen())
            await until(lambda turns=turns: len(floor.seen()) >= turns + 2)

    play(tmp_path, story, LOOPS)


def test_given_a_resume_under_way_and_no_on_suspend_when_suspended_then_a_step_that_begins_is_waited_for(
    tmp_path: Path,
) -> None:
    text = (
        SCRIPT
        + """
    @ctx.on_resume
    async def slowly():
        SEEN.append("resuming")
        await asyncio.sleep(0.1)
"""
    )

    async def story(floor: Floor) -> None:
        await floor.sequencer.submit(commands("polite", "deaf"))
        await floor.has_seen("begun")
        await floor.sequencer.pause()
        floor.open()
        await floor.comes_to("HELD")
        floor.module().OPEN.clear()
        floor.seen().clear()
        resumed = asyncio.create_task(floor.sequencer.send_command("RESUME"))
        await floor.has_seen("resuming")
        suspended = asyncio.create_task(floor.sequencer.send_command("SUSPEND", wait=timedelta(seconds=10)))
        await floor.has_seen("begun")  # the step that does not look
        await floor.settled()
        assert not suspended.done()
        assert floor.state() != "SUSPENDED"
        floor.open()
        assert (await suspended).reached
        assert "ended" in floor.seen()
        await resumed
        await floor.sequencer.send_command("ABORT")

    play(tmp_path, story, text)
