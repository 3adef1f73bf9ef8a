"""A sequencer with a real script on a real strand, without Ray. Case numbers: reference section 9; H: its hazards."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.core.sequencer_view import snapshot
from ocs_ray.models.commands import Sequence, Setup, Wait
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.editor_messages import Add
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid, IssueType, Started
from ocs_ray.models.sequencer_messages import (
    AbortSequence,
    GetMetrics,
    GetStatus,
    GoOffline,
    GoOnline,
    LoadSequence,
    QueryFinal,
    SequencerState,
    Shutdown,
    SubmitSequence,
)
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

SCRIPT = """
import sys, threading, time
from ocs_ray.models.keys import int_key, string_key
from ocs_ray.models.responses import Result
from ocs_ray.scripting import *

SEEN, FREE = [], threading.Event()

@script
async def body(ctx: ScriptContext) -> None:
    SEEN.clear()
    FREE.clear()

    @ctx.on_setup("note")
    async def note(command: Setup) -> None:
        SEEN.append(str(command.maybe_obs_id or "note"))

    @ctx.on_setup("online")
    async def online(command: Setup) -> None:
        SEEN.append(ctx.is_online)

    @ctx.on_setup("sleep")
    async def sleep(command: Setup) -> None:
        time.sleep(3)

    @ctx.on_setup("block")
    async def block(command: Setup) -> None:
        FREE.wait(30)

    @ctx.on_setup("spin")
    async def spin(command: Setup) -> None:
        while not FREE.is_set():
            pass

    @ctx.on_setup("until cancelled")
    async def until_cancelled(command: Setup) -> None:
        await ctx.wait_cancelled()
        SEEN.append("cancelled")

    @ctx.on_setup("two at once")
    async def two_at_once(command: Setup) -> None:
        following = await ctx.next_if(lambda command: command.command_name == "note")
        SEEN.append(following.command_name if following is not None else None)

    @ctx.on_setup("third time")
    async def third_time(command: Setup) -> Result:
        SEEN.append("try")
        if len(SEEN) < 3:
            finish_with_error("not yet")
        return Result(int_key("tries").set(len(SEEN)))

    third_time.retry(2)

    @ctx.on_setup("leave")
    async def leave(command: Setup) -> None:
        async def go() -> None:
            sys.exit(3)
        ctx.start(go())

    @ctx.on_global_error
    async def told(failure) -> None:
        SEEN.append(str(failure))

    @ctx.on_go_offline
    async def offline() -> None:
        SEEN.append("offline")
"""
HANGING = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_new_sequence
    async def never() -> None:
        await ctx.sleep(3600)

    @ctx.on_setup("note")
    async def note(command: Setup) -> None:
        pass
"""


def sequence(*names: str) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", name) for name in names))


class Night:
    """One sequencer, its script's module, and the door to it."""

    def __init__(self, shell: SequencerShell, port: LocalObservatory) -> None:
        self.shell = shell
        self.top = Sequencer.at("ESW.Dark", port=port)

    @property
    def seen(self) -> list[Any]:
        return self.globals["SEEN"]

    @property
    def globals(self) -> dict[str, Any]:
        _, _, script = self.shell._running_script()
        return script.scopes[0].setup["note"]._body.__globals__


def night(
    tmp_path: Path,
    story: Callable[[Night], Awaitable[None]],
    script: str = SCRIPT,
    *,
    within_s: float = 30,
    **options: Any,
) -> None:
    """Tell a story with a sequencer that runs ``script``; at the end it is shut down, whatever happened."""
    file = tmp_path / "script.py"
    file.write_text(script)

    async def run() -> None:
        async with LocalObservatory() as port:
            shell = SequencerShell(Prefix("ESW.Dark"), ObsMode("Dark"), Prefix("ESW.ESW_1"), port)
            await shell.start(ScriptSource(file=str(file), root=str(tmp_path)), 1.0, **options)
            port.put("ESW.Dark-Sequencer", shell.ask)
            told = Night(shell, port)
            try:
                async with asyncio.timeout(within_s):
                    await story(told)
            finally:
                if "FREE" in told.globals:
                    told.globals["FREE"].set()
                await shell.ask(Shutdown())
                await until(lambda: not any(t.name == "strand-ESW.Dark" for t in threading.enumerate()))

    asyncio.run(run())


