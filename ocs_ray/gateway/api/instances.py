"""``/instances``: packages that run or have run, what they wrote, and what they are told."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ocs_ray.client import Instance, Packages
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.event_stream import DOC, QUIET, QUIET_S, STREAM, Sent, first_checked, last_number
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.paging import Cursor, Limit, number_of, page
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.gateway.waits import held
from ocs_ray.models.instance_messages import ChannelPiece, InstanceHealth
from ocs_ray.models.instance_records import Channel, InstanceRecord

InstanceId = Annotated[str, Path(description="The id, or the beginning of it.", max_length=100, examples=["9f1c2e44"])]
Offset = Annotated[int, Query(ge=-(1 << 53), le=1 << 53, description="In bytes; negative from the present end.")]
Run = Annotated[int, Query(ge=0, le=1 << 31, description="Of an instance that was restarted; 0 is the last.")]


class Start(BaseModel):
    """What to start, and with what."""

    package: str = Field(max_length=300, examples=["counter@latest"])
    args: list[Any] | None = Field(default=None, examples=[[3000, 10]])
    named: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    id: str | None = Field(default=None, max_length=100)


def routes(port: Any) -> APIRouter:
    """``/instances``."""
    router = APIRouter(prefix="/instances", route_class=ApiRoute, tags=["instances"])

    @router.post(
        "",
        operation_id="startInstance",
        summary="Start a package; it runs when this returns",
        status_code=201,
        response_model=InstanceRecord,
        dependencies=[Depends(needs("start_instance"))],
    )
    async def start(request: Request, wanted: Start) -> Response:
        packages = Packages(keyed(port, request))
        made = await packages.start(wanted.package, wanted.args, wanted.named, config=wanted.config, id=wanted.id)
        place = f"{request.url.path.rstrip('/')}/{made.id}"
        return json_response(await Instance(made.id, port).info(), 201, {"Location": place})

    @router.get(
        "",
        operation_id="listInstances",
        summary="Instances, the newest last",
        dependencies=[Depends(needs("list_instances"))],
    )
    async def instances(
        request: Request,
        package: Annotated[str, Query(max_length=300)] = "",
        all: Annotated[bool, Query(description="Also those whose output has expired.")] = False,
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Response:
        found = await Packages(port).page_of_instances(package, all=all, after=number_of(cursor), limit=limit)
        return page(request, found.instances, found.after)

    _add_one(router, port)
    _add_input(router, port)
    _add_channels(router, port)
    return router


def _add_one(router: APIRouter, port: Any) -> None:
    @router.get(
        "/{id}",
        operation_id="getInstance",
        summary="How an instance stands",
        response_model=InstanceRecord,
        dependencies=[Depends(needs("get_instance"))],
    )
    async def instance(id: InstanceId) -> Response:
        return json_response(await Instance(id, port).info())

    @router.get(
        "/{id}/runs",
        operation_id="listInstanceRuns",
        summary="Every run of an instance that was restarted",
        dependencies=[Depends(needs("get_runs"))],
    )
    async def runs(id: InstanceId) -> Response:
        return json_response({"items": list(await Instance(id, port).runs())})

    @router.get(
        "/{id}/health",
        operation_id="getInstanceHealth",
        summary="How an instance feels, and what it uses",
        response_model=InstanceHealth,
        dependencies=[Depends(needs("get_health"))],
    )
    async def health(id: InstanceId) -> Response:
        return json_response(await Instance(id, port).health())

    @router.post(
        "/{id}/stop",
        operation_id="stopInstance",
        summary="Ask an instance to stop; after timeout_s it is killed",
        response_model=InstanceRecord,
        dependencies=[Depends(needs("stop_instance"))],
    )
    async def stop(
        id: InstanceId,
        timeout_s: Annotated[float, Body(embed=True, ge=0, le=300, examples=[7.0])] = 7.0,
        can_keep_alive: Annotated[bool, Body(embed=True, examples=[False])] = False,
    ) -> Response:
        return json_response(await Instance(id, port).stop(timeout_s, can_keep_alive=can_keep_alive))

    @router.post(
        "/{id}/kill",
        operation_id="killInstance",
        summary="End an instance now",
        response_model=InstanceRecord,
        dependencies=[Depends(needs("kill_instance"))],
    )
    async def kill(
        id: InstanceId, remove_immediately: Annotated[bool, Body(embed=True, examples=[True])] = False
    ) -> Response:
        return json_response(await Instance(id, port).kill(remove_immediately=remove_immediately))

    @router.post(
        "/{id}/restart",
        operation_id="restartInstance",
        summary="Start the same package with the same arguments under the same id",
        response_model=InstanceRecord,
        dependencies=[Depends(needs("restart_instance"))],
    )
    async def restart(request: Request, id: InstanceId) -> Response:
        return json_response(await Instance(id, keyed(port, request)).restart())


def _add_input(router: APIRouter, port: Any) -> None:
    @router.post(
        "/{id}/input",
        operation_id="sendInput",
        summary="Bytes for an instance's input, kept until it reads them",
        status_code=204,
        openapi_extra={
            "requestBody": {
                "content": {"application/octet-stream": {"schema": {"type": "string"}, "example": "go on\n"}}
            }
        },
        dependencies=[Depends(needs("send_input"))],
    )
    async def send_input(
        request: Request,
        id: InstanceId,
        end: Annotated[bool, Query(description="Nothing follows.")] = False,
        content_type: Annotated[str, Query(max_length=100, description="What it is, for the package to check.")] = "",
    ) -> Response:
        await Instance(id, port).send_input(await request.body(), content_type=content_type, end=end)
        return Response(status_code=204)

    @router.post(
        "/{id}/events/{name}",
        operation_id="sendEvent",
        summary="An event for an instance: what it hung up with ctx.on is called",
        status_code=204,
        dependencies=[Depends(needs("send_event"))],
    )
    async def send_event(
        id: InstanceId,
        name: Annotated[str, Path(max_length=200, examples=["exposure"])],
        message: Annotated[Any, Body(embed=True, examples=[{"seconds": 30}])] = None,
    ) -> Response:
        await Instance(id, port).send_event(name, message)
        return Response(status_code=204)


def _add_channels(router: APIRouter, port: Any) -> None:
    @router.get(
        "/{id}/channels/{channel}",
        operation_id="readChannel",
        summary="Part of what an instance wrote, up to 1 MiB; Ocs-Next-Offset says where to go on",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
        dependencies=[Depends(needs("read_channel"))],
    )
    async def read(
        request: Request,
        id: InstanceId,
        channel: Channel,
        offset: Offset = 0,
        tail_lines: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
        wait_s: Annotated[float, Query(ge=0, le=60, description="When nothing is there yet, in seconds.")] = 0.0,
        run: Run = 0,
    ) -> Response:
        instance = Instance(id, port)
        piece = await held(
            request, lambda: instance.read(channel, offset, tail_lines=tail_lines, wait_s=wait_s, run=run)
        )
        headers = {
            "Ocs-Offset": str(piece.offset),
            "Ocs-Next-Offset": str(piece.next_offset),
            "Ocs-Ended": str(piece.ended).lower(),
        }
        return Response(piece.data, media_type="application/octet-stream", headers=headers)

    @router.get(
        "/{id}/channels/{channel}/events",
        operation_id="followChannel",
        summary="What an instance writes as a stream; the id of each piece is the offset to go on from",
        responses=STREAM,
        openapi_extra=DOC,
        response_class=Response,
        dependencies=[Depends(needs("read_channel"))],
    )
    async def follow(request: Request, id: InstanceId, channel: Channel, offset: Offset = 0, run: Run = 0) -> Response:
        last = last_number(request)
        return await first_checked(_pieces(Instance(id, port), channel, offset if last is None else last, run))


async def _pieces(instance: Instance, channel: Channel, offset: int, run: int) -> AsyncGenerator[Sent, None]:
    wait_s = 0.0  # the first answer comes at once: whoever follows sees that the stream is there
    while True:
        piece = await instance.read(channel, offset, wait_s=wait_s, run=run)
        offset, wait_s = piece.next_offset, QUIET_S
        if piece.data:
            yield Sent(str(offset), "piece", _shown(piece))
        elif not piece.ended:
            yield QUIET
        if piece.ended:
            yield Sent(str(offset), "end", {"offset": offset})
            return


def _shown(piece: ChannelPiece) -> dict[str, Any]:
    try:
        return {"offset": piece.offset, "text": piece.data.decode()}
    except UnicodeDecodeError:  # no text, or cut inside a character
        return {"offset": piece.offset, "base64": base64.b64encode(piece.data).decode()}
