from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocs_ray.client import Alarms, Events, Locations, Sequencer
from ocs_ray.client.http import HttpPort
from ocs_ray.client.http.connection import read_token
from ocs_ray.errors import BadInputError, ClusterError, CommandError, LostReplyError, UnreachableError
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.events import EventKey, SystemEvent
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.responses import Completed
from ocs_ray.models.sequencer_messages import GetStatus, SequencerState, Stop
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.models.times import UTCTime

from .web_floor import SEQUENCER, served, web

BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == "ray" or name.startswith("ray."):
            raise ImportError("Ray is not here")
sys.meta_path.insert(0, Block())
"""


def _weather() -> SystemEvent:
    return SystemEvent("ESW.laptop", "weather", event_id="1", event_time=UTCTime("2026-11-28T09:00:00Z"))


QUICK = Sequence.of(Setup("ESW.night", "quick"))


def test_given_no_ray_when_the_client_is_imported_then_it_works() -> None:
    code = BLOCKED + (
        "from ocs_ray.client.http import connect, HttpPort\n"
        "from ocs_ray.client import Agent, Alarms, Events, Instance, Locations, Packages, SequenceManager, Sequencer\n"
        "HttpPort('http://127.0.0.1:1')\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'ray']\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_given_the_same_classes_when_they_go_over_http_then_they_answer_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        async with web(tmp_path) as here:
            far, near = Sequencer.at(SEQUENCER, port=here.port()), here.observatory.sequencer(SEQUENCER)
            response = await far.submit_and_wait(QUICK)
            assert isinstance(response, Completed)
            assert await far.status() == await near.status()
            assert await far.runs() == await near.runs()
            assert await far.snapshot() == await near.snapshot()
            assert await far.sequence() == await near.sequence()
            assert await far.state() is SequencerState.IDLE
            assert type(await far.sequence_component()) is type(await near.sequence_component())
            assert isinstance(await far.stop(), Unhandled)
            assert await far.procedure_state() == await near.procedure_state()
            await far.port.aclose()

    asyncio.run(story())


def test_given_a_failing_step_when_it_is_asked_over_http_then_the_same_error_is_raised(tmp_path: Path) -> None:
    async def story() -> None:
        async with web(tmp_path) as here:
            port = here.port()
            with pytest.raises(CommandError) as failed:
                await Sequencer.at(SEQUENCER, port=port).submit_and_wait(Sequence.of(Setup("ESW.night", "fail")))
            assert "the wheel is stuck" in failed.value.reason
            with pytest.raises(UnreachableError, match=r"ESW\.nobody-Sequencer"):
                await Sequencer.at("ESW.nobody", port=port).status()
            with pytest.raises(BadInputError, match="does not understand"):
                await port.ask("CSW.event_service-Service", Stop(), 1)
            await port.aclose()

    asyncio.run(story())


def test_given_services_when_events_alarms_and_locations_go_over_http_then_they_work(tmp_path: Path) -> None:
    async def story() -> None:
        async with web(tmp_path) as here, served(here.app) as url:
            port = HttpPort(url)
            assert await asyncio.to_thread(port.names) == here.observatory.names()
            listed = await asyncio.to_thread(lambda: asyncio.run(Locations(port).list(ComponentType.Sequencer)))
            assert [each.connection.prefix for each in listed] == [SEQUENCER]
            events = Events("ESW.laptop", port)
            await events.publish(event := _weather())
            assert await events.get(EventKey("ESW.laptop", "weather")) == event
            assert (await Alarms(port).summary()).alarms == ()
            await port.aclose()

    asyncio.run(story())


def test_given_a_connection_that_breaks_when_a_request_with_an_id_is_sent_then_it_takes_effect_once(
    tmp_path: Path,
) -> None:
    class Breaking(httpx.AsyncBaseTransport):
        """Carries every request, and loses the first reply to each."""

        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self.inner, self.seen = inner, set[bytes]()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await self.inner.handle_async_request(request)
            body = await request.aread()
            if body not in self.seen:
                self.seen.add(body)
                await response.aclose()
                raise httpx.ReadError("the cable was pulled")
            return response

    async def story() -> None:
        async with web(tmp_path) as here:
            port = HttpPort("http://127.0.0.1:8090", transport=Breaking(httpx.ASGITransport(here.app)))
            await Sequencer.at(SEQUENCER, port=port).submit_and_wait(QUICK)
            assert len(await here.observatory.sequencer(SEQUENCER).runs()) == 1
            await port.aclose()

    asyncio.run(story())


def test_given_a_change_without_an_id_when_its_reply_is_lost_then_it_is_not_repeated() -> None:
    from ocs_ray.client import SequenceManager

    asked: list[Any] = []

    async def lost(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(await request.aread())["kind"])
        raise httpx.ReadError("the cable was pulled")

    async def story() -> None:
        port = HttpPort("http://127.0.0.1:8090", transport=httpx.MockTransport(lost))
        with pytest.raises(LostReplyError, match="the cable was pulled"):
            await SequenceManager(port).shutdown_all_sequencers()
        await port.aclose()

    asyncio.run(story())
    assert asked == ["ShutdownAllSequencers"]


def test_given_too_many_requests_when_the_gateway_says_so_then_the_client_waits_and_asks_again() -> None:
    replies = [
        httpx.Response(429, headers={"Retry-After": "0"}, json={"detail": "too many requests"}),
        httpx.Response(200, json={"reply": {"$type": "sequencer_replies.Ok", "value": {"kind": "Ok", "note": ""}}}),
    ]

    async def story() -> None:
        port = HttpPort("http://127.0.0.1:8090", transport=httpx.MockTransport(lambda request: replies.pop(0)))
        await port.ask("ESW.a-Sequencer", Stop(), 5)
        await port.aclose()

    asyncio.run(story())
    assert replies == []


def test_given_a_component_that_is_silent_when_the_time_is_over_then_the_reply_counts_as_lost(tmp_path: Path) -> None:
    async def silent(message: object) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        async with web(tmp_path) as here:
            here.observatory.put("ESW.mute-Sequencer", silent)
            port = here.port()
            with pytest.raises(LostReplyError, match="did not answer within"):
                await port.ask("ESW.mute-Sequencer", GetStatus(), 0.05)
            await port.aclose()

    asyncio.run(story())


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8090", "ftp://a", "http://", "http://a:b", "http://u:p@a", "http://a?x"]
)
def test_given_no_url_of_a_gateway_when_it_is_used_then_it_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match="no URL of a gateway"):
        HttpPort(url)


def test_given_nobody_at_the_url_when_names_are_asked_then_the_error_says_where() -> None:
    with pytest.raises(ClusterError, match=r"http://127\.0\.0\.1:1 does not answer"):
        HttpPort("http://127.0.0.1:1").check()


def test_given_somebody_else_at_the_url_when_it_is_checked_then_it_is_no_gateway() -> None:
    other = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>"))
    with pytest.raises(ClusterError, match="is no gateway of ocs_ray"):
        HttpPort("http://127.0.0.1:1", names_transport=other).check()


def test_given_a_file_with_a_token_when_it_is_read_then_nothing_but_a_token_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("ocs_abc\n")
    assert read_token(file) == "ocs_abc"
    for bad in ("", "two words", "ocs_\x07", "ocs_ü"):
        file.write_text(bad)
        with pytest.raises(BadInputError, match="this is no token"):
            read_token(file)
    with pytest.raises(BadInputError, match="No such file"):
        read_token(tmp_path / "none")


def test_given_a_long_wait_when_the_response_comes_late_then_it_is_waited_for(tmp_path: Path) -> None:
    async def story() -> None:
        async with web(tmp_path) as here:
            port = here.port()
            far = Sequencer.at(SEQUENCER, port=port)
            started = await far.submit(QUICK)
            final = await far.query_final(started.run_id, timedelta(seconds=20))
            assert final.run_id == started.run_id
            await port.aclose()

    asyncio.run(story())
