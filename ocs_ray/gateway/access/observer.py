"""Around everything: every request is counted, and what was refused or went wrong is logged, without its secrets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocs_ray.models.access import Caller
from ocs_ray.telemetry.gateway_metrics import GatewayMetrics

LOG: Final = logging.getLogger("ocs.gateway.http")
UNMATCHED: Final = "unmatched"
LAG_EVERY_S: Final = 0.25
"""How often it is measured how late the event loop is, in seconds."""


class Observer:
    """Counts and logs.

    Args:
        app: the application behind it.
        metrics: where to count.
    """

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, or the life of the application."""
        match scope["type"]:
            case "lifespan":
                async with self._lag_measured():
                    await self._app(scope, receive, send)
            case "http" | "websocket":
                await self._observed(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, began, is_open = 500, time.perf_counter(), False

        async def noted(message: Message) -> None:
            nonlocal status, is_open
            match message["type"]:
                case "http.response.start" | "websocket.http.response.start":
                    status = message["status"]
                case "websocket.accept":
                    status, is_open = 101, True
                    self._metrics.websockets.inc()
                case "websocket.close" if not is_open:
                    status = 403  # refused before it was accepted: what the server makes of it
                case _:
                    pass
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            if is_open:
                self._metrics.websockets.dec()
            method = scope.get("method", "WEBSOCKET")
            took_s = time.perf_counter() - began
            self._metrics.request(method, _route(scope), status, took_s)
            level = logging.INFO if status >= 400 else logging.DEBUG
            if LOG.isEnabledFor(level):
                caller: Caller = scope.get("ocs.caller") or Caller()
                path = scope["path"][:200]
                LOG.log(level, "%s %s %d in %.1f ms, %s", method, path, status, took_s * 1e3, caller.name or "unknown")

    @asynccontextmanager
    async def _lag_measured(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._measure_lag())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._metrics.loop_lag.observe(max(0.0, loop.time() - due))


def _route(scope: Scope) -> str:
    """The template of the route that answered; one name for all paths without one."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or getattr(route, "path", None) or UNMATCHED
