"""What holds a script holds the sequencers it waits for. Source: reference isa88.md, section 6 (in tree order)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.testing.waiting import until

from .procedure_floor import PREFIX, SCRIPT, Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
A, B = "IRIS.mode", "TCS.mode"
LEADING = """
from ocs_ray.scripting import par

async def run(prefix, name):
    sequence = Sequence.of(Setup("ESW.test", name))
    response = await Sequencer.at(prefix).submit_and_wait(sequence, resume_on_error=True)
    SEEN.append(f"{prefix} {type(response).__name__}")

@script
async def body(ctx):
    SEEN.clear()

    @ctx.on_setup("one")
    async def one(command):
        SEEN.append("begun")
        await run("IRIS.mode", "polite")
        SEEN.append("after")

    @ctx.on_setup("both")
    async def both(command):
        SEEN.append("begun")
        await par(run("IRIS.mode", "polite"), run("TCS.mode", "polite"))
        SEEN.append("after")

    @ctx.on_setup("deaf child")
    async def deaf_child(command):
        SEEN.append("begun")
        await run("IRIS.mode", "deaf")
        SEEN.append("after")
        await ctx.checkpoint()
        SEEN.append("on")

    @ctx.on_setup("strict")
    async def strict(command):
        SEEN.append("begun")
        await Sequencer.at("IRIS.mode").submit_and_wait(Sequence.of(Setup("ESW.test", "polite")))

    @ctx.on_global_error
    async def failed(failure):
        SEEN.append(f"failed: {failure}")

    @ctx.on_setup("nothing")
    async def nothing(command):
        SEEN.append("nothing")
