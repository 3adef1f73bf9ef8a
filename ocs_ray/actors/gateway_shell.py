"""The gateway's actor: uvicorn on a thread and loop of its own. It is stateless but for the port it has once taken."""

from __future__ import annotations

import asyncio
import errno
import importlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from ocs_ray.errors import ClusterError
from ocs_ray.models.gateway_settings import GATEWAY_PORT, GatewaySettings, GatewayStatus
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.scripting.port import Port

if TYPE_CHECKING:
    import uvicorn

PORTS_TRIED: Final = 100
"""How many ports from 8090 on are tried when nobody named one."""
AGAIN_S: Final = 10.0
"""How long a restarted gateway waits for the port it had, in seconds."""
RETRY_S: Final = 0.1
STARTED_S: Final = 20.0
"""Longest wait for uvicorn to accept connections, in seconds."""
LARGEST_MESSAGE: Final = 1 << 20
"""Bytes of the largest message a WebSocket takes: its requests are short."""
MOST_CONNECTIONS: Final = 10_000
"""Connections, and requests, at once; more get 503. A thousand browsers that follow have room ten times."""
EVERYWHERE: Final = ("0.0.0.0", "::")


class PortNotes(Protocol):
    """Where the ports outlive the process that listened on them."""

    def read(self) -> GatewayStatus | None:
        """What was kept last."""
        ...

    def write(self, status: GatewayStatus) -> None:
        """Keep it."""
        ...


class GatewayShell:
    """Serves a web application.

    Args:
        settings: where it listens.
        factory: ``module:function`` that makes the application of ``settings`` and ``port``; the room it is in is above
            this one.
        port: the application's door to the observatory.
        notes: where it had listened before its process died, if it did.
        lost: called when the server ended by itself or cannot have its ports again: the process is of no more use.
    """

    def __init__(
        self, settings: GatewaySettings, factory: str, port: Port, notes: PortNotes, lost: Callable[[], None]
    ) -> None:
        self._settings, self._factory, self._port, self._notes, self._lost = settings, factory, port, notes, lost
        self._status: GatewayStatus | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Take the ports and serve.

        Raises:
            ClusterError: a port is taken, or the application does not start.
        """
        before = self._notes.read()
        try:
            sockets = await self._bind(before)
        except ClusterError:
            if before is not None:
                self._lost()  # nobody hears of this error: another process tries again
            raise
        try:
            self._status = self._told(sockets)
            await self._serve(sockets, self._status)
        except BaseException:
            for each in sockets:
                each.close()
            raise
        self._notes.write(self._status)

    async def ask(self, message: object) -> Any:
        """Take one message: GetStatus."""
        match message:
            case GetStatus():
                return self._status
            case _:
                raise TypeError(f"the gateway does not understand {type(message).__name__}")

    async def stop(self) -> None:
        """End the server; connections that are open are closed."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            await asyncio.to_thread(self._thread.join)

    # -- ports ---------------------------------------------------------------------------------------------------

    async def _bind(self, before: GatewayStatus | None) -> list[socket.socket]:
        host, second = self._settings.host, self._settings.location_port
        if before is not None:
            choices = [[port] for port in (before.port, before.location_port) if port is not None]
            patience = AGAIN_S
        else:
            given = self._settings.port
            first = list(range(GATEWAY_PORT, GATEWAY_PORT + PORTS_TRIED)) if given is None else [given]
            choices = [first] if second is None else [first, [second]]
            patience = 0.0
        bound: list[socket.socket] = []
        try:
            for choice in choices:
                bound += [await _bind_one(host, choice, patience)]
        except BaseException:
            for each in bound:
                each.close()
            raise
        return bound

    def _told(self, sockets: list[socket.socket]) -> GatewayStatus:
        port, *more = [each.getsockname()[1] for each in sockets]
        host = socket.gethostname() if self._settings.host in EVERYWHERE else self._settings.host
        shown = f"[{host}]" if ":" in host else host
        return GatewayStatus(
            url=self._settings.url or f"http://{shown}:{port}", port=port, location_port=more[0] if more else None
        )

    # -- serving -------------------------------------------------------------------------------------------------

    async def _serve(self, sockets: list[socket.socket], status: GatewayStatus) -> None:
        import uvicorn  # no other actor pays for it

        module, _, function = self._factory.partition(":")
        known = {"port": status.port, "location_port": status.location_port, "url": self._settings.url or status.url}
        settings = self._settings.model_copy(update=known)
        app = getattr(importlib.import_module(module), function)(settings, self._port)
        proxies = self._settings.access.trusted_proxies
        config = uvicorn.Config(
            app,
            proxy_headers=bool(proxies),  # else any program on this machine could say that it is another address
            forwarded_allow_ips=list(proxies),
            limit_concurrency=MOST_CONNECTIONS,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            ws_per_message_deflate=False,  # a state that goes to a thousand browsers would be packed a thousand times
            ws_max_size=LARGEST_MESSAGE,
        )
        self._server = server = uvicorn.Server(config)
        self._thread = thread = threading.Thread(target=self._run, args=(server, sockets), name="gateway", daemon=True)
        thread.start()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STARTED_S
        while not server.started:  # uvicorn has no event to wait for
            if not thread.is_alive() or loop.time() > deadline:
                raise ClusterError(problem="the gateway did not start", remedy="look at Ray's logs, or: --no-gateway")
            await asyncio.sleep(0.005)

    def _run(self, server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        try:
            asyncio.run(server.serve(sockets=sockets))
        finally:
            if server.started and not server.should_exit:
                self._lost()


async def _bind_one(host: str, ports: list[int], patience_s: float) -> socket.socket:
    """The first of ``ports`` that is free."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while True:
        for port in ports:
            try:
                return _listener(host, port)
            except OSError as failure:
                if failure.errno != errno.EADDRINUSE:
                    raise ClusterError(
                        problem=f"the gateway cannot listen on {host}:{port}: {failure.strerror or failure}",
                        remedy="correct 'gateway:' in the cluster file, or choose a port: ocs up --gateway-port N",
                    ) from None
        if loop.time() >= deadline:
            shown = str(ports[0]) if len(ports) == 1 else f"{ports[0]} to {ports[-1]}"
            raise ClusterError(
                problem=f"the gateway cannot listen on {host}: port {shown} is taken",
                remedy="choose a free one: ocs up --gateway-port N (0 for any), or go without: --no-gateway",
            )
        await asyncio.sleep(RETRY_S)


def _listener(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restarted one takes its port again at once
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)
    except BaseException:
        listener.close()
        raise
    return listener
