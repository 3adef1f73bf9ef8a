"""Variables that refresh state machines. Numbers are cases of reference esw_sequencer.md, section 9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.models.event_messages import Subscribe, Unsubscribe
from ocs_ray.models.events import SystemEvent
from ocs_ray.models.keys import int_key
from ocs_ray.scripting import CommandFlag, EventKey, Fsm, FsmState, utc_time_now

LEVEL = int_key("level")
KEY = EventKey("TCS.test", "level")
EVERY = timedelta(seconds=1)


async def counting(stage: Any, name: str, turns: list[str]) -> Fsm:
    fsm: Fsm = stage.ctx.fsm(name, "A")

    @fsm.state("A")
    async def a(state: FsmState) -> None:
        turns.append(name)

    await fsm.start()
    turns.clear()
    return fsm


def subscriptions(stage: Any) -> int:
    sent = [message for _, message in stage.observatory.sent]
    return sum(isinstance(m, Subscribe) for m in sent) - sum(isinstance(m, Unsubscribe) for m in sent)


def test_given_a_machine_that_has_completed_when_bound_then_nothing_is_followed_for_it(play: Any) -> None:
    async def story(stage: Any) -> None:
        machine = await counting(stage, "one", [])
        machine.complete()
        variable = await stage.ctx.event_variable(KEY)
        variable.bind(machine).cancel()
        binding = variable.bind(machine)
        await asyncio.sleep(1)
        assert (variable.is_looking, subscriptions(stage)) == (False, 0)
        binding.cancel()

    play(story)


def test_78_given_a_variable_bound_to_two_machines_when_one_binding_is_cut_then_it_still_looks_until_both_are(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        turns: list[str] = []
        one, other = await counting(stage, "one", turns), await counting(stage, "other", turns)
        variable = await stage.ctx.event_variable(KEY)
        assert subscriptions(stage) == 0
        bindings = [variable.bind(one), variable.bind(other)]
        await asyncio.sleep(1)
        assert subscriptions(stage) == 1
        await stage.publish("level", LEVEL.set(1))
        await asyncio.sleep(1)
        assert sorted(turns) == ["one", "other"]
        bindings[0].cancel()
        bindings[0].cancel()
        await stage.publish("level", LEVEL.set(2))
        await asyncio.sleep(1)
        assert turns[2:] == ["other"]
        other.complete()
        await asyncio.sleep(1)
        assert (subscriptions(stage), variable.is_looking) == (0, False)
        assert variable.event is not None
        assert variable.event[LEVEL].head() == 2

    play(story)


def test_78_given_a_variable_that_polls_when_the_event_stays_then_nothing_is_refreshed(play: Any) -> None:
    async def story(stage: Any) -> None:
        turns: list[str] = []
        fsm = await counting(stage, "one", turns)
        await stage.publish("level", LEVEL.set(1))
        variable = await stage.ctx.event_variable(KEY, EVERY)
        assert variable.event is not None
        binding = variable.bind(fsm)
        await asyncio.sleep(5.5)
        assert turns == []
        await stage.publish("level", LEVEL.set(1))  # the same value is another event all the same
        await asyncio.sleep(5)
        assert turns == ["one"]
        binding.cancel()
        await stage.publish("level", LEVEL.set(2))
        await asyncio.sleep(5)
        assert (turns, subscriptions(stage)) == (["one"], 0)

    play(story)


def test_given_an_event_that_only_says_that_there_is_none_then_it_is_ignored(play: Any) -> None:
    async def story(stage: Any) -> None:
        turns: list[str] = []
        fsm = await counting(stage, "one", turns)
        variable = await stage.ctx.event_variable(KEY)
        assert variable.event is None
        variable.bind(fsm)
        await stage.observatory.events().publish(
            SystemEvent(KEY.source, KEY.event_name, event_id="-1", event_time=utc_time_now())
        )
        await asyncio.sleep(1)
        assert (turns, variable.event) == ([], None)

    play(story)


@pytest.mark.parametrize("every", [None, EVERY])
def test_given_a_parameter_variable_when_made_and_set_then_its_event_is_published_and_machines_are_refreshed(
    every: timedelta | None, play: Any
) -> None:
    async def story(stage: Any) -> None:
        turns: list[str] = []
        fsm = await counting(stage, "one", turns)
        level = await stage.ctx.param_variable(5, KEY, LEVEL, every)
        assert [event[LEVEL].values for event in stage.published] == [(5,)]
        assert (level.first(), level.values(), level.get_param()) == (5, (5,), LEVEL.set(5))
        level.bind(fsm)
        await asyncio.sleep(2)
        turns.clear()
        await level.set_param(6, 7)
        assert level.values() == (6, 7)
        await stage.publish("level", LEVEL.set(8))
        await asyncio.sleep(2)
        assert level.first() == 8
        assert "one" in turns

    play(story)


def test_given_an_event_without_the_parameter_then_the_variable_keeps_its_value(play: Any) -> None:
    async def story(stage: Any) -> None:
        fsm = await counting(stage, "one", [])
        level = await stage.ctx.param_variable(5, KEY, LEVEL)
        level.bind(fsm)
        await stage.publish("level")
        await asyncio.sleep(1)
        assert level.first() == 5

    play(story)


def test_given_a_flag_bound_to_machines_when_set_then_all_are_refreshed_and_see_its_value(play: Any) -> None:
    async def story(stage: Any) -> None:
        turns: list[str] = []
        one, other = await counting(stage, "one", turns), await counting(stage, "other", turns)
        flag = CommandFlag()
        binding = flag.bind(one)
        flag.bind(other)
        await flag.set(LEVEL.set(1))
        assert (turns, flag.value[LEVEL].head()) == (["one", "other"], 1)
        binding.cancel()
        await flag.set()
        assert (turns[2:], LEVEL in flag.value) == (["other"], False)

    play(story)
