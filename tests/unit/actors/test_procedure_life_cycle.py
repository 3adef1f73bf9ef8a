"""A sequencer's life cycle and its procedure move each other. Cases: reference isa88.md, section 8 and 6."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.commands import Sequence
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed, Error
from ocs_ray.models.sequencer_messages import SequencerState
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)


def test_given_a_pause_then_the_step_in_flight_ends_first_and_resume_goes_on_with_the_next(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await floor.run("polite", "nothing")
        await floor.sequencer.pause()
        await floor.comes_to("HOLDING")
        await floor.settled()
        assert floor.seen() == ["begun"]
        floor.open()
        status = await floor.comes_to("HELD")
        assert (floor.seen(), status.reason) == (["begun", "ended"], "")
        assert any(change.reason == "the sequence was paused" for change in status.changes)
        assert isinstance(await floor.sequencer.resume(), Ok)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", "ended", "nothing"]
        await floor.comes_to("COMPLETE")

    play(tmp_path, story)


@pytest.mark.parametrize("step", ["polite", "deaf"])
def test_given_a_pause_when_resumed_before_the_step_ended_then_the_sequence_is_not_held_for_ever(
    tmp_path: Path, step: str
) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await floor.run(step, "nothing")
        await floor.sequencer.pause()
        await floor.comes_to("HOLDING")
        await floor.sequencer.resume()
        floor.open()
        assert isinstance(await floor.final(run_id), Completed)
        await floor.comes_to("COMPLETE")

    play(tmp_path, story)


def test_given_a_hold_inside_a_step_when_the_sequence_is_resumed_then_it_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # section 6: resume is RESUME
        run_id = await floor.run("polite", "nothing")
        await floor.sequencer.hold(wait=WAIT_5)
        floor.open()
        await floor.sequencer.resume()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story)


def test_given_a_pause_when_the_procedure_is_resumed_then_the_breakpoint_is_gone(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await floor.run("polite", "nothing", "nothing")
        await floor.sequencer.pause()
        floor.open()
        await floor.comes_to("HELD")
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story)


def test_given_a_pause_when_stepped_then_each_time_one_step_is_run(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await floor.run("polite", "nothing", "nothing", "nothing")
        await floor.sequencer.pause()
        floor.open()
        await floor.comes_to("HELD")
        for count in (1, 2):
            assert isinstance(await floor.sequencer.step(), Ok)
            await until(lambda count=count: floor.seen().count("nothing") == count)
            await floor.comes_to("HELD")
            await floor.settled()
            assert floor.seen().count("nothing") == count
        await floor.sequencer.resume()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story)


def test_given_a_breakpoint_when_it_is_reached_then_it_is_held_there_until_it_is_removed_or_resumed(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # case 30
        sequence = commands("polite", "nothing", "nothing", "nothing")
        first = await floor.sequencer.submit(sequence)
        await floor.has_seen("begun")
        steps = await floor.sequencer.sequence()
        assert steps is not None
        for n in (1, 3):
            await floor.sequencer.add_breakpoint(steps[n].id)
        floor.open()
        status = await floor.comes_to("HELD")
        assert any(change.reason == "a breakpoint was reached" for change in status.changes)
        await floor.sequencer.resume()
        await until(lambda: floor.seen().count("nothing") == 2)
        await floor.comes_to("HELD")
        await floor.sequencer.remove_breakpoint(steps[3].id)
        assert isinstance(await floor.final(first.run_id), Completed)
        await floor.comes_to("COMPLETE")

    play(tmp_path, story)


def test_given_loaded_when_stopped_or_aborted_then_unhandled(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30
        await floor.sequencer.load(commands("nothing"))
        assert isinstance(await floor.sequencer.stop(), Unhandled)
        assert isinstance(await floor.sequencer.abort_sequence(), Unhandled)
        assert floor.state() == "IDLE"

    play(tmp_path, story)


@pytest.mark.parametrize("command", ["HOLD", "SUSPEND"])
def test_given_held_when_it_is_to_go_offline_then_unhandled_and_it_stays_held(tmp_path: Path, command: str) -> None:
    async def story(floor: Floor) -> None:  # case 30
        await floor.run("polite")
        held = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert isinstance(await floor.sequencer.go_offline(), Unhandled)
        assert floor.state() is held.state
        assert await floor.sequencer.state() is SequencerState.RUNNING

    play(tmp_path, story)


def test_given_an_abort_of_the_sequencer_then_the_procedure_ends_aborted_and_the_step_at_its_checkpoint(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # section 6
        run_id = await floor.run("polite", "nothing")
        await floor.sequencer.abort_sequence()
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.comes_to("ABORTED")
        assert floor.seen() == ["begun"]

    play(tmp_path, story)


@pytest.mark.parametrize("command", ["STOP", "ABORT", "COMPLETE"])
def test_given_held_between_two_steps_when_ended_then_no_step_runs_any_more(tmp_path: Path, command: str) -> None:
    async def story(floor: Floor) -> None:  # case 5
        run_id = await floor.run("deaf", "nothing")
        await floor.sequencer.hold()
        floor.open()
        await floor.comes_to("HELD")
        ended = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert ended.reached
        assert isinstance(await floor.final(run_id), Completed if command == "COMPLETE" else Cancelled)
        assert floor.seen() == ["begun", "ended"]
        again = await floor.sequencer.submit_and_wait(commands("nothing"))
        assert isinstance(again, Completed), "the gate is open for the next run"

    play(tmp_path, story)


SLOW_HOOK = (
    SCRIPT.replace("    SEEN.clear()\n", "    SEEN.clear()\n    OPEN.clear()\n")
    + """
    @ctx.on_new_sequence
    async def begin():
        SEEN.append("hook")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        SEEN.append("hook ended")
