"""``/obs-modes``, ``/plan``, ``/resources`` and ``/observatory``: what the Sequence Manager knows and does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from ocs_ray.client import SequenceManager
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.event_stream import DOC, LAST, QUIET, QUIET_S, STREAM, Sent, first_checked
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.problems import accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.gateway.broadcasts import Broadcast, Broadcasts
from ocs_ray.models import wire
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    ManagerStatus,
    ObsModesDetails,
    ObsModesReloaded,
    Plan,
    ResourcesStatus,
    Success,
)

LOOK_S: Final = 1.0
"""How often the Sequence Manager is asked while somebody follows the observatory, in seconds."""
Mode = Annotated[str, Path(description="Name of the observing mode.", examples=["IRIS_ImagerOnly"], max_length=200)]


def routes(port: Any) -> APIRouter:
    """All that the Sequence Manager answers."""
    router, looks = APIRouter(route_class=ApiRoute, tags=["observing modes"]), _looks(port)

    @router.get(
        "/obs-modes",
        operation_id="listObsModes",
        summary="Observing modes, and whether each could be configured now",
        response_model=ObsModesDetails,
        dependencies=[Depends(needs("GetObsModesDetails"))],
    )
    async def modes() -> Response:
        return json_response(accepted(await SequenceManager(port).obs_modes_details()))

    @router.post(
        "/obs-modes/reload",
        operation_id="reloadObsModes",
        summary="Read the catalogue of observing modes anew",
        response_model=ObsModesReloaded,
        dependencies=[Depends(needs("ReloadObsModes"))],
    )
    async def reload(request: Request) -> Response:
        return json_response(accepted(await SequenceManager(keyed(port, request)).reload_obs_modes()))

    @router.post(
        "/obs-modes/{mode}/configure",
        operation_id="configureObsMode",
        summary="Start the sequencers of a mode and hold its resources",
        response_model=Success,
        dependencies=[Depends(needs("Configure"))],
    )
    async def configure(
        request: Request,
        mode: Mode,
        time_factor: Annotated[float | None, Body(embed=True, gt=0, le=1000, examples=[0.05])] = None,
    ) -> Response:
        manager = SequenceManager(keyed(port, request))
        return json_response(accepted(await manager.configure(ObsMode(mode), time_factor)))

    @router.post(
        "/obs-modes/{mode}/shutdown",
        operation_id="shutdownObsMode",
        summary="End the sequencers of a mode and release its resources",
        response_model=Success,
        dependencies=[Depends(needs("ShutdownObsModeSequencers"))],
    )
    async def shutdown(request: Request, mode: Mode) -> Response:
        return json_response(accepted(await SequenceManager(keyed(port, request)).shutdown_obs_mode(ObsMode(mode))))

    @router.get(
        "/plan",
        operation_id="getPlan",
        summary="Which modes can run together, and what each still lacks",
        response_model=Plan,
        dependencies=[Depends(needs("GetPlan"))],
    )
    async def plan(mode: Annotated[list[str], Query(max_length=100, examples=[["IRIS_ImagerOnly"]])] = []) -> Response:  # noqa: B006
        return json_response(accepted(await SequenceManager(port).plan([ObsMode(each) for each in mode])))

    @router.get(
        "/resources",
        operation_id="listResources",
        summary="Resources, and which mode holds each",
        response_model=ResourcesStatus,
        dependencies=[Depends(needs("GetResources"))],
    )
    async def resources() -> Response:
        return json_response(accepted(await SequenceManager(port).resources()))

    @router.get(
        "/observatory",
        operation_id="getObservatory",
        summary="Machines, components, sequencers, running modes",
        response_model=ManagerStatus,
        dependencies=[Depends(needs("GetManagerStatus"))],
    )
    async def observatory() -> Response:
        return json_response(await SequenceManager(port).status())

    @router.get(
        "/observatory/events",
        operation_id="followObservatory",
        summary="The same as a stream, whenever something changed",
        responses=STREAM,
        openapi_extra=DOC,
        response_class=Response,
        dependencies=[Depends(needs("GetManagerStatus"))],
    )
    async def follow(request: Request) -> Response:
        return await first_checked(_states(looks, request.headers.get(LAST, "")))

    return router


class _Look(NamedTuple):
    """The state of the observatory, and its digest."""

    digest: str
    status: ManagerStatus


def _looks(port: Any) -> Broadcasts[None, _Look]:
    """One look at the Sequence Manager for all who follow the observatory."""

    async def look(_: None, broadcast: Broadcast[_Look]) -> None:
        while True:
            status = await SequenceManager(port).status()
            digest = hashlib.sha256(wire.encode_text(status).encode()).hexdigest()[:32]
            broadcast.publish(_Look(digest, status))
            await asyncio.sleep(LOOK_S)

    return Broadcasts(look)


async def _states(looks: Broadcasts[None, _Look], seen: str) -> AsyncGenerator[Sent, None]:
    """The state of the observatory; its id is its digest, so it is sent again only when it changed."""
    async with aclosing(looks.follow(None, QUIET_S)) as news:
        async for look in news:
            # something is said at once: whoever comes back sees that the stream is there
            if look is None or look.digest == seen:
                yield QUIET
            else:
                seen = look.digest
                yield Sent(look.digest, "observatory", look.status)
