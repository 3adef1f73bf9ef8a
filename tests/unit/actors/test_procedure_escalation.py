"""A script that does not follow: what is reported, cancelled, given up. Cases: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import UnreachableError
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure_messages import GetProcedure, SendCommand, WatchProcedure
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed, Error, Started
from ocs_ray.models.sequencer_messages import AwaitEnd, GetStatus, QueryFinal, Shutdown, SubmitSequence
from ocs_ray.testing.waiting import until

from .procedure_floor import HEAD, PREFIX, SCRIPT, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
HASTY = ProcedureSettings(stop_grace_s=0.05, kill_after_s=0.05, hold_limit_s=0.05, child_limit_s=0.1)
STUCK = (
    SCRIPT
    + """
    @ctx.on_setup("stubborn")
    async def stubborn(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                SEEN.append("cancelled")

    @ctx.on_setup("blocked")
    async def blocked(command):
        SEEN.append("begun")
        OPEN.wait(20)

    @ctx.on_shutdown
    async def on_shutdown():
        SEEN.append("on_shutdown")
"""
)


def test_given_a_deaf_script_when_held_then_it_stays_holding_and_that_is_reported(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 23
        run_id = await floor.run("deaf", "nothing")
        await floor.sequencer.hold()
        await until(lambda: bool(floor.shell()._procedure.late))
        status = await floor.sequencer.procedure_state()
        assert status.state == "HOLDING"
        assert status.late == "HOLDING for 0.05 s: the script has not come to a checkpoint"
        assert (await floor.sequencer.status()).late == status.late
        floor.open()
        assert (await floor.comes_to("HELD")).late == ""
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)
        assert (await floor.sequencer.procedure_state()).late == ""

    play(tmp_path, story, settings=HASTY)


@pytest.mark.parametrize("by", ["STOP", "ABORT"])
def test_given_a_deaf_script_when_stopped_then_its_step_is_cancelled_after_the_grace_time(
    tmp_path: Path, by: str
) -> None:
    async def story(floor: Floor) -> None:  # case 23
        run_id = await floor.run("deaf", "nothing")
        ended = await floor.sequencer.send_command(by, wait=WAIT_5)
        assert ended.state == {"STOP": "STOPPED", "ABORT": "ABORTED"}[by]
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun"]
        again = await floor.sequencer.submit_and_wait(commands("nothing"))
        assert isinstance(again, Completed), "the same script takes the next run"

    play(tmp_path, story, settings=HASTY)


@pytest.mark.parametrize("step", ["stubborn", "blocked"])
def test_given_a_script_that_does_not_let_go_when_stopped_then_its_process_ends_and_who_waits_is_told(
    tmp_path: Path, step: str
) -> None:
    async def story(floor: Floor) -> None:  # case 23
        left: list[str] = []
        neighbour = await floor.start(SCRIPT, "ESW.neighbour")
        theirs = await neighbour.submit(commands("polite"))
        file = tmp_path / "stuck.py"
        file.write_text(HEAD + STUCK)
        shell = SequencerShell(
            Prefix(PREFIX), ObsMode("mode"), Prefix("ESW.local"), floor.observatory, lambda: left.append("left")
        )
        await shell.start(ScriptSource(file=str(file), root=str(tmp_path)), 0.001, settings=HASTY)
        started = await shell.ask(SubmitSequence(sequence=commands(step, "nothing")))
        module = sys.modules["ocs_script_ESW_mode_stuck"]
        await until(lambda: "begun" in module.SEEN)
        final = asyncio.create_task(shell.ask(QueryFinal(run_id=started.run_id)))
        end = asyncio.create_task(shell.ask(AwaitEnd()))
        stop = asyncio.create_task(shell.ask(SendCommand(message="STOP", wait_s=20)))
        await until(lambda: left == ["left"])
        async with asyncio.timeout(5):
            assert isinstance(await final, Cancelled)
            with pytest.raises(UnreachableError, match=r"did not end within 0\.1 s of STOPPING"):
                await end
            told = await stop
        assert (told.accepted, told.reached) == (True, False), told
        for message in (GetStatus(), GetProcedure(), SubmitSequence(sequence=commands("nothing"))):
            with pytest.raises(UnreachableError, match="did not end within"):
                await shell.ask(message)
        assert "nothing" not in module.SEEN
        floor.open("ESW.neighbour")
        response = await neighbour.query_final(theirs.run_id)
        assert isinstance(response, Completed), "neighbours are not affected"
        module.OPEN.set()
        await until(lambda: shell._loaded is not None and not shell._loaded[0]._thread.is_alive(), within_s=10)

    play(tmp_path, story, None)


def test_given_a_stop_of_the_sequencer_then_the_step_in_flight_has_all_the_time_it_needs(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30: ESW's stop is no stop of the procedure
        run_id = await floor.run("polite", "nothing")
        await floor.sequencer.stop()
        await floor.comes_to("STOPPING")
        procedure = floor.shell()._procedure
        assert (procedure.core.script.lets_finish(procedure.core.state), procedure._patience.timers) == (True, [])
        await floor.settled()
        assert floor.seen() == ["begun"]
        floor.open()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun", "ended"]
        assert (await floor.comes_to("STOPPED")).late == ""

    play(tmp_path, story, settings=HASTY)


@pytest.mark.parametrize("step", ["polite", "deaf"])
def test_given_a_stop_of_the_sequencer_when_the_procedure_is_stopped_too_then_the_step_ends_now(
    tmp_path: Path, step: str
) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await floor.run(step, "nothing")
        await floor.sequencer.stop()
        await floor.comes_to("STOPPING")
        told = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert (told.disposition, told.reached, told.state) == ("chosen", True, "STOPPED")
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun"]

    play(tmp_path, story, settings=HASTY)


@pytest.mark.parametrize(
    "state", ["IDLE", "STARTING", "EXECUTE", "HOLDING", "HELD", "SUSPENDED", "STOPPING", "COMPLETE", "STOPPED"]
)
def test_given_any_state_when_shut_down_then_it_is_killed_and_nobody_is_left_waiting(
    tmp_path: Path, state: str
) -> None:
    async def story(floor: Floor) -> None:  # case 30
        seq = floor.sequencer
        waiting: list[asyncio.Task[object]] = []
        if state == "STARTING":
            floor.module().SLOW.set()
            waiting.append(asyncio.create_task(seq.submit(commands("deaf"), resume_on_error=True)))
            await floor.comes_to("STARTING")
            waiting.append(asyncio.create_task(seq.hold(wait=timedelta(seconds=20))))
        elif state == "COMPLETE":
            await seq.submit_and_wait(commands("nothing"))
            await floor.comes_to("COMPLETE")
        elif state != "IDLE":
            run_id = await floor.run("deaf" if state in ("HOLDING", "STOPPING") else "polite")
            waiting.append(asyncio.create_task(floor.final(run_id)))
            command = {"HELD": "HOLD", "HOLDING": "HOLD", "SUSPENDED": "SUSPEND", "EXECUTE": None}.get(state, "STOP")
            if command:
                waiting.append(asyncio.create_task(seq.send_command(command, wait=timedelta(seconds=20))))
            if state == "HOLDING":
                waiting.append(asyncio.create_task(seq.unhold(wait=timedelta(seconds=20))))
        await floor.comes_to(state)
        shell = floor.shell()
        async with asyncio.timeout(5):
            await shell.ask(Shutdown())
            await asyncio.gather(*waiting)
        assert shell._core.state == "Killed"
        status = shell._procedure.status()
        assert status.state == ("ABORTED" if state not in ("IDLE", "COMPLETE", "STOPPED") else state)
        if state in ("EXECUTE", "HELD"):
            assert status.reason == "the sequencer shuts down"
        assert (shell._procedure._tasks, shell._port._tasks) == (set(), set())

    slow = """
    SLOW.clear()

    @ctx.on_new_sequence
    async def slow():
        while SLOW.is_set():
            await asyncio.sleep(0.001)
"""
    play(tmp_path, story, "SLOW = threading.Event()\n" + SCRIPT + slow, ProcedureSettings(stop_grace_s=20))


def test_given_thousand_runs_in_a_row_then_no_task_timer_or_letter_is_left(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.sequencer.submit_and_wait(commands("nothing"))
        shell = floor.shell()
        before = len(asyncio.all_tasks())
        for n in range(1_000):
            if n % 10 == 0:
                await floor.sequencer.load(commands("nothing"))
                assert (await floor.sequencer.send_command("START")).accepted
                await until(lambda: shell._core.state == "Idle")
            else:
                await floor.sequencer.submit_and_wait(commands("nothing"))
        await floor.comes_to("COMPLETE")
        procedure = shell._procedure
        await until(lambda: not procedure._tasks)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert (procedure._patience.timers, procedure._verdicts, procedure._parked) == ([], {}, 0)
        assert procedure.core._post.box().letters == ()
        assert len(shell._questions._open) == 0
        assert states(procedure.status(procedure._number - 4)) == "STARTING RUNNING COMPLETING COMPLETE"

    play(tmp_path, story)


SLOW_START = (
    SCRIPT
    + """
    @ctx.on_new_sequence
    async def begins():
        SEEN.append("hook")
        {hook}

    @ctx.on_stop
    async def on_stop():
        SEEN.append("on_stop")
"""
)


@pytest.mark.parametrize(("by", "ends"), [("STOP", "STOPPED"), ("ABORT", "ABORTED")])
def test_given_a_new_sequence_hook_that_hangs_when_stopped_then_it_is_cancelled_after_the_grace_time_and_that_is_said(
    tmp_path: Path, by: str, ends: str
) -> None:
    async def story(floor: Floor) -> None:
        submitting = asyncio.create_task(floor.sequencer.submit(commands("nothing"), resume_on_error=True))
        await floor.has_seen("hook")
        changes: list[str] = []
        watch = asyncio.create_task(floor.shell().ask(WatchProcedure(after=floor.shell()._procedure._number + 1)))
        ended = await floor.sequencer.send_command(by, wait=WAIT_5)
        changes.append((await watch).late)
        assert (ended.reached, ended.state) == (True, ends)
        assert changes == [f"{'STOPPING' if by == 'STOP' else 'ABORTING'} for 0.05 s: on_new_sequence is cancelled"]
        response = await submitting
        assert isinstance(response, Error)
        assert response.reason.endswith("it was cancelled")
        assert floor.seen() == ["hook"]
        floor.open()
        again = await floor.sequencer.submit_and_wait(commands("nothing"))
        assert isinstance(again, Completed), "the same script takes the next run"

    hook = "while not OPEN.is_set():\n            await asyncio.sleep(0.001)"
    play(tmp_path, story, SLOW_START.replace("{hook}", hook), HASTY)


@pytest.mark.parametrize(
    "hook",
    [
        "OPEN.wait(20)",
        """while not OPEN.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                SEEN.append("cancelled")""",
    ],
    ids=["blocked", "stubborn"],
)
def test_given_a_new_sequence_hook_that_does_not_let_go_when_stopped_then_its_process_ends_and_who_waits_is_told(
    tmp_path: Path, hook: str
) -> None:
    async def story(floor: Floor) -> None:
        left: list[str] = []
        file = tmp_path / "stuck.py"
        file.write_text(HEAD + SLOW_START.replace("{hook}", hook))
        shell = SequencerShell(
            Prefix(PREFIX), ObsMode("mode"), Prefix("ESW.local"), floor.observatory, lambda: left.append("left")
        )
        await shell.start(ScriptSource(file=str(file), root=str(tmp_path)), 0.001, settings=HASTY)
        submitting = asyncio.create_task(shell.ask(SubmitSequence(sequence=commands("nothing"))))
        module = sys.modules["ocs_script_ESW_mode_stuck"]
        await until(lambda: "hook" in module.SEEN)
        stop = asyncio.create_task(shell.ask(SendCommand(message="STOP", wait_s=20)))
        await until(lambda: left == ["left"])
        async with asyncio.timeout(5):
            assert isinstance(await submitting, Cancelled)
            assert (await stop).accepted
        with pytest.raises(UnreachableError, match=r"did not end within 0\.1 s of STOPPING"):
            await shell.ask(AwaitEnd())
        module.OPEN.set()
        await until(lambda: shell._loaded is not None and not shell._loaded[0]._thread.is_alive(), within_s=10)

    play(tmp_path, story, None)


def test_given_a_new_sequence_hook_that_ends_in_time_when_stopped_then_nothing_is_cancelled(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        submitting = asyncio.create_task(floor.sequencer.submit(commands("nothing"), resume_on_error=True))
        await floor.has_seen("hook")
        stop = asyncio.create_task(floor.sequencer.stop_procedure(wait=WAIT_5))
        await floor.comes_to("STOPPING")
        floor.open()
        assert isinstance(await submitting, Started)
        assert (await stop).reached
        assert floor.seen() == ["hook", "on_stop"]

    hook = "while not OPEN.is_set():\n            await asyncio.sleep(0.001)"
    play(tmp_path, story, SLOW_START.replace("{hook}", hook), ProcedureSettings(stop_grace_s=20))


GUARDED = (
    SCRIPT
    + """
    @ctx.on_setup("guarded")
    async def guarded(command):
        with ctx.no_hold():
            SEEN.append("begun")
            while not OPEN.is_set():
                await asyncio.sleep(0.001)
        await ctx.checkpoint()
        SEEN.append("ended")
"""
)


@pytest.mark.parametrize(("command", "ends", "on"), [("HOLD", "HELD", "RESUME"), ("SUSPEND", "SUSPENDED", "UNSUSPEND")])
def test_given_a_part_that_is_not_to_be_held_when_it_takes_too_long_then_that_is_said_until_the_command_is_followed(
    tmp_path: Path, command: str, ends: str, on: str
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("guarded")
        told = await floor.sequencer.send_command(command, wait=timedelta(seconds=0.01))
        assert (told.disposition, told.reached) == ("deferred", False)
        assert told.reason == "EXECUTE after 0.01 s: the script is in a part that is not to be held (no_hold)"
        await until(lambda: bool(floor.shell()._procedure.late))
        status = await floor.sequencer.procedure_state()
        assert status.state == "EXECUTE"
        assert status.late == (
            f"{command} was not followed for 0.05 s: the script is in a part that is not to be held (no_hold)"
        )
        floor.open()
        assert (await floor.comes_to(ends)).late == ""
        await floor.sequencer.send_command(on, wait=WAIT_5)
        assert isinstance(await floor.final(run_id), Completed)
        assert (await floor.sequencer.procedure_state()).late == ""

    play(tmp_path, story, GUARDED, HASTY)


def test_given_a_hold_that_waits_for_a_part_not_to_be_held_when_it_ends_in_time_then_nothing_is_late(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("guarded")
        await floor.sequencer.hold()
        patience = floor.shell()._procedure._patience
        assert patience._guarded is not None
        floor.open()
        assert (await floor.comes_to("HELD")).late == ""
        assert patience._guarded is None

    play(tmp_path, story, GUARDED, ProcedureSettings(hold_limit_s=20))


def test_given_a_hold_that_is_late_for_a_part_not_to_be_held_when_it_is_taken_back_then_nothing_is_late_any_more(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("guarded")
        await floor.sequencer.hold()
        await until(lambda: bool(floor.shell()._procedure.late))
        told = await floor.sequencer.stop_procedure()
        assert told.accepted
        assert "no_hold" not in (await floor.sequencer.procedure_state()).late
        floor.open()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert (await floor.comes_to("STOPPED")).late == ""
        assert floor.shell()._procedure._patience._guarded is None

    play(tmp_path, story, GUARDED, HASTY)
