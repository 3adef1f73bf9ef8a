"""What whoever ends a run is told: a hook that failed, edits that come too late. Source: seed 001; decision 0005."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play

WAIT_5 = timedelta(seconds=5)
BREAKS = (
    SCRIPT
    + """
    @ctx.on_stop
    async def on_stop():
        raise RuntimeError("the shutter jams")

    @ctx.on_abort_sequence
    async def on_abort():
        raise RuntimeError("the shutter jams")
"""
)
ENDS = pytest.mark.parametrize(
    ("command", "ends", "hook"), [("STOP", "STOPPED", "on_stop"), ("ABORT", "ABORTED", "on_abort_sequence")]
)


@ENDS
def test_given_a_hook_that_fails_when_ended_then_who_asked_is_told_and_the_procedure_says_so(
    tmp_path: Path, command: str, ends: str, hook: str
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("polite", "nothing")
        ended = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert (ended.accepted, ended.reached, ended.state) == (True, True, ends)
        assert f"{hook} failed: RuntimeError: the shutter jams (" in ended.reason
        status = await floor.sequencer.procedure_state()
        assert (status.state, status.reason) == (ends, ended.reason)
        assert status.changes[-1].reason == ended.reason
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story, BREAKS)


def test_given_a_stop_hook_that_fails_while_its_step_goes_on_then_that_is_said_before_the_step_ends(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("deaf", "nothing")
        number = (await floor.sequencer.procedure_state()).number
        assert (await floor.sequencer.stop()).kind == "Ok"
        await until(lambda: bool(floor.shell()._procedure.core.reason))
        status = await floor.sequencer.procedure_state()
        assert status.state == "STOPPING"
        assert status.reason.startswith("on_stop failed: RuntimeError: the shutter jams")
        assert status.number == number + 2, "who watches is told of it, as of the state before"
        floor.open()

    play(tmp_path, story, BREAKS)


@ENDS
def test_given_a_hook_that_ends_well_when_ended_then_no_reason_is_given(
    tmp_path: Path, command: str, ends: str, hook: str
) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("polite")
        ended = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert (ended.reached, ended.state, ended.reason) == (True, ends, "")

    play(tmp_path, story)


def test_given_complete_when_steps_are_added_while_the_last_one_runs_then_they_are_refused_and_the_run_completes(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("deaf", "nothing")
        completing = asyncio.create_task(floor.sequencer.send_command("COMPLETE", wait=WAIT_5))
        await floor.comes_to("COMPLETING")
        added = await floor.sequencer.add(*commands("nothing", "nothing"))
        assert isinstance(added, Unhandled)
        assert "the run is completed" in added.msg
        floor.open()
        assert isinstance(await floor.final(run_id), Completed)
        assert (await completing).state == "COMPLETE"
        assert floor.seen() == ["begun", "ended"]

    play(tmp_path, story)


@pytest.mark.parametrize("by", ["stop", "abort_sequence"])
def test_given_a_run_that_is_being_ended_when_ended_again_then_ok(tmp_path: Path, by: str) -> None:
    async def story(floor: Floor) -> None:  # seed 001: accepted in Running
        run_id = await floor.run("deaf", "nothing")
        for _ in range(2):
            assert await getattr(floor.sequencer, by)() == Ok()
        floor.open()
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story)