def test_h9_given_a_hook_that_never_ends_when_submitted_then_it_is_given_up_and_the_sequencer_is_usable(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        response = await it.top.submit(sequence("note"), resume_on_error=True)
        assert isinstance(response, Error)
        assert response.message == "New sequence handler failed to submit successfully: it took longer than 0.2 s"
        assert await it.top.state() is SequencerState.IDLE
        assert await it.top.load(sequence("note")) == Ok()
        assert (await it.top.status()).hook_limit_s == 0.2  # so that clients wait as long

    night(tmp_path, story, HANGING, hook_limit_s=0.2)


def test_h12_given_no_sequence_for_eleven_hours_when_submitted_then_it_runs(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        await it.top.submit_and_wait(sequence("note"))
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + 11 * 3600  # whatever has a time limit meets it now
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert isinstance(await it.top.submit_and_wait(sequence("note")), Completed)
        assert it.seen == ["note", "note"]

    night(tmp_path, story, within_s=12 * 3600)


def test_given_a_request_whose_reply_was_lost_when_repeated_then_it_takes_effect_once(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        message = SubmitSequence(sequence=sequence("note"))
        first, second = await asyncio.gather(it.shell.ask(message), it.shell.ask(message))
        third = await it.shell.ask(message)
        assert first == second == third
        await it.top.query_final(str(first.run_id))
        assert it.seen == ["note"]
        add = Add(commands=tuple(sequence("note")))
        assert isinstance(await it.shell.ask(add), Unhandled)
        await it.top.load(sequence("note"))
        assert isinstance(await it.shell.ask(add), Unhandled), "the first answer, though now it would be taken"

    night(tmp_path, story)


def test_given_a_run_that_is_over_soon_when_asked_for_that_then_the_submission_is_answered_with_its_end(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        short = SubmitSequence(sequence=sequence("note"), final_within_s=30)
        first, again = await asyncio.gather(it.shell.ask(short), it.shell.ask(short))
        assert first == again == Completed(run_id=first.run_id)
        assert it.seen == ["note"]
        long = await it.shell.ask(SubmitSequence(sequence=sequence("until cancelled"), final_within_s=0.01))
        assert isinstance(long, Started)
        waiters = it.shell._core.history.waiters
        assert not waiters.take(long.run_id), "who was told that it goes on waits no longer"
        await it.shell.ask(AbortSequence())
        assert isinstance(await it.top.query_final(long.run_id, resume_on_error=True), Cancelled)

    night(tmp_path, story)


@pytest.mark.parametrize("how", ["sleep", "block", "spin"])
def test_given_a_script_that_blocks_its_strand_when_asked_then_it_answers_shows_it_and_ends_in_time(
    tmp_path: Path, how: str
) -> None:
    async def story(it: Night) -> None:  # case 73
        await it.top.submit(sequence(how))
        blocked = await it.top.status()
        deadline = time.monotonic() + 2.5
        while not blocked.blocked_s:
            assert time.monotonic() < deadline, "a blocked strand is to be seen within 2 s"
            await asyncio.sleep(0.02)
            blocked = await it.top.status()
        assert re.search(rf"script\.py:\d+ {how}$", blocked.blocked_at)
        assert "strand_blocked_seconds" in await it.shell.ask(GetMetrics())
        began = time.monotonic()
        reply = await it.shell.ask(Shutdown())
        assert time.monotonic() - began < 3
        assert "blocks its strand" in reply.note

    night(tmp_path, story)


def test_given_a_script_that_waits_without_blocking_when_asked_then_it_is_not_said_to_block(tmp_path: Path) -> None:
    async def story(it: Night) -> None:  # case 73
        await it.top.submit(sequence("until cancelled"))
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            assert (await it.top.status()).blocked_s == 0
            await asyncio.sleep(0.05)
        await it.top.abort_sequence()

    night(tmp_path, story)


def test_given_a_script_that_calls_sys_exit_in_the_background_then_it_is_told_and_the_strand_lives_on(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        await it.top.submit_and_wait(sequence("leave"))
        await until(lambda: bool(it.seen))
        assert "sys.exit(3) was called" in it.seen[0]
        assert isinstance(await it.top.submit_and_wait(sequence("note")), Completed)

    night(tmp_path, story)


def test_given_a_thousand_waiters_and_two_hundred_subscribers_when_a_run_ends_then_all_hear_of_it(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        started = await it.top.submit(sequence("until cancelled", "note"))
        threads = threading.active_count()
        waiters = [
            asyncio.create_task(it.shell.ask(QueryFinal(run_id=started.run_id, timeout_s=20))) for _ in range(1000)
        ]

        async def follow() -> list[tuple[str, ...]]:
            seen: list[tuple[str, ...]] = []
            async for known in it.top.follow():
                seen.append(tuple(step.status for step in known.steps))
                if known.state is SequencerState.IDLE:
                    return seen
            return seen

        followers = [asyncio.create_task(follow()) for _ in range(200)]
        await asyncio.sleep(0)
        assert threading.active_count() == threads
        await it.top.abort_sequence()
        assert set(map(type, await asyncio.gather(*waiters))) == {Cancelled}
        assert {seen[-1] for seen in await asyncio.gather(*followers)} == {("Success", "Cancelled")}

    night(tmp_path, story)


def test_given_a_script_that_looks_for_it_when_aborted_then_its_step_ends_at_once(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        started = await it.top.submit(sequence("until cancelled"))
        assert await it.shell.ask(AbortSequence()) == Ok()
        final = await it.top.query_final(str(started.run_id), resume_on_error=True)
        assert final == Cancelled(run_id=started.run_id)
        assert it.seen == ["cancelled"]
        assert isinstance(await it.top.submit_and_wait(sequence("note")), Completed)

    night(tmp_path, story)


def test_given_next_if_when_the_next_command_fits_then_both_run_as_one(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        await it.top.submit_and_wait(sequence("two at once", "note", "two at once"))
        assert it.seen == ["note", None]
        steps = await it.top.sequence()
        assert steps is not None
        assert [step.status for step in steps] == ["Success"] * 3
        assert steps[1].started_at is not None
        assert steps[0].ended_at == steps[1].ended_at

    night(tmp_path, story)


def test_given_retries_and_a_result_when_the_run_is_looked_at_then_both_are_in_the_history(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        final = await it.top.submit_and_wait(sequence("third time"))
        (run,) = await it.top.runs(str(final.run_id))
        (step,) = run.steps
        assert (step.attempts, run.response, run.ended_at is not None) == (3, final, True)
        assert step.result is not None
        assert step.result.param_set[0].values == (3,)

    night(tmp_path, story)


def test_given_commands_nobody_takes_when_submitted_or_loaded_then_all_are_named_and_nothing_runs(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        bad = Sequence.of(Setup("ESW.t", "note"), Setup("ESW.t", "what"), Wait("ESW.t", "for"), Wait("ESW.t", "for"))
        reply = await it.top.submit(bad, resume_on_error=True)
        assert isinstance(reply, Invalid)
        assert reply.issue.type is IssueType.UnsupportedCommandIssue
        assert reply.issue.reason == "the script has no handler for Setup what, Wait for"
        loaded = await it.shell.ask(LoadSequence(sequence=bad))
        assert isinstance(loaded, Unhandled)
        assert loaded.msg == "the script has no handler for Setup what, Wait for"
        assert it.seen == []

    night(tmp_path, story)


def test_given_offline_when_online_again_then_the_script_knows_and_commands_are_refused_meanwhile(
    tmp_path: Path,
) -> None:
    async def story(it: Night) -> None:
        assert isinstance(await it.shell.ask(GoOnline()), Unhandled)  # the seed: only from Offline
        assert await it.shell.ask(GoOffline()) == Ok()
        assert (await it.shell.ask(GetStatus())).online is False
        refused = await it.top.submit(sequence("note"), resume_on_error=True)
        assert "'SubmitSequenceInternal' message in 'Offline' state" in refused.reason  # case 19
        assert isinstance(await it.shell.ask(GoOffline()), Unhandled)
        assert await it.shell.ask(GoOnline()) == Ok()
        await it.top.submit_and_wait(sequence("online"))
        assert it.seen == ["offline", True]

    night(tmp_path, story)


def test_given_a_night_of_events_when_the_journal_is_replayed_then_the_state_is_the_same(tmp_path: Path) -> None:
    async def story(it: Night) -> None:
        await it.top.submit_and_wait(sequence("note", "third time"), resume_on_error=True)
        await it.top.load(sequence("note", "note"))
        await it.top.add(*sequence("note"))
        again = it.shell._journal.replay()
        assert snapshot(again) == snapshot(it.shell._core)
        assert again.history.view(None) == it.shell._core.history.view(None)

    night(tmp_path, story)
