"""Who hangs up leaves nothing behind, nobody waits for everything, and no event is lost in silence; no Ray."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ocs_ray.client import Events
from ocs_ray.client.http import HttpPort
from ocs_ray.core import waiting_messages
from ocs_ray.core.access_rules import is_read
from ocs_ray.errors import LostReplyError
from ocs_ray.gateway.app import create_app
from ocs_ray.models.access_settings import AccessSettings, LimitSettings
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import NextEvents, Subscribe
from ocs_ray.models.events import EventKey, SystemEvent
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.message_kinds import MESSAGES
from ocs_ray.models.responses import Started
from ocs_ray.models.times import UTCTime
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

from .asgi_client import Reply, post, request
from .web_floor import URL, served

PREFIX = "ESW.Dark"
DOOR = "/api/v1/messages"
SEQUENCER = f"{PREFIX}-Sequencer"
NOBODY = {"prefix": "IRIS.nobody", "componentType": "HCD", "connectionType": "pekko"}
SETUP = {"_type": "Setup", "source": "ESW.night", "commandName": "preset", "paramSet": []}
KEY = EventKey("ESW.laptop", "weather")
Story = Callable[[FastAPI, "Counted"], Awaitable[None]]


class Counted(LocalObservatory):
    """An observatory that counts looks at its names."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def names(self) -> list[str]:
        self.looks += 1
        return super().names()


class Silent:
    """Answers nothing, and knows who still waits."""

    def __init__(self) -> None:
        self.waiting = self.asked = 0

    async def __call__(self, message: object) -> None:
        self.waiting, self.asked = self.waiting + 1, self.asked + 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1


def play(story: Story, waits: int = 500) -> None:
    limits = LimitSettings(waits=waits)
    settings = GatewaySettings(access=AccessSettings(open_on_loopback=True, limits=limits))

    async def whole() -> None:
        async with Counted() as observatory:
            await observatory.start_sequencer(PREFIX, None, ".")
            await story(create_app(settings, observatory), observatory)

    asyncio.run(whole())


def resolve(within: str) -> dict[str, Any]:
    return {"_type": "Resolve", "connection": NOBODY, "within": within}


async def left_alone(asked: list[asyncio.Task[Reply]], left: asyncio.Event) -> None:
    """All clients hang up, and their requests end."""
    left.set()
    async with asyncio.timeout(5):
        assert {reply.status for reply in await asyncio.gather(*asked)} == {499}


def test_given_many_who_wait_for_a_location_when_they_hang_up_then_nobody_looks_for_it_any_more() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        left = asyncio.Event()
        asked = [asyncio.create_task(post(app, resolve("1000000 days"), left=left)) for _ in range(200)]
        await until(lambda: observatory.looks > 200, within_s=5)
        await left_alone(asked, left)
        seen = observatory.looks
        await asyncio.sleep(0.6)  # more than two rhythms
        assert observatory.looks == seen

    play(story)


def test_given_a_real_connection_when_it_is_closed_then_what_waited_for_it_ends() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        silent = Silent()
        observatory.put(SEQUENCER, silent)
        async with served(app) as url:
            async with httpx.AsyncClient(base_url=url) as http:
                paths = [f"{DOOR}/{SEQUENCER}?timeout_s=39600"] * 3
                asked = [asyncio.create_task(http.post(path, json={"kind": "AwaitEnd"})) for path in paths]
                await until(lambda: silent.waiting == 3, within_s=5)
                for each in asked:
                    each.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
            await until(lambda: silent.waiting == 0, within_s=5)

    play(story)


def test_given_a_location_that_never_comes_when_it_is_waited_for_for_ever_then_the_answer_is_nothing_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ocs_ray.gateway.esw import location_book

    assert location_book.LONGEST_WAIT_S == 120  # as long as ESW's clients: reference esw_sm 9
    monkeypatch.setattr(location_book, "LONGEST_WAIT_S", 0.05)

    async def story(app: FastAPI, _: Counted) -> None:
        async with asyncio.timeout(5):
            reply = await post(app, resolve("1000000 days"))
        assert (reply.status, reply.json) == (200, [])

    play(story)


@pytest.mark.parametrize("sent", [{"kind": "AwaitEnd"}, {"kind": "QueryFinal", "run_id": "1"}])
def test_given_a_wait_of_hours_when_its_client_hangs_up_then_it_ends(sent: dict[str, Any]) -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        silent, left = Silent(), asyncio.Event()
        observatory.put(SEQUENCER, silent)
        path = f"{DOOR}/{SEQUENCER}?timeout_s=39600"
        asked = [asyncio.create_task(post(app, sent, path, left=left)) for _ in range(5)]
        await until(lambda: silent.waiting == 5, within_s=5)
        await left_alone(asked, left)
        assert silent.waiting == 0

    play(story)


def test_given_the_end_of_a_run_is_waited_for_when_the_client_hangs_up_then_the_wait_ends() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        left, base = asyncio.Event(), f"/api/v1/sequencers/{PREFIX}"
        await post(app, [SETUP], f"{base}/runs")
        run = (await observatory.sequencer(PREFIX).runs())[0]
        unfinished_run, silent = run.model_copy(update={"response": Started(run.run_id)}), Silent()

        async def unfinished(message: Any) -> Any:
            if message.kind == "GetRuns":
                return (unfinished_run,)
            return await silent(message)

        observatory.put(SEQUENCER, unfinished)
        path = f"{base}/runs/{run.run_id}/response?wait_s=300"
        asked = [asyncio.create_task(request(app, "GET", path, left=left))]
        await until(lambda: silent.waiting == 1, within_s=5)
        await left_alone(asked, left)
        assert silent.waiting == 0

    play(story)


