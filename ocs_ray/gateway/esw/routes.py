"""The paths ESW's clients know: the two endpoints of every service, and the files of the config server."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from ocs_ray.errors import BadInputError
from ocs_ray.gateway.access.gate import allow
from ocs_ray.gateway.esw.answers import JSON, answered, failed, malformed
from ocs_ray.gateway.esw.config_files import ConfigFiles
from ocs_ray.gateway.esw.desk import Desk
from ocs_ray.gateway.esw.streams import serve
from ocs_ray.gateway.waits import NotWaitedForError, held
from ocs_ray.models import wire
from ocs_ray.models.esw_location import Resolve
from ocs_ray.models.esw_requests import PostRequest, StreamRequest
from ocs_ray.models.esw_sequencer import (
    SequencerCommand,
    SequencerRequest,
    SequencerStreamCommand,
    SequencerStreamRequest,
)
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix
from ocs_ray.scripting.port import Port

LARGEST: Final = 16 << 20
"""Bytes of the largest request that is read at all; the gateway's own limit is usually lower."""
AWAY_FROM_THE_LOOP: Final = 64 << 10
"""Bytes above which a request is read on another thread: others are not to wait for it."""


class _RefusedError(Exception):
    """A request that is not even looked at."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def routes(port: Port, settings: GatewaySettings) -> APIRouter:
    """All of them.

    Args:
        port: the door to the observatory.
        settings: where the gateway listens.
    """
    router, desk, files = APIRouter(include_in_schema=False), Desk(port, settings), ConfigFiles(port, settings)

    @router.post("/post-endpoint")
    async def post(request: Request) -> Response:
        try:
            asked = await _read(request, PostRequest)
        except (_RefusedError, BadInputError) as problem:
            return _refused(problem)
        if isinstance(asked, SequencerCommand):
            allow(request, asked.command.kind, asked.component_id.prefix)
        else:
            allow(request, asked.kind)
        if isinstance(asked, Resolve):
            return await _answer(held(request, lambda: desk.answer(asked)))
        return await _answer(desk.answer(asked))

    @router.post("/sequencer/{prefix}/post-endpoint")
    async def post_to_sequencer(request: Request, prefix: str) -> Response:
        try:
            component = _sequencer(prefix)
            asked = await _read(request, SequencerRequest)
        except (_RefusedError, BadInputError) as problem:
            return _refused(problem)
        allow(request, asked.kind, component.prefix)
        return await _answer(desk.sequencer_answer(component, asked))

    @router.websocket("/websocket-endpoint")
    async def stream(socket: WebSocket) -> None:
        def frames(text: str) -> Any:
            asked = wire.decode_text(StreamRequest, text)
            if isinstance(asked, SequencerStreamCommand):
                allow(socket, asked.command.kind, asked.component_id.prefix)
            else:
                allow(socket, asked.kind)
            return desk.frames(asked)

        await serve(socket, frames)

    @router.websocket("/sequencer/{prefix}/websocket-endpoint")
    async def stream_of_sequencer(socket: WebSocket, prefix: str) -> None:
        def frames(text: str) -> Any:
            component = _sequencer(prefix)
            asked = wire.decode_text(SequencerStreamRequest, text)
            allow(socket, asked.kind, component.prefix)
            return desk.sequencer_frames(component, asked)

        await serve(socket, frames)

    @router.api_route("/active-config/{path:path}", methods=["GET", "HEAD"])
    async def active_config(request: Request, path: str) -> Response:
        allow(request, "GetConfig")
        return await files.get(path)

    @router.api_route("/config/{path:path}", methods=["GET", "HEAD"])
    async def config(request: Request, path: str, id: str | None = None) -> Response:
        allow(request, "GetConfig")
        return await files.get(path, id)

    return router


async def _answer(work: Any) -> Response:
    try:
        return answered(await work)
    except NotWaitedForError as ended:
        return ended.response
    except Exception as failure:
        return failed(failure)


def _refused(problem: _RefusedError | BadInputError) -> Response:
    if isinstance(problem, BadInputError):
        return malformed(problem)
    return PlainTextResponse(str(problem), problem.status)


def _sequencer(prefix: str) -> ComponentId:
    return ComponentId(Prefix(prefix), ComponentType.Sequencer)


async def _read(request: Request, kind: Any) -> Any:
    """The request in the body.

    Raises:
        _RefusedError: it is too large, or says that it is no JSON: any web page may send those without asking first.
        BadInputError: it is malformed.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != JSON:
        raise _RefusedError(415, f"The request's Content-Type is not supported. Expected:\n{JSON}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise _RefusedError(413, f"The request is larger than {LARGEST} bytes")
    if len(body) > AWAY_FROM_THE_LOOP:
        return await asyncio.to_thread(wire.decode_text, kind, bytes(body))
    return wire.decode_text(kind, bytes(body))
