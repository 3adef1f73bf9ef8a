"""The diagnostic mode: asked for in any state, it changes none. Case numbers: reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ocs_ray.core.sequencer_states import State
from ocs_ray.models.sequencer_replies import DiagnosticHookFailed, Ok, OperationsHookFailed
from ocs_ray.models.times import UTCTime
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play

START = UTCTime("2026-01-01T00:00:00Z")
MODES = (
    SCRIPT
    + """
    async def wait_until_open():
        while not OPEN.is_set():
            await asyncio.sleep(0.001)

    for register in (ctx.on_go_online, ctx.on_go_offline, ctx.on_abort_sequence, ctx.on_stop):
        register(wait_until_open)

    @ctx.on_new_sequence
    async def hang():
        if "hang" in SEEN:
            await wait_until_open()

    @ctx.on_diagnostic_mode
    async def diagnose(start_time, hint):
        SEEN.append((str(start_time), hint))
        if hint == "break":
            raise RuntimeError("broken")

    @ctx.on_operations_mode
    async def operate():
        SEEN.append("operations")
        if SEEN.count("operations") == 2:
            raise RuntimeError("broken too")
"""
)


async def offline(floor: Floor) -> None:
    floor.open()
    assert await floor.sequencer.go_offline() == Ok()
    floor.module().OPEN.clear()


def runs(command: str) -> Callable[[Floor], Awaitable[object]]:
    """Run a step, and then tell the sequencer something whose hook hangs."""

    async def bring(floor: Floor) -> None:
        await floor.run("deaf")
        if command:
            await getattr(floor.sequencer, command)()

    return bring


async def going_online(floor: Floor) -> None:
    await offline(floor)
    await floor.sequencer.go_online()


async def starting(floor: Floor) -> None:
    await floor.sequencer.load(commands("nothing"))
    floor.seen().append("hang")
    await floor.sequencer.start(resume_on_error=True)


async def submitting(floor: Floor) -> None:
    floor.seen().append("hang")
    await floor.sequencer.submit(commands("nothing"), resume_on_error=True)


async def nothing(floor: Floor) -> None:
    """It is there already."""


BRING: dict[State, Callable[[Floor], Awaitable[object]]] = {
    State.IDLE: nothing,
    State.LOADED: lambda floor: floor.sequencer.load(commands("nothing")),
    State.RUNNING: runs(""),
    State.OFFLINE: offline,
    State.SUBMITTING: submitting,
    State.STARTING: starting,
    State.GOING_OFFLINE: lambda floor: floor.sequencer.go_offline(),
    State.GOING_ONLINE: going_online,
    State.ABORTING: runs("abort_sequence"),
    State.STOPPING: runs("stop"),
}


@pytest.mark.parametrize("state", BRING)
def test_given_any_state_when_the_diagnostic_mode_is_asked_for_then_its_hook_gets_time_and_hint_and_the_state_stays(
    state: State, tmp_path: Path
) -> None:
    async def story(floor: Floor) -> None:  # case 57
        core, top = floor.shell()._core, floor.sequencer
        bringing = asyncio.ensure_future(BRING[state](floor))
        await until(lambda: core.state is state)
        await floor.settled()

        assert await top.diagnostic_mode(START, "engineering") == Ok()
        told = [seen for seen in floor.seen() if isinstance(seen, tuple)]  # what brought the state is seen, too
        assert (told, core.state) == ([("2026-01-01T00:00:00Z", "engineering")], state)
        failed = await top.diagnostic_mode(START, "break")
        assert isinstance(failed, DiagnosticHookFailed)
        assert "RuntimeError: broken" in failed.reason
        assert core.state is state
        assert (await top.operations_mode(), core.state) == (Ok(), state)
        assert (isinstance(await top.operations_mode(), OperationsHookFailed), core.state) == (True, state)

        floor.open()
        await bringing

    play(tmp_path, story, MODES)
