"""A script that asks for its commands, and what their senders are told. Cases: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.procedure_messages import CommandResult, SendCommand
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.testing.waiting import until

from .procedure_floor import SCRIPT, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
ASKING = """
@script
async def body(ctx):
    @ctx.on_setup("empty")
    async def empty(command):
        clock = asyncio.get_running_loop()
        begun = clock.time()
        SEEN.append(await ctx.recv_command(topic="box"))
        SEEN.append(await ctx.recv_command(topic="box", timeout_seconds=0.2))
        SEEN.append(round(clock.time() - begun, 3) >= 0.2)  # uvloop's clock counts milliseconds

    @ctx.on_setup("drain")
    async def drain(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        for bound in (5, 0, -1):
            found = await ctx.recv_command("HELD", topic="box", max_messages=bound)
            SEEN.append(found and found["id"])
        SEEN.append("drained")
        await ctx.sleep(1e6)

    @ctx.on_setup("urgent")
    async def urgent(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        found = await ctx.recv_command("RUNNING", topic="box")
        SEEN.append(found["cmd"])

    @ctx.on_setup("obey")
    async def obey(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            found = await ctx.recv_command(timeout_seconds=10)
            SEEN.append(found and (found["cmd"], found["priority"], found["sender"]))

    @ctx.on_setup("slow obey")
    async def slow_obey(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        for _ in range(2):
            found = await ctx.recv_command(timeout_seconds=0.01)
            SEEN.append(found and found["cmd"])

    @ctx.on_setup("patient")
    async def patient(command):
        SEEN.append("begun")
        clock = asyncio.get_running_loop()
        begun = clock.time()
        found = await ctx.recv_command("RUNNING", topic="box", timeout_seconds=0.3)
        SEEN.append((found, round(clock.time() - begun, 3) >= 0.3))

    @ctx.on_setup("says held")
    async def says_held(command):
        SEEN.append("begun")
        found = await ctx.recv_command("HELD", timeout_seconds=10)
        SEEN.append(found and found["cmd"])
"""


async def post(floor: Floor, *messages: object, topic: str = "box") -> list[CommandResult]:
    return [await floor.sequencer.send_command(message, topic) for message in messages]


def test_given_an_empty_box_when_asked_then_none_comes_at_once_or_after_the_timeout(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 13
        await floor.sequencer.submit_and_wait(commands("empty"))
        assert floor.seen() == [None, None, True]

    play(tmp_path, story, ASKING)


def test_given_8_messages_when_5_are_drained_then_3_are_left_and_a_bound_below_1_counts_as_1(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 14
        await floor.run("drain")
        ids = [f"R{n}" for n in range(8)]
        waiting = [
            asyncio.create_task(
                floor.observatory.ask(
                    "ESW.mode-Sequencer",
                    SendCommand(message="RESUME", topic="box", request_id=id_, wait_s=20),
                    30,
                )
            )
            for id_ in ids
        ]
        await until(lambda: len(floor.shell()._procedure.core._post.box("box")) == 8)
        floor.open()
        await floor.has_seen("drained")
        assert floor.seen() == ["begun", "R0", "R5", "R6", "drained"]
        assert [(await task).disposition for task in waiting[:7]] == ["chosen", *["superseded"] * 4, "chosen", "chosen"]
        await floor.sequencer.stop_procedure(wait=WAIT_5)
        last = await waiting[7]
        assert (last.accepted, last.disposition, last.reason) == (False, "rejected", "the run ended first")

    play(tmp_path, story, ASKING)


def test_given_100_resumes_before_a_stop_when_asked_then_it_is_found(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 15
        run_id = await floor.run("urgent")
        await post(floor, *["RESUME"] * 100, "STOP")
        floor.open()
        assert isinstance(await floor.final(run_id), Completed), "another topic than cmd stops nothing"
        assert floor.seen() == ["begun", "STOP"]

    play(tmp_path, story, ASKING)


def test_given_a_script_that_asks_when_held_and_resumed_then_it_hears_both_and_is_held_when_it_asks_again(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # case 16
        run_id = await floor.run("obey")
        held = await floor.sequencer.send_command("hold", sender="Ann", wait=WAIT_5)
        assert (held.disposition, held.reached, held.state) == ("chosen", True, "HELD")
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, resumed.state) == (True, "EXECUTE")
        floor.open()
        await floor.sequencer.send_command({"cmd": "PAUSE"}, wait=WAIT_5)
        await floor.sequencer.unhold(wait=WAIT_5)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen()[:3] == ["begun", ("HOLD", 1, "Ann"), ("RESUME", 0, "")]

    play(tmp_path, story, ASKING)


@pytest.mark.parametrize("step", ["slow obey", "polite", "deaf"])
def test_given_hold_and_resume_in_one_batch_then_held_is_reached_and_left(tmp_path: Path, step: str) -> None:
    async def story(floor: Floor) -> None:  # case 16: a script that asks, one with checkpoints, one with neither
        run_id = await floor.run(step, "nothing") if step != "slow obey" else await floor.run(step)
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        resumed = asyncio.create_task(floor.sequencer.unhold(wait=WAIT_5))
        await until(lambda: floor.shell()._procedure._number >= 3)
        floor.open()
        assert (await held).reached
        assert (await resumed).reached
        assert isinstance(await floor.final(run_id), Completed)
        assert "HELD RESUMING RUNNING" in states(await floor.sequencer.procedure_state())
        if step == "slow obey":
            assert floor.seen() == ["begun", "HOLD", "RESUME"]

    play(tmp_path, story, ASKING if step == "slow obey" else SCRIPT)


def test_given_only_messages_that_are_not_allowed_then_none_comes_after_the_whole_timeout_and_senders_are_told(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:  # case 19
        run_id = await floor.run("patient")
        sent = SendCommand(message="RESUME", topic="box", wait_s=5)
        told = await floor.observatory.ask("ESW.mode-Sequencer", sent, 10)
        assert (told.accepted, told.disposition) == (False, "rejected")
        assert "RESUME is not accepted in EXECUTE" in told.reason
        await floor.final(run_id)
        assert floor.seen() == ["begun", (None, True)]

    play(tmp_path, story, ASKING)


def test_given_a_state_of_its_own_when_asked_then_that_one_filters(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 20
        run_id = await floor.run("says held")
        await until(lambda: floor.shell()._procedure.core.script._polled_in is not None)
        told = await floor.sequencer.unhold(wait=WAIT_5)
        assert (told.disposition, told.accepted) == ("chosen", True)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", "RESUME"]

    play(tmp_path, story, ASKING)


@pytest.mark.parametrize("message", [None, 5, [], {}, {"command": "STOP"}, "FOO", b"\xff"], ids=repr)
def test_given_what_is_no_command_then_its_sender_is_told_and_nothing_else_happens(
    tmp_path: Path, message: object
) -> None:
    async def story(floor: Floor) -> None:  # case 18, at the sequencer's door
        await floor.run("polite")
        told = await floor.sequencer.send_command(message, wait=WAIT_5)
        assert (told.accepted, told.disposition, told.state) == (False, "unknown", "EXECUTE")

    play(tmp_path, story)


def test_given_each_way_a_command_may_end_then_its_sender_is_told_which(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        seq = floor.sequencer
        idle = await seq.hold()
        assert (idle.disposition, idle.reason) == ("rejected", "HOLD is not accepted in IDLE")
        await floor.run("deaf")
        assert (await seq.hold()).disposition == "chosen"
        early = asyncio.create_task(seq.unhold(wait=WAIT_5))
        await floor.settled()
        assert (await seq.unhold()).disposition == "superseded"
        stop = await seq.stop_procedure()
        assert (stop.disposition, stop.state) == ("chosen", "STOPPING")
        assert (await early).disposition == "superseded", "the resume that waited for HELD will not come about"
        assert (await seq.stop_procedure()).disposition == "chosen", "accepted, and changes nothing"
        floor.open()
        await floor.comes_to("STOPPED")

    play(tmp_path, story)


def test_given_a_lost_reply_when_the_request_is_repeated_then_it_takes_effect_once(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("polite")
        first = asyncio.create_task(floor.sequencer.send_command("HOLD", wait=WAIT_5, request_id="once"))
        await floor.comes_to("HELD")
        answer = await first
        await floor.sequencer.unhold(wait=WAIT_5)
        number = floor.shell()._procedure._number
        assert await floor.sequencer.send_command("HOLD", wait=WAIT_5, request_id="once") == answer
        assert (floor.state(), floor.shell()._procedure._number) == ("EXECUTE", number)

    play(tmp_path, story)


def test_given_an_asker_who_gives_up_when_the_request_is_repeated_then_it_is_answered(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("deaf")
        message = SendCommand(message="HOLD", wait_s=20, request_id="once")
        first = asyncio.create_task(floor.shell().ask(message))
        await floor.comes_to("HOLDING")
        first.cancel()
        again = asyncio.create_task(floor.shell().ask(message))
        floor.open()
        async with asyncio.timeout(5):
            answer = await again
        assert (answer.disposition, answer.accepted) == ("chosen", True)

    play(tmp_path, story)


def test_given_a_hold_that_takes_too_long_then_its_sender_is_told_what_is_waited_for(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("deaf")
        told = await floor.sequencer.hold(wait=timedelta(seconds=0.05))
        assert (told.accepted, told.reached, told.state) == (True, False, "HOLDING")
        assert "has not come to a checkpoint" in told.reason
        assert not floor.shell()._procedure._verdicts

    play(tmp_path, story)


def test_given_a_pause_when_held_then_the_sender_waits_for_held(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # a hold overtakes the pause: it acts inside the step
        await floor.run("polite", "nothing")
        await floor.sequencer.pause()
        await floor.comes_to("HOLDING")
        told = await floor.sequencer.hold(wait=WAIT_5)
        assert (told.reached, told.state) == (True, "HELD")
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert stopped.state == "STOPPED"

    play(tmp_path, story)


def test_given_a_loaded_sequence_when_started_by_command_then_the_sender_is_told_that_it_runs(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        none = await floor.sequencer.send_command("START", wait=WAIT_5)
        assert (none.accepted, none.disposition) == (False, "rejected")
        assert "StartSequence" in none.reason
        await floor.sequencer.load(commands("nothing"))
        told = await floor.sequencer.send_command("START", wait=WAIT_5)
        assert (told.accepted, told.reached) == (True, True), "however soon it is over"
        await floor.comes_to("COMPLETE")

    play(tmp_path, story)


def test_given_steps_left_when_completed_then_they_are_dropped_and_it_ends_completed(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await floor.run("polite", "nothing", "nothing")
        await floor.sequencer.hold(wait=WAIT_5)
        floor.open()
        done = await floor.sequencer.complete_procedure(wait=WAIT_5)
        assert (done.reached, done.state) == (True, "COMPLETE")
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["begun", "ended"]

    play(tmp_path, story)


def test_given_cancelled_runs_then_stopped_is_never_overwritten(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 27: natural end and STOP at the same instant
        ends: set[str] = set()
        for n in range(1_000):
            seen = floor.shell()._procedure._number
            first = await floor.sequencer.submit(commands("nothing"))
            for _ in range(n % 7):
                await asyncio.sleep(0)
            await floor.sequencer.stop_procedure(wait=WAIT_5)
            final = await floor.final(first.run_id)
            story = states(floor.shell()._procedure.status(seen)).split()
            stopped_in_time = "COMPLETING" not in story
            assert isinstance(final, Cancelled if stopped_in_time else Completed), (n, final, story)
            assert story.count("STOPPED") - story[: story.index("STARTING")].count("STOPPED") == 1
            numbers = [change.number for change in floor.shell()._procedure.status(seen).changes]
            assert numbers == list(range(seen + 1, seen + 1 + len(numbers)))
            ends.add(type(final).__name__)
        assert ends <= {"Cancelled", "Completed"}

    play(tmp_path, story)
