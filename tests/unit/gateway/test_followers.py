"""Those who follow the same thing share one look at it; no Ray."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import httpx
import pytest

from ocs_ray.errors import UnreachableError
from ocs_ray.gateway.broadcasts import Broadcast, Broadcasts
from ocs_ray.gateway.esw import name_watch
from ocs_ray.gateway.esw.location_book import LocationBook
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.locations import Connection, ConnectionType, LocationRemoved, LocationUpdated
from ocs_ray.models.manager_replies import ManagerStatus
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.testing.waiting import until

from .played_gateway import PlayedPort
from .test_api import events
from .test_api_of_observatory import Played
from .web_floor import served, web

MANY = 30
WHEEL = Connection(Prefix("IRIS.wheel"), ComponentType.HCD, ConnectionType.pekko)
NAME = actor_name("IRIS.wheel", ComponentType.HCD)


class Watched(PlayedPort):
    """Knows on which threads its names were looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[int] = []

    def names(self) -> list[str]:
        self.looks.append(threading.get_ident())
        return list(self.components)


def test_given_many_who_follow_a_location_when_it_comes_and_goes_then_one_look_serves_all_and_not_on_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_watch, "LOOK_S", 0.02)
    port = Watched()
    book = LocationBook(port, "http://127.0.0.1:8090")

    async def story() -> None:
        told: Counter[type] = Counter()

        async def follow() -> None:
            async with aclosing(book.track(WHEEL)) as news:
                async for event in news:
                    told[type(event)] += 1

        followers = [asyncio.create_task(follow()) for _ in range(MANY)]
        await until(lambda: len(port.looks) == 5, within_s=5)
        for components, kind in (([NAME], LocationUpdated), ([], LocationRemoved)):
            told.clear()
            port.components, before = components, len(port.looks)
            await until(lambda kind=kind: told == {kind: MANY}, within_s=5)
            assert len(port.looks) - before < MANY
        assert threading.get_ident() not in port.looks
        for each in followers:
            each.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        seen = len(port.looks)
        await asyncio.sleep(0.1)
        assert len(port.looks) <= seen + 1  # nobody follows: nobody looks, but for the one under way

    asyncio.run(story())


def test_given_many_who_wait_for_a_location_when_it_comes_then_one_look_served_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_watch, "LOOK_S", 0.02)
    port = Watched()
    book = LocationBook(port, "http://127.0.0.1:8090")

    async def story() -> None:
        waiting = [asyncio.create_task(book.resolve(WHEEL, 10)) for _ in range(MANY)]
        await until(lambda: len(port.looks) >= MANY + 10, within_s=5)  # each looked once itself, for a quick answer
        before = len(port.looks)
        port.components = [NAME]
        found = await asyncio.gather(*waiting)
        assert {location.connection for location in found if location} == {WHEEL}
        assert len(port.looks) - before <= 2

    asyncio.run(story())


def _status(*running: ObsMode) -> ManagerStatus:
    return ManagerStatus(state="Idle", agents=(), silent_agents=(), running_obs_modes=running, pid=1)


def test_given_many_who_follow_the_observatory_when_it_changes_then_all_are_told_and_the_manager_is_asked_as_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocs_ray.gateway.api.obs_modes.LOOK_S", 0.1)
    path = "/api/v1/observatory/events"

    async def story() -> None:
        async with web(tmp_path) as here, served(here.app) as url, httpx.AsyncClient(base_url=url) as http:
            manager = Played(GetManagerStatus=_status())
            here.observatory.put(SEQUENCE_MANAGER, manager)
            async with AsyncExitStack() as stack:
                streams = [
                    events(await stack.enter_async_context(http.stream("GET", path, timeout=10))) for _ in range(MANY)
                ]
                for stream in streams:
                    await stack.enter_async_context(aclosing(stream))
                assert {(await anext(stream))["event"] for stream in streams} == {"observatory"}
                before = len(manager.asked)
                await asyncio.sleep(0.5)
                assert 2 <= len(manager.asked) - before <= 8
                manager.replies["GetManagerStatus"] = _status(ObsMode("IRIS_IFS"))
                told = [(await anext(stream))["data"]["running_obs_modes"] for stream in streams]
                assert told == [["IRIS_IFS"]] * MANY
            asked = len(manager.asked)
            await asyncio.sleep(0.5)
            assert len(manager.asked) <= asked + 2  # all have left

    asyncio.run(story())


def test_given_a_look_that_fails_when_many_share_it_then_each_is_told_and_the_next_one_looks_anew() -> None:
    looks: list[str] = []

    async def look(key: str, broadcast: Broadcast[int]) -> None:
        looks.append(key)
        broadcast.publish(len(looks))
        await asyncio.sleep(0.01)
        raise UnreachableError(name=key, reason="died", remedy="")

    async def story() -> None:
        broadcasts = Broadcasts[str, int](look)

        async def follow() -> list[int | None]:
            seen: list[int | None] = []
            with pytest.raises(UnreachableError):
                seen.extend([each async for each in broadcasts.follow("a")])
            return seen

        await asyncio.gather(*(follow() for _ in range(5)))
        assert looks == ["a"]
        async with aclosing(broadcasts.follow("a")) as again:
            assert await anext(again) == 2
        assert looks == ["a", "a"]

    asyncio.run(story())


def test_given_nothing_new_when_a_follower_wants_to_know_that_too_then_it_is_told_after_that_time() -> None:
    async def look(_: None, broadcast: Broadcast[int]) -> None:
        broadcast.publish(7)
        broadcast.publish(7)
        await asyncio.Event().wait()

    async def story() -> None:
        async with aclosing(Broadcasts[None, int](look).follow(None, 0.01)) as seen:
            assert [await anext(seen) for _ in range(3)] == [7, None, None]

    asyncio.run(story())
