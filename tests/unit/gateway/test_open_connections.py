"""Connections that stay open: their callers are looked up again, and their messages are counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket

from ocs_ray.core import token_book
from ocs_ray.gateway.access import allow, callers, needs, open_connections, protect
from ocs_ray.gateway.api.event_stream import Sent, stream
from ocs_ray.gateway.esw.streams import serve
from ocs_ray.models.access import Caller
from ocs_ray.models.access_settings import OidcSettings

from .asgi_client import Socket
from .played_gateway import Client, Gateway
from .web_floor import served

SOON_S = 0.05
FOLLOW = {"_type": "SubscribeSequencerState"}


def _app(gateway: Gateway) -> FastAPI:
    """A WebSocket that answers every request and one that goes on for ever, and a stream of server-sent events."""
    app = FastAPI()

    @app.websocket("/websocket-endpoint")
    async def socket(socket: WebSocket) -> None:
        async def frames(text: str) -> AsyncGenerator[object, None]:
            allow(socket, "SubscribeSequencerState", "IRIS.a")
            yield text
            if "forever" in text:
                await asyncio.Event().wait()

        await serve(socket, frames)

    @app.get("/api/v1/events", dependencies=[Depends(needs("Watch", ""))])
    async def events() -> Any:
        async def told() -> AsyncGenerator[Sent, None]:
            while True:
                yield Sent("1", "state", "Idle")
                await asyncio.sleep(0.01)

        return stream(told())

    protect(app, gateway.port, gateway.settings)
    return app


def _revoke(gateway: Gateway, name: str) -> None:
    gateway.tokens.change(lambda book: token_book.without_token(book, name))


def test_given_an_open_websocket_when_its_token_is_revoked_then_its_next_request_closes_it(gateway: Gateway) -> None:
    async def story() -> None:
        token = gateway.token("iris-user", name="ui")
        async with Socket(_app(gateway), f"/websocket-endpoint?access_token={token}") as socket:
            socket.send(FOLLOW)
            assert await socket.frame() == FOLLOW
            _revoke(gateway, "ui")
            socket.send(FOLLOW)
            assert await socket.closed() == 1008

    asyncio.run(story())


@pytest.mark.parametrize("is_revoked", [True, False])
def test_given_a_websocket_in_the_midst_of_a_stream_when_its_token_is_not_valid_any_more_then_it_is_closed_soon(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, is_revoked: bool
) -> None:
    monkeypatch.setattr(open_connections, "RECHECK_S", SOON_S)

    async def story() -> None:
        app = _app(gateway)
        stranger = Socket(app)
        token = gateway.token("iris-user", name="ui", lasts_s=None if is_revoked else 1.0, now=time.time())
        async with Socket(app, f"/websocket-endpoint?access_token={token}") as socket, stranger:
            for each in (socket, stranger):
                each.send({"_type": "forever"})
                assert await each.frame() == {"_type": "forever"}
            if is_revoked:
                _revoke(gateway, "ui")
            assert await socket.closed() == 1008
            await asyncio.sleep(3 * SOON_S)
            stranger.send(FOLLOW)  # waits for the stream before it; reads are open to him
            assert not stranger.has_ended

    asyncio.run(story())


def test_given_a_stream_of_events_when_its_token_is_revoked_then_it_ends_and_a_stranger_s_goes_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_connections, "RECHECK_S", SOON_S)

    async def story() -> None:
        mine = gateway.headers("iris-user", name="ui")
        async with served(_app(gateway)) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
            async with client.stream("GET", "/api/v1/events", headers=mine) as known:
                lines = known.aiter_lines()
                assert await anext(lines) == "id: 1"
                _revoke(gateway, "ui")
                async with asyncio.timeout(5):
                    assert len([line async for line in lines]) > 2  # until its proper end
            async with client.stream("GET", "/api/v1/events") as unknown:
                lines = unknown.aiter_lines()
                async with asyncio.timeout(5):
                    for _ in range(60):
                        await anext(lines)

    asyncio.run(story())


def test_given_a_websocket_when_more_requests_come_than_its_caller_may_send_then_it_is_closed(
    make_gateway: Callable[..., Gateway],
) -> None:
    gateway = make_gateway(limits={"requests_per_s": 0.01, "burst": 3})

    async def story() -> None:
        token = gateway.token("iris-user")
        app = _app(gateway)
        for path in ("/websocket-endpoint", f"/websocket-endpoint?access_token={token}"):
            async with Socket(app, path) as socket:
                for _ in range(2):
                    socket.send(FOLLOW)
                    assert await socket.frame() == FOLLOW
                socket.send(FOLLOW)
                assert await socket.closed() == 1008

    asyncio.run(story())


def test_given_an_address_that_shows_wrong_signatures_when_there_were_too_many_then_no_further_one_is_verified(
    make_gateway: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    class Verifier:
        def __init__(self, *_: object) -> None:
            pass

        async def caller(self, token: str) -> Caller:
            verified.append(token)
            return Caller(name=token, is_known=True) if token.startswith("good") else Caller(problem="wrong signature")

    monkeypatch.setattr(callers, "OidcVerifier", Verifier)
    oidc = OidcSettings(issuer="https://auth.example.org/realms/TMT", audience="app")
    gateway = make_gateway(oidc=oidc, limits={"requests_per_s": 0.01, "burst": 3})
    client: Client = gateway.client()

    def get(token: str) -> int:
        return client.get("/api/v1/sequencers/IRIS.a", headers={"Authorization": f"Bearer {token}"}).status_code

    assert [get(f"good{number}") for number in range(10)] == [200] * 10  # each has a limit of his own
    assert [get(f"bad{number}") for number in range(5)] == [200, 200, 200, 429, 429]  # reads are open
    assert verified[10:] == ["bad0", "bad1", "bad2"]
    assert get(gateway.token("iris-user")) == 200  # ours cost a look into a table
