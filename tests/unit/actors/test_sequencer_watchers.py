"""Many subscribers of one sequencer: nobody else waits for their answers."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from ocs_ray.actors.sequencer_watchers import AT_ONCE, SequencerWatchers
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.step_list import StepList
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.testing.local_observatory import LocalObservatory

WATCHERS, STEPS = 200, 2_000
SEQUENCE = Sequence.of(*(Setup("ESW.test", "go") for _ in range(STEPS)))
IDS = tuple(f"s{n}" for n in range(STEPS))


class Watched:
    """A sequencer, its subscribers, and in which order what was answered."""

    def __init__(self) -> None:
        self.core = SequencerCore()
        self.watchers = SequencerWatchers(self.core)
        self.answered: list[str] = []

    async def watch(self) -> object:
        news = await self.watchers.watch(self.core.log.version, 10)
        self.answered.append("watcher")
        return news

    async def ask(self) -> None:
        """Other messages, one after the other."""
        while self.answered.count("watcher") < WATCHERS:
            await asyncio.sleep(0)
            self.answered.append("other")


def test_given_many_watchers_of_many_steps_when_loaded_then_the_steps_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views: list[int] = []
    view = StepList.view

    def counted(self: StepList) -> object:
        views.append(len(self))
        return view(self)

    monkeypatch.setattr(StepList, "view", counted)

    async def story() -> None:
        it = Watched()
        watching = [asyncio.create_task(it.watch()) for _ in range(WATCHERS)]
        await asyncio.sleep(0)
        it.core.handle(ev.Load(1, SEQUENCE, IDS), 0.0)
        it.watchers.tell()
        news = await asyncio.gather(*watching)
        assert len({id(one) for one in news}) == 1
        assert views == [STEPS]

    asyncio.run(story())


def test_given_many_watchers_when_something_changes_then_other_messages_have_their_turn_between_their_answers() -> None:
    async def story() -> None:
        it = Watched()
        watching = [asyncio.create_task(it.watch()) for _ in range(WATCHERS)]
        await asyncio.sleep(0)
        it.core.handle(ev.Load(1, SEQUENCE, IDS), 0.0)
        it.watchers.tell()
        await asyncio.gather(it.ask(), *watching)
        in_a_row = "".join("w" if one == "watcher" else " " for one in it.answered).split()
        assert max(map(len, in_a_row)) <= AT_ONCE

    asyncio.run(story())


def test_given_watchers_half_told_when_something_changes_again_then_all_learn_of_the_last_change() -> None:
    async def story() -> None:
        it = Watched()
        watching = [asyncio.create_task(it.watch()) for _ in range(WATCHERS)]
        await asyncio.sleep(0)
        for _ in range(2):
            it.core.handle(ev.Load(1, SEQUENCE, IDS), 0.0)
            it.watchers.tell()
            again = asyncio.create_task(it.watch())
            for _ in range(5):
                await asyncio.sleep(0)
        assert 0 < len(it.answered) < WATCHERS
        news = await asyncio.gather(*watching)
        assert it.core.log.version in {getattr(one, "version", 0) for one in news}
        assert not again.done()
        again.cancel()

    asyncio.run(story())


def test_given_a_quiet_sequencer_when_watchers_come_and_go_then_nothing_is_kept_of_them() -> None:
    async def story() -> None:
        core = SequencerCore()
        watchers = SequencerWatchers(core)
        for _ in range(20):
            assert (await watchers.watch(core.log.version, 0.001)).version == core.log.version
        gone = asyncio.create_task(watchers.watch(core.log.version, 10))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert (watchers._waiting, watchers._due) == ({}, type(watchers._due)())

    asyncio.run(story())


def test_given_watchers_of_a_sequencer_when_loaded_then_they_are_told_in_one_message_for_all() -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_sequencer("ESW.mode", None, "")
            sequencer = observatory.sequencer("ESW.mode")
            known = await sequencer.snapshot()
            watching = [asyncio.create_task(sequencer.watch(known.version)) for _ in range(20)]
            await asyncio.sleep(0)
            assert await sequencer.load(SEQUENCE) == Ok()
            news = await asyncio.gather(*watching)
            assert len({id(one) for one in news}) == 1
            assert len({pickle.dumps(one) for one in news}) == 1

    asyncio.run(story())
