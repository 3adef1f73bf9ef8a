"""``/sequencers/{prefix}/procedure``: where it stands, and its commands (hold, resume, stop ...)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response

from ocs_ray.client import Sequencer
from ocs_ray.gateway.access import caller_of, needs
from ocs_ray.gateway.api.event_stream import DOC, QUIET, QUIET_S, STREAM, Sent, first_checked, last_number
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.problems import accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.gateway.api.sequencers import SequencerPrefix
from ocs_ray.models.procedure import ProcedureCommand
from ocs_ray.models.procedure_messages import CommandResult, ProcedureStatus


def routes(port: Any) -> APIRouter:
    """The procedure of a sequencer."""
    router = APIRouter(prefix="/sequencers/{prefix}/procedure", route_class=ApiRoute, tags=["procedure"])

    @router.get(
        "",
        operation_id="getProcedure",
        summary="Where the procedure stands, and its last changes",
        response_model=ProcedureStatus,
        dependencies=[Depends(needs("GetProcedure"))],
    )
    async def procedure(prefix: SequencerPrefix) -> Response:
        return json_response(await Sequencer.at(prefix, port=port).procedure_state())

    @router.post(
        "/commands",
        operation_id="sendProcedureCommand",
        summary="Hold, resume, stop, abort, reset and the rest",
        response_model=CommandResult,
        dependencies=[Depends(needs("SendCommand", "prefix"))],
    )
    async def command(
        request: Request,
        prefix: SequencerPrefix,
        command: Annotated[ProcedureCommand, Body(examples=["HOLD"])],
        wait_s: Annotated[
            float, Body(ge=0, le=300, description="How long to wait until it has been carried out, in seconds.")
        ] = 0.0,
    ) -> Response:
        sequencer = Sequencer.at(prefix, port=keyed(port, request))
        sender = caller_of(request).name or "http"
        wait = timedelta(seconds=wait_s)
        return json_response(accepted(await sequencer.send_command(command, wait=wait, sender=sender)))

    @router.get(
        "/events",
        operation_id="followProcedure",
        summary="Changes of the procedure as a stream",
        responses=STREAM,
        openapi_extra=DOC,
        response_class=Response,
        dependencies=[Depends(needs("WatchProcedure"))],
    )
    async def follow(request: Request, prefix: SequencerPrefix) -> Response:
        return await first_checked(_changes(Sequencer.at(prefix, port=port), last_number(request)))

    return router


async def _changes(sequencer: Sequencer, last: int | None) -> AsyncGenerator[Sent, None]:
    now = await sequencer.procedure_state()
    number = 0 if last is None or now.number < last else last
    yield QUIET
    while True:
        seen = await sequencer.watch_procedure(number, QUIET_S)
        for change in seen.changes:
            yield Sent(str(change.number), "procedure", change)
        if seen.number == number:
            yield QUIET
        number = seen.number
