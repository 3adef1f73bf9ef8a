"""``/sequencers/{prefix}/runs``: submit, load and start sequences; what became of them; progress as a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ocs_ray.client import Sequencer
from ocs_ray.errors import LostReplyError
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.event_stream import DOC, QUIET, QUIET_S, STREAM, Sent, first_checked, last_number
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.paging import Cursor, Limit, number_of, page
from ocs_ray.gateway.api.problems import NO_SUCH_RUN, UNHANDLED, Refusal, accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.gateway.api.sequencers import SequencerPrefix
from ocs_ray.gateway.waits import held
from ocs_ray.models import wire
from ocs_ray.models.commands import Sequence
from ocs_ray.models.responses import Invalid, Started
from ocs_ray.models.sequencer_messages import RunRecord, SequencerSnapshot
from ocs_ray.models.sequencer_replies import Ok

_SETUP: Final = {
    "_type": "Setup",
    "source": "ESW.night",
    "commandName": "preset",
    "maybeObsId": "2026B-001-001",
    "paramSet": [],
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": {"type": "object"}, "description": "CSW's JSON of a sequence."},
                "examples": {"one step": {"value": [_SETUP]}},
            }
        },
    }
}
RunId = Annotated[str, Path(max_length=200, examples=["7c1f0c1e-5d6a-4b0e-9a65-2f2f4f0f8d11"])]


def routes(port: Any) -> APIRouter:
    """The runs of a sequencer."""
    router = APIRouter(prefix="/sequencers/{prefix}", route_class=ApiRoute, tags=["runs"])

    @router.post(
        "/runs",
        operation_id="submitSequence",
        summary="Start a sequence",
        status_code=201,
        openapi_extra=_BODY,
        dependencies=[Depends(needs("SubmitSequence", "prefix"))],
    )
    async def submit(request: Request, prefix: SequencerPrefix) -> Response:
        sequence = wire.decode_text(Sequence, await request.body())
        sequencer = Sequencer.at(prefix, port=keyed(port, request))
        return _started(request, prefix, await sequencer.submit(sequence, resume_on_error=True))

    @router.put(
        "/loaded",
        operation_id="loadSequence",
        summary="Hand over a sequence without starting it",
        response_model=Ok,
        openapi_extra=_BODY,
        dependencies=[Depends(needs("LoadSequence", "prefix"))],
    )
    async def load(request: Request, prefix: SequencerPrefix) -> Response:
        sequence = wire.decode_text(Sequence, await request.body())
        return json_response(accepted(await Sequencer.at(prefix, port=keyed(port, request)).load(sequence)))

    @router.post(
        "/loaded/start",
        operation_id="startLoaded",
        summary="Start what was loaded",
        status_code=201,
        dependencies=[Depends(needs("StartSequence", "prefix"))],
    )
    async def start(request: Request, prefix: SequencerPrefix) -> Response:
        sequencer = Sequencer.at(prefix, port=keyed(port, request))
        return _started(request, prefix, await sequencer.start(resume_on_error=True))

    @router.post(
        "/runs/retry-failed",
        operation_id="retryFailed",
        summary="Go on with the last run, which failed, at its failed step",
        status_code=201,
        dependencies=[Depends(needs("RetryFailed", "prefix"))],
    )
    async def retry(request: Request, prefix: SequencerPrefix) -> Response:
        sequencer = Sequencer.at(prefix, port=keyed(port, request))
        return _started(request, prefix, await sequencer.retry_failed(resume_on_error=True))

    @router.get(
        "/runs",
        operation_id="listRuns",
        summary="The last runs, the newest first",
        dependencies=[Depends(needs("GetRuns"))],
    )
    async def runs(request: Request, prefix: SequencerPrefix, limit: Limit = 20, cursor: Cursor = "") -> Response:
        # a run's number counts from the oldest that is kept, so that new runs do not move the pages
        kept = await Sequencer.at(prefix, port=port).runs()
        return _page_of_runs(request, kept, limit, cursor)

    @router.get(
        "/runs/{run_id}",
        operation_id="getRun",
        summary="One run with its times, steps and response",
        dependencies=[Depends(needs("GetRuns"))],
    )
    async def run(prefix: SequencerPrefix, run_id: RunId) -> Response:
        return json_response(await _run(port, prefix, run_id))

    @router.get(
        "/runs/{run_id}/response",
        operation_id="getResponse",
        summary="The response of a run, waiting for its end up to wait_s",
        dependencies=[Depends(needs("QueryFinal"))],
    )
    async def response(
        request: Request,
        prefix: SequencerPrefix,
        run_id: RunId,
        wait_s: Annotated[float, Query(ge=0, le=300, description="Longest wait for its end, in seconds.")] = 0.0,
    ) -> Response:
        found = (await _run(port, prefix, run_id)).response
        if wait_s > 0 and not found.is_final:
            sequencer = Sequencer.at(prefix, port=port)
            try:
                wait = timedelta(seconds=wait_s)
                found = await held(request, lambda: sequencer.query_final(run_id, wait, resume_on_error=True))
            except LostReplyError:  # it goes on
                found = (await _run(port, prefix, run_id)).response
        return json_response(found)

    @router.get(
        "/events",
        operation_id="followSequencer",
        summary="Steps and state as a stream: a snapshot, then what changed",
        responses=STREAM,
        openapi_extra=DOC,
        response_class=Response,
        dependencies=[Depends(needs("Watch"))],
    )
    async def follow(request: Request, prefix: SequencerPrefix) -> Response:
        return await first_checked(_changes(Sequencer.at(prefix, port=port), last_number(request)))

    return router


def _started(request: Request, prefix: str, reply: Any) -> Response:
    if isinstance(reply, Invalid) and reply.issue.type.value in ("UnsupportedCommandInStateIssue",):
        raise Refusal(UNHANDLED, reply.reason, reply)
    accepted(reply)
    assert isinstance(reply, Started) or reply.is_final
    base = request.url.path.partition(f"/{prefix}/")[0]
    return json_response(reply, 201, {"Location": f"{base}/{prefix}/runs/{reply.run_id}"})


async def _run(port: Any, prefix: str, run_id: str) -> RunRecord:
    found = await Sequencer.at(prefix, port=port).runs(run_id)
    if not found:
        raise Refusal(NO_SUCH_RUN, f"{prefix} knows no run {run_id}; it keeps the last ones only")
    return found[0]


def _page_of_runs(request: Request, kept: tuple[RunRecord, ...], limit: int, cursor: str) -> Response:
    newest_first = sorted(kept, key=lambda each: each.started_at, reverse=True)
    before = number_of(cursor)  # start of the last run seen, in microseconds of Unix time
    left = [each for each in newest_first if not before or _microseconds(each) < before]
    shown = left[:limit]
    return page(request, shown, _microseconds(shown[-1]) if len(left) > limit else None)


def _microseconds(run: RunRecord) -> int:
    return round(run.started_at * 1e6)


async def _changes(sequencer: Sequencer, last: int | None) -> AsyncGenerator[Sent, None]:
    version = last or 0
    if last is not None:  # something is said at once: whoever comes back sees that the stream is there
        now = await sequencer.snapshot()
        if now.version < last:  # another sequencer of this name, whose versions began anew
            version = 0
        elif now.version == last and not now.killed:
            yield QUIET
    while True:
        news = await sequencer.watch(version, QUIET_S if version else 0.0)
        if news.version == version and not news.killed:
            yield QUIET
            continue
        kind = "snapshot" if isinstance(news, SequencerSnapshot) else "changes"
        version = news.version
        yield Sent(str(version), kind, news)
        if news.killed:
            return
