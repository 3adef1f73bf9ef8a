"""How much of whose body is taken, and before what: straight into the application, piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ocs_ray.gateway.access import guard
from ocs_ray.gateway.app import create_app

from .asgi_client import HOST
from .played_gateway import Gateway, PlayedPort

PIECE = 1 << 16


class Sender:
    """Sends a body of any length; it is never made at once, and it counts what was taken of it."""

    def __init__(self, pieces: int) -> None:
        self._left, self.taken = pieces, 0

    async def receive(self) -> dict[str, Any]:
        self._left -= 1
        self.taken += PIECE
        return {"type": "http.request", "body": b"x" * PIECE, "more_body": self._left > 0}

    def sent_to(self, app: FastAPI, method: str, path: str, **headers: str) -> int:
        """The status of the answer."""
        given = [HOST, *((name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items())]
        scope = {
            **{"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1"},
            **{"method": method, "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": ""},
            **{"query_string": b"", "headers": given, "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8090)},
            "state": {},
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, self.receive, send))
        return next(each["status"] for each in sent if each["type"] == "http.response.start")


@pytest.fixture
def whole(make_gateway: Callable[..., Gateway]) -> Callable[..., tuple[Gateway, FastAPI]]:
    """A gateway's tokens, and the whole application with its real routes."""

    def made(**access: Any) -> tuple[Gateway, FastAPI]:
        gateway = make_gateway(**access)
        return gateway, create_app(gateway.settings, PlayedPort())

    return made


def test_given_a_package_when_its_sender_has_not_the_role_then_not_a_piece_of_it_is_taken(whole: Any) -> None:
    gateway, app = whole()
    for headers, status in ((gateway.headers("iris-user"), 403), ({}, 401)):
        sender = Sender(1000)
        sent = sender.sent_to(app, "POST", "/api/v1/packages", content_type="application/gzip", **headers)
        assert (sent, sender.taken) == (status, 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/packages/counter/tags/stable"),
        ("POST", "/api/v1/packages/counter/tags/stable/rollback"),
        ("POST", "/api/v1/packages/"),
        ("POST", "/api/v1/packagesque"),
        ("PUT", "/api/v1/packages"),
    ],
)
def test_given_a_path_that_only_begins_like_the_one_for_packages_when_much_is_sent_then_the_usual_limit_holds(
    whole: Any, method: str, path: str
) -> None:
    gateway, app = whole(limits={"body_bytes": 3 * PIECE})
    sender = Sender(1000)
    mine = gateway.headers("iris-user")
    assert sender.sent_to(app, method, path, content_type="application/octet-stream", **mine) == 413
    assert sender.taken == 4 * PIECE


def test_given_somebody_nobody_knows_when_he_sends_much_then_it_is_refused_far_sooner_than_a_known_one_s(
    whole: Any,
) -> None:
    gateway, app = whole()
    mine = gateway.headers("tcs-user")
    for path in ("/post-endpoint", "/sequencer/IRIS.a/post-endpoint", "/api/v1/messages/IRIS.a-Sequencer"):
        sender = Sender(1000)
        assert sender.sent_to(app, "POST", path, content_type="application/json") == 413
        assert sender.taken == 2 * PIECE
        known = Sender(1000)
        assert known.sent_to(app, "POST", path, content_type="application/json", **mine) == 413
        assert known.taken > 60 * PIECE


def test_given_simulation_on_loopback_when_nobody_needs_a_token_then_everybody_s_bodies_may_be_long(whole: Any) -> None:
    gateway, _ = whole()
    app = create_app(gateway.settings.model_copy(update={"simulation": True}), PlayedPort())
    sender = Sender(1000)
    assert sender.sent_to(app, "POST", "/post-endpoint", content_type="application/json") == 413
    assert sender.taken > 60 * PIECE


def test_given_many_unknown_who_send_slowly_when_their_room_is_taken_then_the_next_waits_and_the_known_do_not(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "UNKNOWN_BYTES", 300)
    app, mine = gateway.client().app, gateway.headers("iris-user")
    body = json.dumps({"_type": "GetResources"}).encode()

    async def story() -> None:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8090")
        over = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b" " * 140
            await over.wait()
            yield body

        waiting = [asyncio.create_task(client.post("/post-endpoint", content=slow())) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await client.post("/post-endpoint", content=body)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "try again in a moment" in refused.text
        assert (await client.post("/post-endpoint", content=body, headers=mine)).status_code == 200
        over.set()
        codes = sorted([(await each).status_code for each in waiting])
        assert codes[0] == 200
        assert (await client.post("/post-endpoint", content=body)).status_code == 200  # all was given back

    asyncio.run(story())
