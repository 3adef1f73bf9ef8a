"""The observe events of an observation, through a gateway whose connections break; no Ray."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from ocs_ray.cli import event_feed
from ocs_ray.cli.event_feed import EventFeed
from ocs_ray.client.http import HttpPort
from ocs_ray.gateway.app import create_app
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.port import use_port
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

OPEN = GatewaySettings(access=AccessSettings(open_on_loopback=True))
URL = "http://127.0.0.1:8090"


class Breaking(httpx.AsyncBaseTransport):
    """Breaks the first pull of events before it gets anywhere."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner, self.pulls = inner, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.pulls += (is_pull := b"NextEvents" in await request.aread())
        if is_pull and self.pulls == 1:
            raise httpx.ReadError("the gateway was restarted")
        return await self._inner.handle_async_request(request)


def test_given_a_connection_that_breaks_when_events_are_followed_then_it_is_logged_and_the_later_ones_come(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_feed, "AGAIN_S", 0.01)
    seen: list[str] = []

    async def story() -> None:
        async with LocalObservatory() as observatory:
            transport = Breaking(httpx.ASGITransport(create_app(OPEN, observatory)))
            port = HttpPort(URL, transport=transport)
            use_port(port)
            async with EventFeed(lambda event: seen.append(event.event_name)).open():
                await until(lambda: transport.pulls == 2, within_s=5)
                exposed = ObserveEvent(
                    "IRIS.imager",
                    "ObserveEvent.ExposureStart",
                    event_id="1",
                    event_time=UTCTime("2026-11-28T09:00:00Z"),
                )
                await observatory.events().publish(exposed)
                await until(lambda: seen == ["ObserveEvent.ExposureStart"], within_s=5)
            await port.aclose()

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert "events may be missing: gave no answer" in caplog.text