"""


async def lead(floor: Floor, step: str, *more: str, settings: ProcedureSettings | None = None) -> str:
    for prefix in (A, B):
        await floor.start(SCRIPT, prefix)
    await floor.start(LEADING, PREFIX, settings)
    run_id = await floor.run(step, *more)
    for prefix in (A, B) if step == "both" else (A,):
        await floor.has_seen("begun", prefix=prefix)
    children = floor.shell()._procedure.core._children
    await until(lambda: len(children._names) == (2 if step == "both" else 1))
    return run_id


def test_given_children_when_held_and_resumed_then_the_parent_is_held_last_and_goes_on_last(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "both", "nothing")
        held = await floor.sequencer.hold(wait=WAIT_5)
        assert (held.reached, floor.state(A), floor.state(B)) == (True, "HELD", "HELD")
        at = {p: floor.shell(p)._procedure.status().changes[-1].at for p in (PREFIX, A, B)}
        assert all(at[PREFIX] >= at[child] for child in (A, B))
        assert {c.sender for p in (A, B) for c in floor.shell(p)._procedure.status().changes if c.by == "HOLD"} == {
            f"{PREFIX}-Sequencer"
        }
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, floor.state(A), floor.state(B)) == (True, "EXECUTE", "EXECUTE")
        at = {p: floor.shell(p)._procedure.status().changes[-1].at for p in (PREFIX, A, B)}
        assert all(at[PREFIX] >= at[child] for child in (A, B))
        floor.open(A)
        floor.open(B)
        assert isinstance(await floor.final(run_id), Completed)
        assert floor.seen()[-2:] == ["after", "nothing"]

    play(tmp_path, story, None)


@pytest.mark.parametrize(("command", "ends"), [("STOP", "STOPPED"), ("ABORT", "ABORTED")])
def test_given_a_child_when_stopped_then_it_is_stopped_too(tmp_path: Path, command: str, ends: str) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "one", "nothing")
        ended = await floor.sequencer.send_command(command, wait=WAIT_5)
        assert (ended.reached, ended.state) == (True, ends)
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.comes_to(ends, A)
        assert floor.seen(A) == ["begun"]
        assert "nothing" not in floor.seen()

    play(tmp_path, story, None)


@pytest.mark.parametrize("grace_s", [0.001, 20])
def test_given_a_child_that_just_began_when_the_parent_is_aborted_then_it_is_aborted_whoever_is_cancelled(
    tmp_path: Path, grace_s: float
) -> None:
    async def story(floor: Floor) -> None:
        await floor.start(SCRIPT, A)
        await floor.start(LEADING, PREFIX, ProcedureSettings(stop_grace_s=grace_s, kill_after_s=20))
        run_id = await floor.run("one")
        await floor.has_seen("begun", prefix=A)  # before the parent is told that it goes on
        ended = await floor.sequencer.send_command("ABORT", wait=WAIT_5)
        assert (ended.reached, ended.state) == (True, "ABORTED")
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.comes_to("ABORTED", A)

    play(tmp_path, story, None)


def test_given_a_child_ended_with_its_parent_then_that_is_no_error_of_the_script(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "strict")
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert stopped.reached
        assert isinstance(await floor.final(run_id), Cancelled)
        await floor.settled()
        assert floor.seen() == ["begun"]

    play(tmp_path, story, None)


def test_given_a_held_child_when_the_parent_is_stopped_then_both_end(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "one")
        await floor.sequencer.hold(wait=WAIT_5)
        stopped = await floor.sequencer.stop_procedure(wait=WAIT_5)
        assert (stopped.reached, stopped.state) == (True, "STOPPED")
        await floor.comes_to("STOPPED", A)
        assert isinstance(await floor.final(run_id), Cancelled)

    play(tmp_path, story, None)


def test_given_the_sequencer_s_own_stop_then_the_step_in_flight_and_its_child_run_to_their_end(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30
        run_id = await lead(floor, "one", "nothing")
        await floor.sequencer.stop()
        await floor.comes_to("STOPPING")
        await floor.settled()
        assert floor.state(A) == "EXECUTE"
        floor.open(A)
        assert isinstance(await floor.final(run_id), Cancelled)
        assert floor.seen() == ["begun", f"{A} Completed", "after"]

    play(tmp_path, story, None)


def test_given_a_pause_then_the_child_is_left_alone(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 30: the step in flight is to end first
        run_id = await lead(floor, "one", "nothing")
        await floor.sequencer.pause()
        await floor.comes_to("HOLDING")
        floor.open(A)
        await floor.comes_to("HELD")
        assert "HOLDING" not in states(floor.shell(A)._procedure.status())
        await floor.sequencer.resume()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, None)


def test_given_a_child_that_is_late_then_it_is_named_and_held_is_reached_when_it_follows(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await lead(floor, "deaf child", "nothing", settings=ProcedureSettings(child_limit_s=0.05))
        await floor.observatory.sequencer(A).add(*commands("nothing"))
        held = asyncio.create_task(floor.sequencer.hold(wait=WAIT_5))
        await until(lambda: bool(floor.shell()._procedure.late))
        status = await floor.sequencer.procedure_state()
        assert (status.state, status.waits_for) == ("HOLDING", (f"{A}-Sequencer",))
        assert f"{A}-Sequencer did not follow HOLD within 0.05 s" in status.late
        floor.open(A)
        assert (await held).reached
        assert floor.state(A) == "HELD"
        assert (await floor.sequencer.procedure_state()).waits_for == ()

    play(tmp_path, story, None)


def test_given_a_child_that_ends_while_it_is_to_hold_then_the_parent_is_held_before_it_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "deaf child")
        await floor.sequencer.hold()
        await floor.comes_to("HOLDING", A)
        floor.open(A)
        await floor.comes_to("HELD")
        await floor.settled()
        assert "on" not in floor.seen()
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, None)


def test_given_a_child_that_dies_when_held_then_the_parent_does_not_wait_for_it(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await lead(floor, "both", settings=ProcedureSettings(child_limit_s=5))
        await floor.settled()  # the script has come to wait for the ends of their runs
        name = f"{B}-Sequencer"
        ask = floor.observatory._components[name]
        floor.observatory.remove(name)
        held = await floor.sequencer.hold(wait=timedelta(seconds=0.2))
        assert (held.reached, held.state) == (False, "HOLDING")
        assert f"{name} did not follow HOLD" in (await floor.sequencer.procedure_state()).late
        floor.shell()._procedure.child_ended(name)  # what the end of its run tells
        assert (await floor.comes_to("HELD")).waits_for == ()
        floor.observatory.put(name, ask)

    play(tmp_path, story, None)


def test_given_a_child_that_does_not_answer_when_it_does_again_then_it_is_asked_again(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "both")
        name = f"{B}-Sequencer"
        ask = floor.observatory._components[name]
        floor.observatory.remove(name)
        await floor.sequencer.hold()
        await until(lambda: f"{name} did not follow HOLD" in floor.shell()._procedure.late)
        floor.observatory.put(name, ask)
        assert (await floor.comes_to("HELD")).waits_for == ()
        assert floor.state(B) == "HELD"
        await floor.sequencer.unhold()
        for prefix in (A, B):
            floor.open(prefix)
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, None)


def test_given_a_child_that_does_not_answer_when_resumed_then_the_others_go_on_and_it_is_told_once_it_answers(
    tmp_path: Path,
) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "both")
        name = f"{B}-Sequencer"
        ask = floor.observatory._components[name]
        await floor.sequencer.hold(wait=WAIT_5)
        floor.observatory.remove(name)
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, floor.state(), floor.state(A), floor.state(B)) == (True, "EXECUTE", "EXECUTE", "HELD")
        floor.observatory.put(name, ask)
        await floor.comes_to("EXECUTE", B)
        for prefix in (A, B):
            floor.open(prefix)
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, None)


def test_given_a_child_that_never_answers_hold_when_resumed_then_the_parent_goes_on(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await lead(floor, "both")
        floor.observatory.remove(f"{B}-Sequencer")
        await floor.sequencer.hold()
        await floor.comes_to("HELD", A)
        assert floor.state() == "HOLDING"
        resumed = await floor.sequencer.unhold(wait=WAIT_5)
        assert (resumed.reached, floor.state(), floor.state(A)) == (True, "EXECUTE", "EXECUTE")

    play(tmp_path, story, None)


def test_given_a_child_that_begins_while_held_then_it_is_held_too(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await lead(floor, "one")
        await floor.sequencer.hold(wait=WAIT_5)
        other = floor.observatory.sequencer(B)
        await other.submit(commands("polite"))
        floor.shell()._procedure.child_began(f"{B}-Sequencer")
        await floor.comes_to("HELD", B)
        await floor.sequencer.unhold(wait=WAIT_5)
        assert floor.state(B) == "EXECUTE"

    play(tmp_path, story, None)


def test_given_runs_that_ended_then_no_child_is_followed_any_more(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        run_id = await lead(floor, "one")
        floor.open(A)
        await floor.final(run_id)
        port = floor.shell()._port
        await until(lambda: not port._tasks)
        assert not port._running
        await floor.sequencer.reset_procedure(wait=WAIT_5)
        assert floor.state(A) == "COMPLETE", "it is a run that is held, not a sequencer"

    play(tmp_path, story, None)
