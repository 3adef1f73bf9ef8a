"""An application asked in the process it is in: what a browser sends and what it gets, without a socket."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, NamedTuple

from fastapi import FastAPI

HOST = (b"host", b"127.0.0.1:8090")


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON and say so."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body, which has to be plain text and say so."""
        assert self.headers["content-type"].startswith("text/plain"), self
        return self.body.decode()


def _scope(kind: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    route, _, query = path.partition("?")
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": route,
        "raw_path": route.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [HOST, *((name.lower().encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8090),
        "state": {},
    }


async def request(
    app: FastAPI, method: str, path: str, body: bytes = b"", *, left: asyncio.Event | None = None, **headers: str
) -> Reply:
    """One request; ``content_type`` is a header. The client hangs up when ``left`` is set."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {**_scope("http", path, {"content-length": str(len(body)), **given}), "method": method}
    chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)] or [b""]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not chunks:
            await (left or asyncio.Event()).wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(each for each in sent if each["type"] == "http.response.start")
    told = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], told, b"".join(each.get("body", b"") for each in sent))


async def post(
    app: FastAPI, sent: object, path: str = "/post-endpoint", *, left: asyncio.Event | None = None, **headers: str
) -> Reply:
    """JSON, or bytes as they are, posted as JSON."""
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return await request(app, "POST", path, body, left=left, content_type="application/json", **headers)


class Socket:
    """A WebSocket, as ``async with Socket(app) as socket``."""

    def __init__(self, app: FastAPI, path: str = "/websocket-endpoint") -> None:
        self._app, self._path = app, path
        self._in: asyncio.Queue[Any] = asyncio.Queue()
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> Socket:
        scope = {**_scope("websocket", self._path, {}), "subprotocols": []}
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._app(scope, self._in.get, self._out.put))
        assert (await self._next())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(self._task, 5)

    async def _next(self) -> Any:
        return await asyncio.wait_for(self._out.get(), 5)

    def send(self, sent: object) -> None:
        """One request: JSON, text, or bytes as they are."""
        if isinstance(sent, bytes):
            self._in.put_nowait({"type": "websocket.receive", "bytes": sent})
        else:
            text = sent if isinstance(sent, str) else json.dumps(sent)
            self._in.put_nowait({"type": "websocket.receive", "text": text})

    @property
    def has_ended(self) -> bool:
        """Whether the application is done with it."""
        return self._task.done()

    async def frame(self) -> Any:
        """The next frame, as JSON."""
        message = await self._next()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def closed(self) -> int:
        """The code it is closed with."""
        while (message := await self._next())["type"] != "websocket.close":
            pass
        return message["code"]