"""
)


@pytest.mark.parametrize("command", ["STOP", "ABORT"])
def test_given_starting_when_stopped_then_the_hook_ends_and_no_step_begins(tmp_path: Path, command: str) -> None:
    async def story(floor: Floor) -> None:  # case 5
        submitted = asyncio.create_task(floor.sequencer.submit(commands("nothing")))
        await floor.has_seen("hook")
        ended = asyncio.create_task(floor.sequencer.send_command(command, wait=WAIT_5))
        await floor.comes_to({"STOP": "STOPPING", "ABORT": "ABORTING"}[command])
        floor.open()
        assert (await ended).reached
        assert isinstance(await floor.final((await submitted).run_id), Cancelled)
        assert floor.seen() == ["hook", "hook ended"]
        assert isinstance(await floor.sequencer.submit_and_wait(commands("nothing")), Completed)

    play(tmp_path, story, SLOW_HOOK)


def test_given_starting_when_held_then_it_is_held_before_the_first_step(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # seed 004: HOLD is allowed in STARTING
        submitted = asyncio.create_task(floor.sequencer.submit(commands("nothing")))
        await floor.has_seen("hook")
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        await floor.comes_to("HOLDING")
        mode = asyncio.create_task(floor.sequencer.operations_mode())
        await mode
        assert floor.state() == "HOLDING", "another hook that ends is not the one the run begins with"
        floor.open()
        assert (await held).reached
        await floor.settled()
        assert floor.seen() == ["hook", "hook ended"]
        await floor.sequencer.unhold()
        assert isinstance(await floor.final((await submitted).run_id), Completed)

    play(tmp_path, story, SLOW_HOOK)


def test_given_an_empty_sequence_then_it_is_complete_and_the_next_one_runs(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        assert isinstance(await floor.sequencer.submit_and_wait(Sequence.of()), Completed)
        status = await floor.comes_to("COMPLETE")
        assert states(status) == "STARTING RUNNING COMPLETING COMPLETE"
        assert isinstance(await floor.sequencer.submit_and_wait(commands("nothing")), Completed)

    play(tmp_path, story)


FLAKY = (
    SCRIPT
    + """
    @ctx.on_setup("flaky")
    async def flaky(command):
        SEEN.append("tried")
        if not OPEN.is_set():
            raise ValueError("not yet")
"""
)


def test_given_a_failed_run_when_it_is_retried_then_the_procedure_is_cleared_and_ends_complete(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        failed = await floor.sequencer.submit_and_wait(commands("flaky", "nothing"), resume_on_error=True)
        assert isinstance(failed, Error)
        seen = (await floor.comes_to("ABORTED")).number
        floor.open()
        again = await floor.sequencer.retry_failed()
        assert isinstance(await floor.final(again.run_id), Completed)
        story = states((await floor.comes_to("COMPLETE")).model_copy())
        assert story.endswith("CLEARING STOPPED RESETTING IDLE STARTING RUNNING COMPLETING COMPLETE")
        assert floor.shell()._procedure._number > seen

    play(tmp_path, story, FLAKY)


TAKING = """
@script
async def body(ctx):
    @ctx.on_setup("all")
    async def all(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        while await ctx.next_if(lambda c: c.command_name == "more") is not None:
            SEEN.append("more")

    @ctx.on_setup("more")
    async def more(command):
        raise ValueError("not taken")
"""


def test_given_held_when_the_script_asks_for_the_next_step_then_it_gets_it_after_the_resume(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("all", "more", "more")
        await floor.sequencer.hold()
        await floor.comes_to("HOLDING")
        floor.open()
        await floor.comes_to("HELD")
        assert floor.seen() == ["begun"]
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", "more", "more"]

    play(tmp_path, story, TAKING)


def test_given_a_script_that_knows_nothing_of_it_when_held_then_it_is_held_between_its_steps(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # seed 004: workflows can, not must, follow the model
        run_id = await floor.run("deaf", "nothing")
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        await floor.comes_to("HOLDING")
        floor.open()
        assert (await held).reached
        assert floor.seen() == ["begun", "ended"]
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, settings=ProcedureSettings(hold_limit_s=20))


def test_given_reset_of_the_editor_then_it_is_not_reset_of_the_procedure(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # section 6
        run_id = await floor.run("polite", "nothing")
        refused = await floor.sequencer.reset_procedure(wait=timedelta())
        assert refused.disposition == "rejected" or refused.state == "EXECUTE"
        assert isinstance(await floor.sequencer.reset(), Ok)
        assert floor.state() == "EXECUTE"
        floor.open()
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", "ended"]

    play(tmp_path, story)