def test_given_a_change_that_takes_its_time_when_the_client_hangs_up_then_it_is_carried_out_all_the_same() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        silent, left = Silent(), asyncio.Event()
        observatory.put(SEQUENCER, silent)
        asked = asyncio.create_task(post(app, {"kind": "Stop"}, f"{DOOR}/{SEQUENCER}?timeout_s=1", left=left))
        await until(lambda: silent.waiting == 1, within_s=5)
        left.set()
        await asyncio.sleep(0.1)
        assert silent.waiting == 1
        assert (await asked).status == 504

    play(story)


def test_given_a_wait_with_a_key_when_its_client_hung_up_then_a_repeat_waits_anew() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        silent, left, key = Silent(), asyncio.Event(), {"idempotency_key": "1"}
        observatory.put(SEQUENCER, silent)
        for asked in (1, 2):
            left.clear()
            one = asyncio.create_task(post(app, {"kind": "AwaitEnd"}, f"{DOOR}/{SEQUENCER}", left=left, **key))
            await until(lambda asked=asked: silent.asked == asked, within_s=5)
            await left_alone([one], left)

    play(story)


def test_given_a_caller_who_waits_for_too_much_when_he_asks_for_more_then_429_until_a_place_is_free() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        silent, left = Silent(), asyncio.Event()
        observatory.put(SEQUENCER, silent)
        path, sent = f"{DOOR}/{SEQUENCER}", {"kind": "AwaitEnd"}
        asked = [asyncio.create_task(post(app, sent, path, left=left)) for _ in range(3)]
        await until(lambda: silent.waiting == 3, within_s=5)
        refused = await post(app, sent, path)
        said = json.loads(refused.body)
        assert (refused.status, said["type"]) == (429, "/api/v1/problems/too-many-requests")
        assert refused.headers["retry-after"] == "1"
        assert "3 requests of this caller wait already" in said["detail"]
        in_words_of_esw = await post(app, resolve("10 seconds"))
        assert (in_words_of_esw.status, "wait already" in in_words_of_esw.text) == (429, True)
        assert (await post(app, {"_type": "ListEntries"})).status == 200  # what does not wait is let through
        await left_alone(asked, left)
        assert (await post(app, resolve("1 milliseconds"))).status == 200

    play(story, waits=3)


def test_given_the_table_of_waits_when_compared_with_the_messages_then_every_read_with_a_time_limit_is_in_it() -> None:
    limited = {
        kind
        for kind, message in MESSAGES.items()
        if is_read(kind) and {"timeout_s", "wait_s"} & set(message.model_fields)
    }
    assert limited | {"AwaitEnd"} == waiting_messages.WAITS  # AwaitEnd waits without a limit
    assert all(map(is_read, waiting_messages.WAITS | waiting_messages.TAKES))


# -- events ----------------------------------------------------------------------------------------------------------


def weather(number: int) -> SystemEvent:
    return SystemEvent(KEY.source, KEY.event_name, event_id=str(number), event_time=UTCTime("2026-11-28T09:00:00Z"))


def test_given_a_subscriber_who_hung_up_in_the_middle_of_a_wait_when_he_asks_again_then_no_event_is_missing() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        left = asyncio.Event()
        await observatory.ask(EVENT_SERVICE, Subscribe(subscription_id="s", keys=(KEY,)), 5)
        path, sent = f"{DOOR}/{EVENT_SERVICE}", {"kind": "NextEvents", "subscription_id": "s", "timeout_s": 30}
        before = len(observatory.sent)
        asked = asyncio.create_task(post(app, sent, f"{path}?timeout_s=40", left=left))
        await until(lambda: len(observatory.sent) > before, within_s=5)
        await left_alone([asked], left)
        await observatory.events().publish(weather(1))
        batch = await observatory.ask(EVENT_SERVICE, NextEvents(subscription_id="s", timeout_s=1), 5)
        assert [event.event_id for event in batch.events] == ["1"]

    play(story)


class Breaking(httpx.AsyncBaseTransport):
    """Carries every request, and loses the replies that hold events."""

    def __init__(self, app: FastAPI) -> None:
        self.inner, self.pulls = httpx.ASGITransport(app), 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        if b"NextEvents" in await request.aread():
            self.pulls += 1
            raise httpx.ReadError("the cable was pulled")
        return response


def test_given_a_connection_that_breaks_when_it_carried_events_then_the_subscriber_is_told_that_they_are_lost() -> None:
    async def story(app: FastAPI, observatory: Counted) -> None:
        transport = Breaking(app)
        port = HttpPort(URL, transport=transport)
        await observatory.events().publish(weather(1))
        events = Events("ESW.laptop", port).subscribe(KEY)
        with pytest.raises(LostReplyError, match="the cable was pulled") as lost:
            await anext(events)
        assert "subscribe again" in lost.value.remedy
        assert transport.pulls == 1  # a second one would get nothing, and nobody would know
        await port.aclose()

    play(story)
