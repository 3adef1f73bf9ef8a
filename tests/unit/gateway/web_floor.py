"""An observatory without Ray behind the gateway's application, and clients of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from ocs_ray.client.http import HttpPort
from ocs_ray.gateway.app import create_app
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.testing.local_observatory import LocalObservatory

OPEN = GatewaySettings(access=AccessSettings(open_on_loopback=True))
URL = "http://127.0.0.1:8090"
SEQUENCER = "ESW.IRIS_ImagerOnly"
SCRIPT = """
from ocs_ray.scripting import ScriptContext, Setup, script
import asyncio

@script
async def lead(ctx: ScriptContext) -> None:
    @ctx.on_setup("quick")
    async def quick(command: Setup) -> None:
        pass

    @ctx.on_setup("fail")
    async def fail(command: Setup) -> None:
        raise ValueError("the wheel is stuck")
"""


class Web:
    """An observatory, its application, and an HTTP client of it."""

    def __init__(self, observatory: Any, app: Any, http: httpx.AsyncClient) -> None:
        self.observatory, self.app, self.http = observatory, app, http

    def port(self) -> HttpPort:
        """The door our own clients use."""
        return HttpPort(URL, transport=httpx.ASGITransport(self.app))


@asynccontextmanager
async def web(folder: Path, settings: GatewaySettings = OPEN) -> AsyncIterator[Web]:
    """A sequencer with a script, event and alarm service."""
    script = folder / "esw.py"
    script.write_text(SCRIPT)
    async with LocalObservatory() as observatory:
        await observatory.start_sequencer(SEQUENCER, script, folder)
        app = create_app(settings, observatory)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
            yield Web(observatory, app, http)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The application behind a real server in this loop: its URL. Streams need one."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()
