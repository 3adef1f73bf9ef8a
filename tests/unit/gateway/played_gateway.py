"""A gateway without a network: requests go straight into the application, and what is behind it is played."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from fastapi import Depends, FastAPI, Request, WebSocket

from ocs_ray.core import token_book
from ocs_ray.errors import UnreachableError
from ocs_ray.gateway.access import allow, needs, protect
from ocs_ray.location.token_file import TokenFile, new_token
from ocs_ray.models.access import Role
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.gateway_settings import GatewaySettings


class PlayedPort:
    """A door behind which answers are played: name and kind of message -> what it answers."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.components: list[str] = []
        self.asked: list[tuple[str, str]] = []

    def names(self) -> list[str]:
        return self.components

    async def ask(self, name: str, message: Any, timeout_s: float) -> Any:
        self.asked.append((name, message.kind))
        answer = self.answers.get((name, message.kind))
        if answer is None:
            raise UnreachableError(name=name, reason="is not running", remedy="")
        return await answer() if callable(answer) else answer


class Client:
    """Sends requests into an application, each in a loop of its own."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 40_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8090") as client:
                return await client.request(method, path, **options)

        if isinstance(pieces := options.get("content"), list):
            options["content"] = _pieces(pieces)
        return asyncio.run(asked())

    def websocket(self, path: str, *frames: Any, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Open a WebSocket, send frames, hang up; the ASGI messages that came back."""
        place, _, query = path.partition("?")
        given = {"host": "localhost:8090", **(headers or {})}
        incoming = [{"type": "websocket.connect"}]
        incoming += [{"type": "websocket.receive", "text": json.dumps(frame)} for frame in frames]
        incoming += [{"type": "websocket.disconnect", "code": 1000}]
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": place,
            "raw_path": place.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 40_000),
            "server": ("localhost", 8090),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        return sent


async def _pieces(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Gateway:
    """A protected application with one route of every sort, and the tokens that open it."""

    def __init__(self, tmp: Path, **access: Any) -> None:
        self.tokens = TokenFile(tmp / "data" / "tokens.json")
        self.port = PlayedPort()
        self.settings = GatewaySettings(access=AccessSettings(token_file=str(self.tokens.path), **access))
        self.now = 1000.0
        self.sent: list[Any] = []

    def client(self, **settings: Any) -> Client:
        app = FastAPI()
        self._add_routes(app)
        protect(app, self.port, self.settings.model_copy(update=settings))
        return Client(app)

    def token(self, *roles: str, name: str = "somebody", lasts_s: float | None = None, now: float = 1000.0) -> str:
        token = new_token()
        record = token_book.new_record(name, [Role(role) for role in roles], token, now, lasts_s)
        self.tokens.change(lambda book: token_book.with_token(book, record))
        return token

    def headers(self, *roles: str, **options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **options)}"}

    def _add_routes(self, app: FastAPI) -> None:
        @app.post("/post-endpoint")
        async def esw(request: Request) -> Any:
            body = await request.json()
            allow(request, body["_type"], body.get("prefix"))
            self.sent.append(body)
            return {"_type": "Ok"}

        @app.post("/api/v1/sequencers/{prefix}/pause", dependencies=[Depends(needs("Pause", "prefix"))])
        async def pause(prefix: str, request: Request) -> Any:
            self.sent.append(await request.body())
            return {"prefix": prefix}

        @app.get("/api/v1/sequencers/{prefix}", dependencies=[Depends(needs("GetStatus", "prefix"))])
        async def status(prefix: str) -> Any:
            return {"prefix": prefix}

        @app.post("/api/v1/packages", dependencies=[Depends(needs("send_chunk"))])
        async def upload(request: Request) -> Any:
            size = 0
            async for piece in request.stream():
                size += len(piece)
            return {"size": size}

        @app.websocket("/websocket-endpoint")
        async def stream(socket: WebSocket) -> None:
            allow(socket, "SubscribeSequencerState", "IRIS.a")
            await socket.accept()
            await socket.send_json({"_type": "Idle"})
            await socket.close()
