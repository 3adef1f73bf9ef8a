"""``/sequencers/{prefix}/steps``: the step list, and edits that are refused when it has moved since it was read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from ocs_ray.client import Sequencer
from ocs_ray.errors import BadInputError
from ocs_ray.gateway.access import allow, needs
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.problems import MOVED, Refusal, accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.gateway.api.sequencers import SequencerPrefix
from ocs_ray.models import wire
from ocs_ray.models.editor_messages import (
    Add,
    AddBreakpoint,
    AnyEdit,
    Delete,
    Edit,
    InsertAfter,
    Move,
    Pause,
    Prepend,
    RemoveBreakpoint,
    Replace,
    Reset,
    Resume,
    Skip,
    StepOnce,
)
from ocs_ray.models.message_kinds import message_from
from ocs_ray.models.sequencer_messages import SequencerSnapshot

_TAG: Final = re.compile(r'"(\d{1,15})\.(\d{1,15})"')
_SETUP: Final = {"_type": "Setup", "source": "ESW.night", "commandName": "preset", "paramSet": []}
_KINDS: Final = sorted(edit.model_fields["kind"].default for edit in AnyEdit.__args__)
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {
                        "kind": {"type": "string", "enum": _KINDS},
                        "id": {"type": "string", "description": "The step it is about."},
                        "after": {"type": ["string", "null"], "description": "For Move: the step before it."},
                        "commands": {"type": "array", "items": {"type": "object"}},
                    },
                },
                "examples": {
                    "pause": {"value": {"kind": "Pause"}},
                    "add": {"value": {"kind": "Add", "commands": [_SETUP]}},
                    "breakpoint": {"value": {"kind": "AddBreakpoint", "id": "a8c0e1d2"}},
                },
            }
        },
    },
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "ETag of the list the edit was made for; 412 when the list has moved since.",
            "schema": {"type": "string", "maxLength": 100},
        }
    ],
}


def routes(port: Any) -> APIRouter:
    """The step list of a sequencer."""
    router = APIRouter(prefix="/sequencers/{prefix}/steps", route_class=ApiRoute, tags=["steps"])

    @router.get(
        "",
        operation_id="getSteps",
        summary="The step list, with its ETag",
        dependencies=[Depends(needs("GetSequence"))],
    )
    async def steps(request: Request, prefix: SequencerPrefix) -> Response:
        seen = await Sequencer.at(prefix, port=port).snapshot()
        headers = {"ETag": tag_of(seen), "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match", "").strip() == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return json_response(seen, headers=headers)

    @router.get(
        "/{id}",
        operation_id="getStep",
        summary="One step",
        dependencies=[Depends(needs("GetSequence"))],
    )
    async def step(
        prefix: SequencerPrefix,
        id: Annotated[str, Path(max_length=200, examples=["7c1f0c1e-5d6a-4b0e-9a65-2f2f4f0f8d11"])],
    ) -> Response:
        from ocs_ray.models.sequencer_replies import IdDoesNotExist

        seen = await Sequencer.at(prefix, port=port).snapshot()
        return json_response(
            next((each for each in seen.steps if each.id == id), None) or accepted(IdDoesNotExist(id=id))
        )

    @router.post(
        "/edits",
        operation_id="editSteps",
        summary="Edit the steps that have not begun; pause, resume, run one step",
        openapi_extra=_BODY,
    )
    async def edit(request: Request, prefix: SequencerPrefix) -> Response:
        message = _edit_of(wire.parse_json(await request.body()))
        allow(request, str(getattr(message, "kind", "")), prefix)
        version = _version(request.headers.get("if-match", "").strip())
        if version is None:
            version = message.if_version
        return json_response(
            accepted(await _carried_out(Sequencer.at(prefix, port=keyed(port, request)), message, version))
        )

    return router


def tag_of(seen: SequencerSnapshot) -> str:
    """The ETag: the version edits go by, and the one that grows with every progress of a step."""
    return f'"{seen.list_version}.{seen.version}"'


def _version(if_match: str) -> int | None:
    if not if_match or if_match == "*":
        return None
    found = _TAG.fullmatch(if_match)
    if found is None:
        raise Refusal(MOVED, "If-Match: this is no ETag of a step list")
    return int(found[1])


def _edit_of(parsed: Any) -> Edit:
    message = message_from(parsed)
    if not isinstance(message, Edit):
        raise BadInputError("$.kind", "this is no edit of a step list", f"known: {', '.join(_KINDS)}")
    return message


async def _carried_out(sequencer: Sequencer, edit: Edit, version: int | None) -> Any:
    match edit:
        case Add(commands=commands):
            return await sequencer.add(*commands, if_version=version)
        case Prepend(commands=commands):
            return await sequencer.prepend(*commands, if_version=version)
        case Replace(id=id_, commands=commands):
            return await sequencer.replace(id_, *commands, if_version=version)
        case InsertAfter(id=id_, commands=commands):
            return await sequencer.insert_after(id_, *commands, if_version=version)
        case Delete(id=id_):
            return await sequencer.delete(id_, if_version=version)
        case AddBreakpoint(id=id_):
            return await sequencer.add_breakpoint(id_, if_version=version)
        case RemoveBreakpoint(id=id_):
            return await sequencer.remove_breakpoint(id_, if_version=version)
        case Skip(id=id_):
            return await sequencer.skip(id_, if_version=version)
        case Move(id=id_, after=after):
            return await sequencer.move(id_, after, if_version=version)
        case Reset():
            return await sequencer.reset(if_version=version)
        case Pause():
            return await sequencer.pause(if_version=version)
        case Resume():
            return await sequencer.resume(if_version=version)
        case StepOnce():
            return await sequencer.step(if_version=version)
        case _:
            raise AssertionError(edit)
