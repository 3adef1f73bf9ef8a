"""The door for our own clients: any message to any component, and its reply with its type."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from ocs_ray.core.access_rules import NEEDS
from ocs_ray.core.message_recipients import understands
from ocs_ray.core.waiting_messages import waits
from ocs_ray.errors import BadInputError, ComponentFailedError, OcsError
from ocs_ray.gateway.access import allow
from ocs_ray.gateway.api.route import ApiRoute
from ocs_ray.gateway.waits import held
from ocs_ray.models import typed_json, wire
from ocs_ray.models.actor_names import parse_actor_name
from ocs_ray.models.alarm_messages import AcknowledgeAlarm, ResetAlarm, SetSeverity
from ocs_ray.models.event_messages import Publish
from ocs_ray.models.message import Message
from ocs_ray.models.message_kinds import message_from
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.port import Port

MOST_S: Final = 11 * 3600.0
"""Longest wait for a reply, in seconds; a QueryFinal may take ten hours."""
Timeout = Annotated[float, Query(gt=0, le=MOST_S, description="Longest wait for the reply, in seconds.")]
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": {"type": "string", "enum": sorted(NEEDS)}},
                },
                "examples": {"status": {"value": {"kind": "GetStatus"}}},
            }
        },
    }
}


def routes(port: Port) -> APIRouter:
    """``/messages``."""
    router = APIRouter(prefix="/messages", route_class=ApiRoute, tags=["messages"])

    @router.get("", operation_id="listComponentNames", summary="Names of all components")
    async def names(request: Request) -> Response:
        allow(request, "ListEntries")
        return _json({"names": port.names()})

    @router.post(
        "/{name}",
        operation_id="sendMessage",
        summary="Send a message to a component",
        description="For clients written in Python: `ocs_ray.client.http`. The reply says its type (`$type`).",
        openapi_extra=_BODY,
    )
    async def send(
        request: Request,
        name: Annotated[str, Path(examples=["ESW.IRIS_ImagerOnly-Sequencer"], max_length=300)],
        timeout_s: Timeout = 10.0,
    ) -> Response:
        prefix, kind, parsed = _addressed(name, await request.body())
        if kind not in _TARGET_IN_MESSAGE:
            allow(request, kind, prefix)
        message = message_from(parsed)
        if kind in _TARGET_IN_MESSAGE:
            allow(request, kind, _target(message))
        if waits(message):
            reply = await held(request, lambda: _asked(port, name, message, timeout_s))
        else:  # what was begun is carried out, whoever listens
            reply = await _asked(port, name, message, timeout_s)
        return _json({"reply": typed_json.encode(reply)})

    return router


def _addressed(name: str, body: bytes) -> tuple[Prefix, str, Any]:
    parsed = wire.parse_json(body)
    kind: Any = parsed.get("kind") if isinstance(parsed, dict) else None
    try:
        prefix, _ = parse_actor_name(name)
    except ValueError:
        remedy = "write it like ESW.IRIS_ImagerOnly-Sequencer"
        raise BadInputError("name", f"'{name}' is no name of a component", remedy) from None
    if not isinstance(kind, str) or kind not in NEEDS:
        message_from(parsed)  # says what is wrong with it, unless it is a message nobody may send from outside
        raise BadInputError("$.kind", f"{kind} is nothing one may send from outside", "")
    if not understands(name, kind):
        raise BadInputError("$.kind", f"{name} does not understand {kind}", "")
    return prefix, kind, parsed


_TARGET_IN_MESSAGE: Final = frozenset(("Publish", "SetSeverity", "AcknowledgeAlarm", "ResetAlarm"))


def _target(message: Message) -> Prefix:
    """Whom a message is about that goes to a service."""
    match message:
        case Publish(event=event):
            return event.source
        case SetSeverity(key=key) | AcknowledgeAlarm(key=key) | ResetAlarm(key=key):
            return key.prefix
        case _:
            raise AssertionError(message)


async def _asked(port: Port, name: str, message: Message, timeout_s: float) -> Any:
    try:
        return await port.ask(name, message, timeout_s)
    except OcsError:
        raise
    except Exception as failure:  # a door without Ray behind it lets through what a component raised
        raise ComponentFailedError(name=name, reason=f"{type(failure).__name__}: {failure}") from failure


def _json(value: object) -> Response:
    return Response(json.dumps(value, allow_nan=False).encode(), media_type="application/json")
