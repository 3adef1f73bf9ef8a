"""Publishing, getting and following events. Source: reference esw_sequencer.md 2.9."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import NextEvents, Unsubscribe
from ocs_ray.models.keys import int_key
from ocs_ray.models.observe_events import fields_of
from ocs_ray.scripting import CoordinateSystem, Event, EventKey, ExposureId, ObserveEventName, ObsId

N = int_key("n")
A, B, NEVER = EventKey("TCS.test", "a"), EventKey("TCS.test", "b"), EventKey("TCS.test", "never")
OBS_ID, EXPOSURE_ID = ObsId("2027A-001-001"), ExposureId("2027A-001-001-WFOS-IMG-SCI1-0001")
FIELDS: dict[str, Any] = {
    "exposure_id": EXPOSURE_ID,
    "filename": "/data/1.fits",
    "reason": "clouds",
    "coordinate_system": CoordinateSystem.XY,
    "p": 1.0,
    "q": 2.0,
}


def test_given_events_of_two_keys_when_followed_then_they_come_one_at_a_time_until_cancelled(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[int] = []
        inside = [0]
        await stage.publish("a", N.set(1))

        @stage.ctx.on_event(A, B)
        async def changed(event: Event) -> None:
            inside[0] += 1
            assert inside[0] == 1
            await asyncio.sleep(0.3)
            seen.append(event[N].head())
            inside[0] -= 1

        await asyncio.sleep(0.1)
        for n in (2, 3):
            await stage.publish("b", N.set(n))
        await asyncio.sleep(2)
        assert seen == [1, 2, 3]
        changed.cancel()
        await changed.join()
        await stage.publish("a", N.set(4))
        await asyncio.sleep(1)
        assert seen == [1, 2, 3]

    play(story)


def test_given_a_callback_that_fails_then_the_script_is_told_and_the_next_event_comes_all_the_same(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)

        @stage.ctx.on_event(A)
        async def changed(event: Event) -> None:
            raise ValueError(f"cannot take {event[N].head()}")

        await asyncio.sleep(1)
        for n in (1, 2):
            await stage.publish("a", N.set(n))
        await asyncio.sleep(1)
        assert stage.errors == ["cannot take 1", "cannot take 2"]

    play(story)


def test_given_a_callback_that_cancels_its_own_subscription_then_it_runs_to_its_end_and_is_the_last(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[int] = []

        @stage.ctx.on_event(A)
        async def changed(event: Event) -> None:
            changed.cancel()
            await asyncio.sleep(0.1)
            seen.append(event[N].head())

        await asyncio.sleep(1)
        for n in (1, 2):
            await stage.publish("a", N.set(n))
        await asyncio.sleep(1)
        assert seen == [1]

    play(story)


def test_given_a_rate_then_the_latest_event_comes_in_that_rhythm_and_again_when_nothing_is_new(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[int] = []

        @stage.ctx.on_event(A, every=timedelta(seconds=1))
        async def look(event: Event) -> None:
            seen.append(event[N].head())

        await asyncio.sleep(0.5)
        for n in range(1, 6):
            await stage.publish("a", N.set(n))
        await asyncio.sleep(3)
        assert seen == [5, 5, 5]
        look.cancel()
        await asyncio.sleep(3)
        assert seen == [5, 5, 5]

    play(story)


def test_given_a_rate_and_two_keys_when_the_callback_fails_on_one_then_the_other_comes_all_the_same(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        seen: list[str] = []

        @stage.ctx.on_event(A, B, every=timedelta(seconds=1))
        async def look(event: Event) -> None:
            seen.append(event.event_name)
            if event.event_name == "a":
                raise ValueError("no a, please")
            look.cancel()

        await stage.publish("a", N.set(1))
        await stage.publish("b", N.set(1))
        await asyncio.sleep(3)
        assert seen == ["a", "b"]
        assert stage.errors == ["no a, please"]

    play(story)


def test_given_an_event_service_that_is_silent_for_a_while_then_the_script_is_told_once_and_events_come_again(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        seen: list[int] = []
        service: Callable[[object], Awaitable[Any]] = stage.observatory._components[EVENT_SERVICE]
        silent = [False]

        async def sometimes(message: object) -> Any:
            if silent[0] and isinstance(message, NextEvents):
                raise UnreachableError(name="event service", reason="died", remedy="")
            return await service(message)

        stage.observatory.put(EVENT_SERVICE, sometimes)

        @stage.ctx.on_event(A)
        async def changed(event: Event) -> None:
            seen.append(event[N].head())

        silent[0] = True
        await asyncio.sleep(30)
        silent[0] = False
        await asyncio.sleep(5)
        await stage.publish("a", N.set(1))
        await asyncio.sleep(15)
        assert seen == [1]
        assert len(stage.errors) == 1

    play(story)


def test_given_keys_when_asked_for_then_one_gives_an_event_and_several_give_a_tuple_in_their_order(play: Any) -> None:
    async def story(stage: Any) -> None:
        for name, n in (("a", 1), ("b", 2)):
            await stage.publish(name, N.set(n))
        one = await stage.ctx.get_event(A)
        assert one[N].head() == 1
        several = await stage.ctx.get_event(B, NEVER, A)
        assert [event and event[N].head() for event in several] == [2, None, 1]
        assert await stage.ctx.get_event(NEVER) is None

    play(story)


def test_given_a_name_or_an_event_when_published_then_it_carries_this_sequencer_s_name(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.ctx.publish_event("moved", N.set(1))
        await stage.ctx.publish_event(stage.ctx.system_event("moved", N.set(2)))
        assert [(str(e.event_key), e[N].head()) for e in stage.published] == [
            ("IRIS.IRIS_ImagerOnly.moved", 1),
            ("IRIS.IRIS_ImagerOnly.moved", 2),
        ]

    play(story)


def test_given_a_maker_of_events_then_they_are_published_in_its_rhythm_and_none_is_left_out(play: Any) -> None:
    async def story(stage: Any) -> None:
        turns = [0]

        @stage.ctx.publish_event_every(timedelta(seconds=1))
        async def position() -> Event | None:
            turns[0] += 1
            return stage.ctx.system_event("position", N.set(turns[0])) if turns[0] % 2 else None

        await asyncio.sleep(4.5)
        position.cancel()
        await asyncio.sleep(4)
        assert [event[N].head() for event in stage.published] == [1, 3, 5]

    play(story)


@pytest.mark.parametrize("name", ObserveEventName)
def test_given_an_observe_event_then_it_has_a_method_that_publishes_it(name: ObserveEventName, play: Any) -> None:
    method = "".join(f"_{c.lower()}" if c.isupper() else c for c in name.value.removeprefix("ObserveEvent."))[1:]
    fields = fields_of(name)

    async def story(stage: Any) -> None:
        arguments = {field: FIELDS[field] for field in fields if field != "obs_id"}
        if "obs_id" in fields:
            arguments["obs_id"] = OBS_ID
        await getattr(stage.ctx.observe_events, method)(**arguments)
        await stage.ctx.publish_observe_event(
            name, arguments.get("obs_id"), **{k: v for k, v in arguments.items() if k != "obs_id"}
        )
        one, other = stage.observatory.published
        assert (one.event_name, one.param_set) == (name.value, other.param_set)
        assert len(one.param_set) == len(fields)

    play(story)


def test_given_a_condition_on_an_event_then_the_latest_one_counts_and_waiting_has_a_limit(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.publish("a", N.set(3))
        found = await stage.ctx.wait_for_event(A, lambda event: event[N].head() > 2)
        assert found[N].head() == 3
        with pytest.raises(UnreachableError, match="did not reach the expected value within 5 s"):
            await stage.ctx.wait_for_event(A, lambda event: event[N].head() > 3, 5.0)

    play(story)


def test_given_an_interval_of_nothing_then_it_is_refused(play: Any) -> None:
    async def story(stage: Any) -> None:
        with pytest.raises(BadInputError, match="is no interval"):
            stage.ctx.publish_event_every(timedelta())(None)

    play(story)


def test_given_a_subscription_that_stands_when_something_is_published_then_it_comes_and_leave_is_taken_once(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        events = stage.observatory.events()
        async with events.subscription(patterns=("*.a",)) as subscribed:
            await stage.publish("a", N.set(1))
            async with aclosing(subscribed.events()) as stream:
                assert (await anext(stream))[N].head() == 1
            await subscribed.close()
        assert [type(sent.message) for sent in stage.observatory.sent].count(Unsubscribe) == 1

        async with events.subscription(A) as forgotten:
            forgotten.forget()  # as when the service is known to be gone: nothing is asked any more
        assert [type(sent.message) for sent in stage.observatory.sent].count(Unsubscribe) == 1

    play(story)
