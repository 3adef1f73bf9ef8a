"""A run that begins in another sequencer: who learns of it, whatever becomes of its asker and of the replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.errors import LostReplyError, UnreachableError
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.models.sequencer_messages import QueryFinal, SubmitSequence
from ocs_ray.scripting import patient_request
from ocs_ray.testing.waiting import until

from .procedure_floor import PREFIX, SCRIPT, Floor, commands, play
from .test_procedure_children import LEADING

WAIT_5 = timedelta(seconds=5)
CHILD = "IRIS.mode"
HASTY = ProcedureSettings(stop_grace_s=0.02, kill_after_s=5, child_limit_s=2)
SLOW_TO_BEGIN = (
    SCRIPT
    + """
    @ctx.on_new_sequence
    async def slowly():
        SEEN.append("hook")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        OPEN.clear()
"""
)


def lossy(floor: Floor, prefix: str, kind: type[object], losses: int, failure: type[UnreachableError]) -> list[object]:
    """Lose the replies to the first messages of a kind: the component acts, and its asker does not hear of it."""
    name, lost = f"{prefix}-Sequencer", list[object]()
    ask: Callable[[object], Awaitable[Any]] = floor.observatory._components[name]

    async def loses(message: object) -> Any:
        if not isinstance(message, kind) or len(lost) >= losses:
            return await ask(message)
        lost.append(message)
        raise failure(name=name, reason="could not be reached for a moment", remedy="")

    floor.observatory.put(name, loses)
    return lost


@pytest.mark.parametrize(("command", "ends"), [("STOP", "STOPPED"), ("ABORT", "ABORTED")])
def test_given_a_child_slow_to_begin_when_the_parent_has_ended_long_before_then_the_child_is_ended_when_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, ends: str
) -> None:
    monkeypatch.setattr(patient_request, "FIRST_WAIT_S", 0.05)  # its hook outlasts the first wait, and the second

    async def story(floor: Floor) -> None:
        await floor.start(SLOW_TO_BEGIN, CHILD)
        await floor.start(LEADING, PREFIX, HASTY)
        run_id = await floor.run("one")
        await floor.has_seen("hook", prefix=CHILD)
        ended = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert (ended.reached, ended.state) == (True, ends)
        assert isinstance(await floor.final(run_id), Cancelled)
        await asyncio.sleep(0.3)  # the time is what is under test: every wait for the first answer is over
        floor.open(CHILD)
        await floor.comes_to(ends, CHILD)
        requests = {s.message.request_id for s in floor.observatory.sent if isinstance(s.message, SubmitSequence)}
        assert len(requests) == 2, "the parent's own, and one for the child however often it was sent"

    play(tmp_path, story, None)


def test_given_a_child_slow_to_begin_when_the_next_run_of_the_parent_goes_on_then_the_child_is_ended_all_the_same(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SLOW_TO_BEGIN, CHILD)
        await floor.start(LEADING + STAYS, PREFIX, HASTY)
        await floor.run("one")
        await floor.has_seen("hook", prefix=CHILD)
        await floor.sequencer.stop_procedure(wait=WAIT_5)
        next_run = await floor.sequencer.submit(commands("stays"))
        await floor.has_seen("stays")
        floor.open(CHILD)
        await floor.comes_to("STOPPED", CHILD)
        assert floor.state() == "EXECUTE"
        floor.open()
        assert isinstance(await floor.final(next_run.run_id), Completed)

    play(tmp_path, story, None)


STAYS = """
    @ctx.on_setup("stays")
    async def stays(command):
        SEEN.append("stays")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
"""


def test_given_lost_replies_about_a_child_s_end_then_it_is_held_with_the_parent_and_the_step_ends_well(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, CHILD)
        await floor.start(LEADING, PREFIX)
        lost = lossy(floor, CHILD, QueryFinal, 4, LostReplyError)
        run_id = await floor.run("one")
        await until(lambda: len(lost) == 4)  # the step asks for its end, and so does who follows it
        held = await floor.sequencer.hold(wait=WAIT_5)
        assert (held.reached, floor.state(CHILD)) == (True, "HELD")
        await floor.sequencer.unhold(wait=WAIT_5)
        floor.open(CHILD)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", f"{CHILD} Completed", "after"]

    play(tmp_path, story, None)


def test_given_a_child_that_died_when_its_end_is_asked_for_then_the_parent_has_no_child_any_more(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, CHILD)
        await floor.start(LEADING, PREFIX)
        asked = lossy(floor, CHILD, QueryFinal, 2, UnreachableError)
        await floor.run("one")
        await until(lambda: len(asked) == 2)
        await until(lambda: not floor.shell()._procedure.core._children._names)
        assert not floor.shell()._port._running

    play(tmp_path, story, None)


FIRING = """
    @ctx.on_setup("fire")
    async def fire(command):
        await Sequencer.at("IRIS.mode").submit(Sequence.of(Setup("ESW.test", "polite")))
        await ctx.checkpoint()

    @ctx.on_setup("block")
    async def block(command):
        asyncio.create_task(Sequencer.at("IRIS.mode").submit(Sequence.of(Setup("ESW.test", "polite"))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        OPEN.wait(10)
"""


def test_given_a_child_that_begins_while_its_parent_is_stopped_when_the_reply_ends_the_step_then_the_child_stops_too(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SLOW_TO_BEGIN, CHILD)
        await floor.start(SCRIPT + FIRING, PREFIX, ProcedureSettings(stop_grace_s=5, kill_after_s=5, child_limit_s=2))
        await floor.sequencer.submit(commands("fire"))
        await floor.has_seen("hook", prefix=CHILD)
        await floor.sequencer.send_command("STOP")
        floor.open(CHILD)
        await floor.comes_to("STOPPED")
        await floor.comes_to("STOPPED", CHILD)

    play(tmp_path, story, None)


def test_given_a_run_that_left_a_child_behind_when_the_next_run_is_aborted_then_that_child_goes_on(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, CHILD)
        await floor.start(SCRIPT + FIRING, PREFIX)
        first = await floor.sequencer.submit(commands("fire"))
        await floor.final(first.run_id)
        await floor.has_seen("begun", prefix=CHILD)
        await floor.run("polite")
        ended = await floor.sequencer.send_command("ABORT", wait=WAIT_5)
        assert (ended.reached, ended.state) == (True, "ABORTED")
        assert floor.state(CHILD) == "EXECUTE"
        floor.open(CHILD)

    play(tmp_path, story, None)


def test_given_a_script_that_blocks_its_strand_when_a_child_begins_and_it_is_aborted_then_the_child_is_aborted(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, CHILD)
        await floor.start(SCRIPT + FIRING, PREFIX)
        await floor.sequencer.submit(commands("block"))
        await floor.has_seen("begun", prefix=CHILD)
        await until(lambda: bool(floor.shell()._procedure.core._children._names))
        await floor.sequencer.send_command("ABORT")
        await floor.comes_to("ABORTED", CHILD)
        floor.open()

    play(tmp_path, story, None)
