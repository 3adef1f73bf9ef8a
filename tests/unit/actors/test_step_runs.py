"""Steps that follow each other on the strand: nobody can tell, whatever is asked or told meanwhile. Decision 0023."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import create_autospec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs_ray.actors.strand import Strand
from ocs_ray.core.sequencer_view import snapshot
from ocs_ray.models.commands import Sequence, SequenceCommand, Setup
from ocs_ray.models.procedure_messages import SendCommand
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed, Error
from ocs_ray.models.sequencer_messages import SequencerState
from ocs_ray.models.sequencer_replies import CannotOperateOnAnInFlightOrFinishedStep, Ok
from ocs_ray.models.steps import StepStatus
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.testing.waiting import until

from .procedure_floor import Floor, play
from .quick_steps import AFTER, BEFORE, SCRIPT, around, names, run_and_block, steps


def test_given_a_thousand_quick_steps_when_run_then_each_ran_once_in_its_order_and_its_time_is_kept(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        final = await floor.sequencer.submit_and_wait(Sequence.of(*steps(*range(1000))))
        assert isinstance(final, Completed)
        assert floor.seen() == names(*range(1000))
        (run,) = await floor.sequencer.runs()
        assert {step.status for step in run.steps} == {StepStatus.SUCCESS}
        for one, other in zip(run.steps, run.steps[1:], strict=False):
            assert one.started_at <= one.ended_at == other.started_at
        assert run.started_at <= run.steps[0].started_at
        assert run.steps[-1].ended_at <= run.ended_at
        again = floor.shell()._journal.replay()
        assert snapshot(again) == snapshot(floor.shell()._core)
        assert again.history.view(None) == floor.shell()._core.history.view(None)

    play(tmp_path, story, SCRIPT)


def test_given_steps_that_followed_each_other_when_asked_then_the_answer_is_of_this_moment(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor)
        status = await floor.sequencer.status()
        assert (status.steps_done, status.step, status.steps_total) == (BEFORE, "block", BEFORE + 1 + AFTER)
        view = await floor.sequencer.sequence()
        assert view is not None
        assert [one.status for one in view[: BEFORE + 2]] == (
            [StepStatus.SUCCESS] * BEFORE + [StepStatus.IN_FLIGHT, StepStatus.PENDING]
        )
        floor.open()
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == [*names(*range(BEFORE)), "blocked", *names(*range(BEFORE, BEFORE + AFTER))]

    play(tmp_path, story, SCRIPT)


def test_given_a_run_that_is_waited_for_when_nobody_subscribes_then_one_thread_wakes_the_other_once_each_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = create_autospec(Strand.start_there, side_effect=Strand.start_there)
    back = create_autospec(Strand.tell_home, side_effect=Strand.tell_home)

    async def story(floor: Floor) -> None:
        monkeypatch.setattr(Strand, "start_there", there)
        monkeypatch.setattr(Strand, "tell_home", back)
        sequence = Sequence.of(*(Setup("ESW.test", kind) for kind in ("c0", "nap", "c1", "nap", "c2")))
        assert isinstance(await floor.sequencer.submit_and_wait(sequence), Completed)
        assert floor.seen() == ["c0", "c1", "c2"]
        assert (there.call_count, back.call_count) == (1, 1)

    play(tmp_path, story, SCRIPT)


def test_given_a_subscriber_when_a_step_takes_its_time_then_he_hears_of_those_before_it_unasked(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        seen: list[int] = []

        async def subscribe() -> None:
            async for view in floor.sequencer.follow():
                done = [step for step in view.steps if step.status.is_done]
                seen.append(len(done))

        following = asyncio.create_task(subscribe())
        run_id = await run_and_block(floor)
        await until(lambda: seen[-1:] == [BEFORE])
        floor.open()
        await floor.final(run_id)
        await until(lambda: seen[-1:] == [BEFORE + 1 + AFTER])
        assert seen == sorted(seen)
        following.cancel()

    play(tmp_path, story, SCRIPT)


def test_given_a_hold_when_it_is_told_among_quick_steps_then_the_step_in_flight_is_the_last_until_the_resume(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor)
        held = asyncio.create_task(floor.sequencer.send_command("HOLD", wait=timedelta(seconds=10)))
        await floor.comes_to("HOLDING")
        floor.open()
        assert (await held).reached
        await floor.settled()
        assert floor.seen()[BEFORE:] == ["blocked"]
        assert (await floor.sequencer.send_command("RESUME", wait=timedelta(seconds=10))).accepted
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen()[BEFORE + 1 :] == names(*range(BEFORE, BEFORE + AFTER))

    play(tmp_path, story, SCRIPT)


def test_given_a_cause_that_suspends_when_it_comes_from_inside_then_it_too_waits_for_the_step_in_flight(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor)
        cause = SendCommand(message="SUSPEND", sender="suspend_when", wait_s=10)
        suspended = asyncio.create_task(floor.shell()._procedure.send(cause))  # no message tells what ended before it
        await floor.comes_to("SUSPENDING")
        floor.open()
        assert (await suspended).reached
        assert floor.seen()[BEFORE:] == ["blocked"]
        assert (await floor.sequencer.send_command("UNSUSPEND")).accepted
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, SCRIPT)


Told = Callable[[Floor], Awaitable[Any]]


async def step_id(floor: Floor, place: int) -> str:
    view = await floor.sequencer.sequence()
    assert view is not None
    return view[place].id


EDITS: dict[str, tuple[Told, list[str]]] = {
    "delete": (
        lambda floor: _at(floor, BEFORE + 1, floor.sequencer.delete),
        names(*range(BEFORE + 1, BEFORE + AFTER)),
    ),
    "skip": (
        lambda floor: _at(floor, BEFORE + 2, floor.sequencer.skip),
        names(BEFORE, *range(BEFORE + 2, BEFORE + AFTER)),
    ),
    "prepend": (lambda floor: floor.sequencer.prepend(*steps(999)), names(999, *range(BEFORE, BEFORE + AFTER))),
    "add": (lambda floor: floor.sequencer.add(*steps(999)), names(*range(BEFORE, BEFORE + AFTER), 999)),
    "reset": (lambda floor: floor.sequencer.reset(), []),
}


async def _at(floor: Floor, place: int, edit: Callable[[str], Awaitable[Any]]) -> Any:
    return await edit(await step_id(floor, place))


@pytest.mark.parametrize("edit", EDITS)
def test_given_an_edit_when_it_is_made_among_quick_steps_then_what_runs_is_what_the_list_says(
    edit: str, tmp_path: Path
) -> None:
    tell, expected = EDITS[edit]

    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor)
        assert await tell(floor) == Ok()
        floor.open()
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen()[BEFORE:] == ["blocked", *expected]

    play(tmp_path, story, SCRIPT)


def test_given_a_breakpoint_when_quick_steps_come_to_it_then_none_passes_it(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.sequencer.load(Sequence.of(*steps(*range(100))))
        await _at(floor, 60, floor.sequencer.add_breakpoint)
        first = await floor.sequencer.start()
        await floor.comes_to("HELD")
        assert floor.seen() == names(*range(60))
        assert await floor.sequencer.resume() == Ok()
        assert isinstance(await floor.final(str(first.run_id)), Completed)
        assert floor.seen() == names(*range(100))

    play(tmp_path, story, SCRIPT)


@pytest.mark.parametrize(("kind", "message"), [("fail", "no light"), ("cancel", "it was cancelled")])
def test_given_a_step_that_fails_when_quick_ones_would_follow_then_none_does(
    kind: str, message: str, tmp_path: Path
) -> None:
    async def story(floor: Floor) -> None:
        final = await floor.sequencer.submit_and_wait(around(kind), resume_on_error=True)
        assert isinstance(final, Error)
        assert f"CommandName: {kind}, reason: " in final.message
        assert message in final.message
        assert floor.seen() == names(*range(BEFORE))
        status = await floor.sequencer.status()
        assert (status.steps_done, status.state) == (BEFORE + 1, SequencerState.IDLE)

    play(tmp_path, story, SCRIPT)


def test_given_a_step_that_pulls_the_next_one_when_quick_ones_surround_it_then_that_runs_once(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        assert isinstance(await floor.sequencer.submit_and_wait(around("pull")), Completed)
        rest = names(*range(BEFORE + 1, BEFORE + AFTER))
        assert floor.seen() == [*names(*range(BEFORE)), f"pulled c{BEFORE}", *rest]

    play(tmp_path, story, SCRIPT)


@pytest.mark.parametrize("command", ["abort_sequence", "stop"])
def test_given_an_end_when_it_is_told_among_quick_steps_then_no_further_one_begins(
    command: str, tmp_path: Path
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor)
        told = asyncio.create_task(getattr(floor.sequencer, command)())
        await floor.comes_to("ABORTING" if command == "abort_sequence" else "STOPPING")
        floor.open()
        assert await told == Ok()
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.settled()
        assert floor.seen()[BEFORE:] == ["blocked"]

    play(tmp_path, story, SCRIPT)


def test_given_a_step_the_strand_is_about_to_begin_when_it_is_edited_then_the_edit_finds_it_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go, real = threading.Event(), threading.Event(), RunningScript.run_step

    def run_step(script: RunningScript, command: SequenceCommand) -> Any:
        if command.command_name == "c0":  # the last one the strand may begin by itself
            taken.set()
            go.wait(30)
        return real(script, command)

    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor, Sequence.of(Setup("ESW.test", "block"), *steps(0)))
        last = await step_id(floor, 1)
        floor.open()
        await until(taken.is_set)
        threading.Timer(0.1, go.set).start()
        assert isinstance(await floor.sequencer.delete(last), CannotOperateOnAnInFlightOrFinishedStep)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen() == ["blocked", "c0"]

    monkeypatch.setattr(RunningScript, "run_step", run_step)
    play(tmp_path, story, SCRIPT)


def test_given_a_step_that_has_had_no_turn_yet_when_it_is_cancelled_then_it_never_begins_and_the_run_ends(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await run_and_block(floor, Sequence.of(Setup("ESW.test", "then block"), *steps(0, 1)))
        assert (await floor.sequencer.status()).step == "c0"
        aborted = asyncio.create_task(floor.sequencer.send_command("ABORT", wait=timedelta(seconds=10)))
        await until(lambda: "the step is cancelled" in floor.shell()._procedure.late)
        floor.open()
        assert isinstance(await floor.final(run_id), Cancelled)
        assert (await aborted).reached
        assert floor.seen() == []
        assert not floor.shell()._gave_up

    play(tmp_path, story, SCRIPT, ProcedureSettings(stop_grace_s=0.05, kill_after_s=5))


ACTS: dict[str, Told] = {
    "status": lambda floor: floor.sequencer.status(),
    "HOLD": lambda floor: floor.sequencer.send_command("HOLD"),
    "RESUME": lambda floor: floor.sequencer.send_command("RESUME"),
    "pause": lambda floor: floor.sequencer.pause(),
    "resume": lambda floor: floor.sequencer.resume(),
    "step": lambda floor: floor.sequencer.step(),
    "add": lambda floor: floor.sequencer.add(turn(200)),
    "prepend": lambda floor: floor.sequencer.prepend(turn(201)),
    "turn": lambda floor: asyncio.sleep(0),
    "wait": lambda floor: asyncio.sleep(0.001),
}


def turn(number: int) -> Setup:
    return Setup("ESW.test", f"t{number}")


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=12))
def test_given_anything_told_among_quick_steps_when_let_go_then_what_ran_is_what_the_list_says(
    acts: list[str],
) -> None:
    async def story(floor: Floor) -> None:
        first = await floor.sequencer.submit(Sequence.of(*(turn(n) for n in range(200))))
        for act in acts:
            await ACTS[act](floor)
            if floor.state() == "HELD":
                await floor.settled()
                ran, core = len(floor.seen()), floor.shell()._core
                assert core.steps is not None
                assert core.steps.driven is None
                assert core.steps.done == ran
        final = asyncio.ensure_future(floor.final(str(first.run_id)))
        while not final.done():
            await floor.sequencer.send_command("RESUME")
            await floor.sequencer.resume()
            await asyncio.wait({final}, timeout=0.02)
        assert isinstance(final.result(), Completed)
        view = await floor.sequencer.sequence()
        assert view is not None
        assert floor.seen() == [step.command.command_name for step in view]

    with TemporaryDirectory() as folder:
        play(Path(folder), story, SCRIPT)
