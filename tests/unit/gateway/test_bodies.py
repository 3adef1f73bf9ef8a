"""How much of whose body is taken, and before what: straight into the application, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

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
