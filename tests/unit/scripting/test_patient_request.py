"""Requests whose replies get lost: they take effect once and get the first answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.errors import LostReplyError, UnreachableError
from ocs_ray.models.identifiers import Id, ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed, Result
from ocs_ray.models.sequencer_messages import (
    GetStatus,
    QueryFinal,
    Request,
    SequencerState,
    SequencerStatus,
    SubmitSequence,
)
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting import Sequence, Sequencer, Setup, Started
from ocs_ray.testing.local_observatory import LocalObservatory

TOP = "ESW.Dark"
NAME = f"{TOP}-Sequencer"
SCRIPT = """
from ocs_ray.scripting import ScriptContext, Setup, script

@script
async def lead(ctx: ScriptContext) -> None:
    @ctx.on_setup("go")
    async def go(command: Setup) -> None:
        await ctx.publish_event("went")
"""
STATUS = SequencerStatus(
    prefix=Prefix(TOP),
    obs_mode=ObsMode("Dark"),
    state=SequencerState.PROCESSING,
    script="lead.py",
    sequence_component=Prefix("ESW.one"),
    run_id=None,
    step=None,
    steps_done=0,
    steps_total=0,
    pid=1,
)
RUN = Sequence.of(Setup("ESW.test", "go"))


class Forgetful(LocalObservatory):
    """Loses the replies of the first requests: the component acted, and the asker does not hear of it."""

    def __init__(self, losses: int, failure: Callable[[str], UnreachableError]) -> None:
        super().__init__()
        self.losses, self.failure = losses, failure

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        reply = await super().ask(name, message, timeout_s)
        if isinstance(message, Request) and self.losses:
            self.losses -= 1
            raise self.failure(name)
        return reply

    @property
    def submitted(self) -> list[str]:
        messages = (sent.message for sent in self.sent)
        return [message.request_id for message in messages if isinstance(message, SubmitSequence)]


def broken(name: str) -> UnreachableError:
    return LostReplyError(name=name, reason="could not be reached for a moment", remedy="")


def gone(name: str) -> UnreachableError:
    return UnreachableError(name=name, reason="died", remedy="")


async def on_stage(observatory: Forgetful, folder: Path, story: Callable[[Sequencer], Awaitable[None]]) -> None:
    (folder / "lead.py").write_text(SCRIPT)
    async with observatory:
        await observatory.start_sequencer(TOP, folder / "lead.py", folder)
        await story(observatory.sequencer(TOP))


def test_given_lost_replies_when_submitted_then_it_runs_once_and_the_first_answer_comes(tmp_path: Path) -> None:
    observatory = Forgetful(2, broken)

    async def story(sequencer: Sequencer) -> None:
        started = await sequencer.submit(RUN)
        assert isinstance(started, Started)
        await sequencer.query_final(started.run_id)
        assert [run.run_id for run in await sequencer.runs()] == [started.run_id]

    asyncio.run(on_stage(observatory, tmp_path, story))
    assert len(observatory.submitted) == 3
    assert len(set(observatory.submitted)) == 1
    assert [event.event_name for event in observatory.published] == ["went"]


def test_given_a_lost_reply_when_the_list_is_edited_then_it_is_edited_once(tmp_path: Path) -> None:
    observatory = Forgetful(0, broken)

    async def story(sequencer: Sequencer) -> None:
        await sequencer.load(RUN)
        observatory.losses = 1
        assert await sequencer.add(Setup("ESW.test", "go")) == Ok()
        steps = await sequencer.sequence()
        assert steps is not None
        assert len(steps) == 2

    asyncio.run(on_stage(observatory, tmp_path, story))


def test_given_a_component_that_is_gone_when_asked_then_it_is_not_asked_again(tmp_path: Path) -> None:
    observatory = Forgetful(1, gone)

    async def story(sequencer: Sequencer) -> None:
        with pytest.raises(UnreachableError, match="died"):
            await sequencer.submit(RUN)

    asyncio.run(on_stage(observatory, tmp_path, story))
    assert len(observatory.submitted) == 1


def test_given_a_component_that_ends_between_two_tries_then_the_second_says_so_and_there_is_no_third(play: Any) -> None:
    async def story(stage: Any) -> None:
        asked: list[object] = []

        async def silent(message: object) -> Any:
            asked.append(message)
            await asyncio.Event().wait()

        stage.observatory.put(NAME, silent)
        asyncio.get_running_loop().call_later(1.0, stage.observatory.remove, NAME)
        with pytest.raises(UnreachableError, match="is not registered"):
            await stage.observatory.sequencer(TOP).pause()
        assert len(asked) == 1
        assert stage.now == pytest.approx(2.0)

    play(story)


@pytest.mark.parametrize(("losing", "tries"), [("silence", 2), ("broken", 25)])
def test_given_only_lost_replies_when_asked_then_it_ends_at_the_caller_s_limit(
    play: Any, losing: str, tries: int
) -> None:
    async def story(stage: Any) -> None:
        asked: list[Any] = []

        async def lose(message: object) -> Any:
            asked.append(message)
            if losing == "silence":
                await asyncio.Event().wait()
            raise broken(NAME)

        stage.observatory.put(NAME, lose)
        with pytest.raises(LostReplyError, match=r"did not answer within 5 s"):
            await stage.observatory.sequencer(TOP).pause()
        assert stage.now == pytest.approx(5.0)
        assert len({message.request_id for message in asked}) == 1
        assert tries <= len(asked) <= tries + 1

    play(story)


@pytest.mark.parametrize(("limit_s", "takes_s"), [(60.0, 55.0), (300.0, 290.0)])
def test_given_a_mode_whose_hooks_may_take_long_when_submitted_then_the_client_waits_as_long(
    play: Any, limit_s: float, takes_s: float
) -> None:
    async def story(stage: Any) -> None:
        sequencer = Preparing(limit_s, takes_s)
        stage.observatory.put(NAME, sequencer.ask)
        assert await stage.observatory.sequencer(TOP).submit(RUN) == Started("run")
        assert stage.now == pytest.approx(takes_s)
        assert len(sequencer.replies) == 1

    play(story)


def test_given_a_hook_that_is_over_its_time_when_submitted_then_the_client_gives_up_soon_after(play: Any) -> None:
    async def story(stage: Any) -> None:
        for limit_s, gives_up_s in ((60.0, 70.0), (300.0, 310.0)):
            stage.observatory.put(NAME, Preparing(limit_s, 1e6).ask)
            begun = stage.now
            with pytest.raises(LostReplyError, match="did not answer within"):
                await stage.observatory.sequencer(TOP).submit(RUN)
            assert stage.now - begun == pytest.approx(gives_up_s)

    play(story)


class Preparing:
    """A sequencer whose hook takes its time: every repeat of a request waits for the one answer."""

    def __init__(self, limit_s: float, takes_s: float) -> None:
        self.limit_s, self.takes_s = limit_s, takes_s
        self.replies: dict[str, asyncio.Future[Any]] = {}

    async def ask(self, message: object) -> Any:
        if isinstance(message, GetStatus):
            return STATUS.model_copy(update={"hook_limit_s": self.limit_s})
        assert isinstance(message, Request)
        if message.request_id not in self.replies:
            loop = asyncio.get_running_loop()
            reply = self.replies[message.request_id] = loop.create_future()
            loop.call_later(self.takes_s, reply.set_result, Started("run"))
        return await asyncio.shield(self.replies[message.request_id])


class Ending:
    """A sequencer whose run is over at a time; its replies get lost until another time."""

    def __init__(self, stage: Any, ends_at: float, loses_until: float) -> None:
        self.stage, self.ends_at, self.loses_until = stage, ends_at, loses_until
        self.limits: list[float] = []

    async def ask(self, message: object) -> Any:
        assert isinstance(message, QueryFinal)
        self.limits.append(message.timeout_s)
        if self.stage.now < self.loses_until:
            raise broken(NAME)
        left_s = self.ends_at - self.stage.now
        await asyncio.sleep(min(left_s, message.timeout_s))
        if left_s > message.timeout_s:
            raise UnreachableError(name=NAME, reason=f"has no final response after {message.timeout_s:g} s", remedy="")
        return Completed(run_id=Id("run"), result=Result())


def test_given_lost_replies_when_the_end_of_a_run_is_asked_for_then_it_is_asked_again_for_what_is_left_of_the_time(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        sequencer = Ending(stage, ends_at=30.0, loses_until=10.0)
        stage.observatory.put(NAME, sequencer.ask)
        asked = stage.observatory.sequencer(TOP)
        assert isinstance(await asked.query_final("run", timedelta(seconds=40)), Completed)
        assert stage.now == pytest.approx(30.0)
        assert sequencer.limits[0] == 40.0
        assert sequencer.limits[-1] == pytest.approx(30.0, abs=0.5)

    play(story)


def test_given_nothing_but_lost_replies_when_the_end_of_a_run_is_asked_for_then_it_ends_at_the_limit(play: Any) -> None:
    async def story(stage: Any) -> None:
        stage.observatory.put(NAME, Ending(stage, 1e6, 1e6).ask)
        with pytest.raises(LostReplyError, match="could not be reached"):
            await stage.observatory.sequencer(TOP).query_final("run", timedelta(seconds=40))
        assert stage.now == pytest.approx(40.0, abs=0.5)

    play(story)


def test_given_no_time_at_all_when_the_end_of_a_run_is_asked_for_then_who_does_not_know_it_yet_says_so_at_once(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        stage.observatory.put(NAME, Ending(stage, 100.0, 0.0).ask)
        stage.observatory.put("ESW.test-Assembly", Ending(stage, 100.0, 0.0).ask)
        for asked in (stage.observatory.sequencer(TOP), stage.observatory.assembly("ESW.test")):
            with pytest.raises(UnreachableError, match="has no final response"):
                await asked.query_final("run", timedelta(0))
        assert stage.now < 1.0

    play(story)
