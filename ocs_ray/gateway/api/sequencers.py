"""``/sequencers``: where each stands, and its life cycle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from ocs_ray.client import Locations, SequenceManager, Sequencer
from ocs_ray.gateway.access import allow, needs
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.problems import accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.models.identifiers import ObsMode, Variation
from ocs_ray.models.manager_replies import Success
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import SequencerStatus
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.models.times import UTCTime

SequencerPrefix = Annotated[
    str, Path(description="Prefix of the sequencer.", examples=["ESW.IRIS_ImagerOnly"], max_length=200)
]


class Action(StrEnum):
    """What a sequencer can be told besides a sequence."""

    GO_ONLINE = "go-online"
    GO_OFFLINE = "go-offline"
    OPERATIONS_MODE = "operations-mode"
    STOP = "stop"
    ABORT = "abort"


_ACTIONS: Final[dict[Action, tuple[str, Callable[[Sequencer], Awaitable[Any]]]]] = {
    Action.GO_ONLINE: ("GoOnline", lambda sequencer: sequencer.go_online()),
    Action.GO_OFFLINE: ("GoOffline", lambda sequencer: sequencer.go_offline()),
    Action.OPERATIONS_MODE: ("OperationsMode", lambda sequencer: sequencer.operations_mode()),
    Action.STOP: ("Stop", lambda sequencer: sequencer.stop()),
    Action.ABORT: ("AbortSequence", lambda sequencer: sequencer.abort_sequence()),
}


def routes(port: Any) -> APIRouter:
    """``/sequencers``."""
    router = APIRouter(prefix="/sequencers", route_class=ApiRoute, tags=["sequencers"])

    @router.get(
        "",
        operation_id="listSequencers",
        summary="Sequencers that run",
        dependencies=[Depends(needs("ListEntries"))],
    )
    async def sequencers() -> Response:
        found = await Locations(port).list(ComponentType.Sequencer)
        return json_response({"items": [{"prefix": each.connection.prefix} for each in found]})

    @router.get(
        "/{prefix}",
        operation_id="getSequencer",
        summary="Script, state, run and step of a sequencer",
        response_model=SequencerStatus,
        dependencies=[Depends(needs("GetStatus"))],
    )
    async def status(prefix: SequencerPrefix) -> Response:
        return json_response(await Sequencer.at(prefix, port=port).status())

    @router.post(
        "/{prefix}/actions/{action}",
        operation_id="actOnSequencer",
        summary="Go online or offline, back to operations mode, stop or abort the run",
        response_model=Ok,
    )
    async def act(request: Request, prefix: SequencerPrefix, action: Action) -> Response:
        kind, asked = _ACTIONS[action]
        allow(request, kind, prefix)
        return json_response(accepted(await asked(Sequencer.at(prefix, port=keyed(port, request)))))

    @router.post(
        "/{prefix}/diagnostic-mode",
        operation_id="startDiagnosticMode",
        summary="Let the sequencer publish diagnostic data",
        response_model=Ok,
        dependencies=[Depends(needs("DiagnosticMode", "prefix"))],
    )
    async def diagnostic(
        request: Request,
        prefix: SequencerPrefix,
        start_time: Annotated[str, Body(max_length=64, examples=["2026-11-28T09:00:00Z"])],
        hint: Annotated[str, Body(max_length=1000, examples=["engineering"])],
    ) -> Response:
        sequencer = Sequencer.at(prefix, port=keyed(port, request))
        return json_response(accepted(await sequencer.diagnostic_mode(UTCTime(start_time), hint)))

    @router.post(
        "/{prefix}/restart",
        operation_id="restartSequencer",
        summary="Load the sequencer's script anew, in the component it is in",
        response_model=Success,
        dependencies=[Depends(needs("RestartSequencer"))],
    )
    async def restart(request: Request, prefix: SequencerPrefix) -> Response:
        manager = SequenceManager(keyed(port, request))
        return json_response(accepted(await manager.restart_sequencer(*_parts(prefix))))

    @router.put(
        "/{prefix}",
        operation_id="startSequencer",
        summary="Start a sequencer on an idle sequence component; one that runs is left as it is",
        dependencies=[Depends(needs("StartSequencer"))],
    )
    async def start(request: Request, prefix: SequencerPrefix) -> Response:
        manager = SequenceManager(keyed(port, request))
        return json_response(accepted(await manager.start_sequencer(*_parts(prefix))))

    @router.delete(
        "/{prefix}",
        operation_id="shutdownSequencer",
        summary="End a sequencer; its sequence component stays",
        response_model=Success,
        dependencies=[Depends(needs("ShutdownSequencer"))],
    )
    async def shutdown(request: Request, prefix: SequencerPrefix) -> Response:
        manager = SequenceManager(keyed(port, request))
        return json_response(accepted(await manager.shutdown_sequencer(*_parts(prefix))))

    return router


def _parts(text: str) -> tuple[Any, ObsMode, Variation | None]:
    prefix = Prefix(text)
    mode, dot, variation = prefix.component_name.partition(".")
    return prefix.subsystem, ObsMode(mode), Variation(variation) if dot else None
