"""The seed's example, its source as it is, below one import line. Cases: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.scripting.script_loading import load_script
from ocs_ray.testing.waiting import until

from .procedure_floor import PREFIX, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
IMPORT = "from ocs_ray.scripting.workflows import getWorkflows, sleep_chunked, workflow\n"
EXAMPLE = """
@workflow(name="demo.commands_60s")
def commands_60s():
    rt = getWorkflows()

    while True:
        rt.checkCancelled()
        cmd_info = rt.recvCommand(currentState="RUNNING", topic="cmd", timeoutSeconds=0.2)

        if cmd_info:
            cmd = str(cmd_info.get("cmd", "")).upper()
            if cmd == "HOLD":
                while True:
                    rt.checkCancelled()
                    held_cmd = rt.recvCommand(currentState="HELD", topic="cmd", timeoutSeconds=0.2)
                    if held_cmd and str(held_cmd.get("cmd", "")).upper() == "RESUME":
                        break
            elif cmd == "STOP":
                raise Exception("Stopped by operator")

        sleep_chunked(total_ms=500, chunk_ms=250)
"""
"""Seed 004, 'Workflow example', word for word."""
SWALLOWING = """
@workflow(name="demo.swallow")
def swallow():
    rt = getWorkflows()
    while True:
        rt.recvCommand(currentState="HELD", topic="cmd", timeoutSeconds=0.2)
        try:
            sleep_chunked(total_ms=500, chunk_ms=250)
        except Exception:
            pass


@workflow(name="demo.deaf")
def deaf():
    import time
    while True:
        getWorkflows().recvCommand(timeoutSeconds=0.02)


@workflow(name="demo.whole")
def whole():
    rt = getWorkflows()
    rt.checkCancelled()
    rt.sleepChunked(5, 1)
    nested()


@workflow(name="demo.nested")
def nested():
    getWorkflows().command.command_name
"""


async def start(floor: Floor, text: str = EXAMPLE, settings: ProcedureSettings | None = None) -> None:
    file = floor.folder / "workflow.py"
    file.write_text(IMPORT + text)
    load_script(str(file), str(floor.folder), PREFIX)
    await floor.observatory.start_sequencer(PREFIX, file, floor.folder, procedure=settings)


async def begin(floor: Floor, name: str = "demo.commands_60s") -> str:
    first = await floor.sequencer.submit(commands(name))
    await floor.comes_to("EXECUTE")
    return first.run_id


def test_given_the_seed_s_example_when_held_and_resumed_then_it_loops_in_held_and_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 21
        await start(floor)
        run_id = await begin(floor)
        held = await floor.sequencer.hold(wait=WAIT_5)
        assert (held.reached, held.state) == (True, "HELD")
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, resumed.state) == (True, "EXECUTE")
        assert (await floor.sequencer.hold(wait=WAIT_5)).reached, "it continues, and can be held again"
        assert (await floor.sequencer.unhold(wait=WAIT_5)).reached
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert (stopped.reached, stopped.state) == (True, "STOPPED")
        assert isinstance(await floor.final(run_id), Cancelled)
        story = states(await floor.sequencer.procedure_state())
        assert story == "STARTING RUNNING" + " HOLDING HELD RESUMING RUNNING" * 2 + " STOPPING STOPPED"

    play(tmp_path, story, None)


def test_given_hold_and_resume_in_one_batch_when_the_example_reads_them_then_it_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 16
        await start(floor)
        await begin(floor)
        held, resumed = await asyncio.gather(floor.sequencer.hold(wait=WAIT_5), floor.sequencer.unhold(wait=WAIT_5))
        assert (held.reached, resumed.reached) == (True, True)
        assert (await floor.sequencer.hold(wait=WAIT_5)).reached
        assert (await floor.sequencer.stop_procedure(wait=WAIT_5)).state == "STOPPED"

    play(tmp_path, story, None)


def test_given_the_example_held_when_stopped_then_it_ends_stopped_within_the_grace_time(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 22: its loop in HELD knows RESUME only
        await start(floor)
        run_id = await begin(floor)
        await floor.sequencer.hold(wait=WAIT_5)
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert (stopped.reached, stopped.state) == (True, "STOPPED")
        assert isinstance(await floor.final(run_id), Cancelled)
        assert "ERROR" not in states(await floor.sequencer.procedure_state())

    play(tmp_path, story, None)


@pytest.mark.parametrize("name", ["demo.swallow", "demo.deaf"])
def test_given_a_workflow_that_swallows_the_stop_then_it_ends_stopped_all_the_same(tmp_path: Path, name: str) -> None:
    async def story(floor: Floor) -> None:  # case 22
        await start(floor, SWALLOWING, ProcedureSettings(stop_grace_s=0.1))
        run_id = await begin(floor, name)
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert (stopped.reached, stopped.state) == (True, "STOPPED")
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story, None)


def test_given_a_file_of_workflows_then_each_is_a_command_and_one_may_call_another(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await start(floor, SWALLOWING)
        response = await floor.sequencer.submit_and_wait(commands("demo.whole", "demo.nested"))
        assert isinstance(response, Completed)
        await until(lambda: floor.state() == "COMPLETE")

    play(tmp_path, story, None)
