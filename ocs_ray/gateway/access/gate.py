"""What routes ask before they do anything: may this caller send this message? The rules: ``core.access_rules``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketState

from ocs_ray.core.access_rules import Verdict, is_read, judge, required_role
from ocs_ray.core.web_origins import origin_may_change
from ocs_ray.errors import AccessError
from ocs_ray.gateway.access.open_connections import POLICY_VIOLATION
from ocs_ray.gateway.access.refusals import REALM, refusal
from ocs_ray.models.access import Caller
from ocs_ray.models.prefix import Prefix

LOG: Final = logging.getLogger("ocs.gateway.access")


class Gate:
    """The settings a decision depends on; the guard puts it in every request's scope.

    Args:
        reads_open: whether reads need no token.
        origins: further web pages that may change things without a token.
    """

    def __init__(self, reads_open: bool, origins: tuple[str, ...]) -> None:
        self.reads_open, self.origins = reads_open, origins


def caller_of(connection: HTTPConnection) -> Caller:
    """Who makes this request."""
    return connection.scope["ocs.caller"]


def payer_of(scope: Scope) -> str:
    """Whose share of requests and waits counts: a token's, or the address of somebody without one."""
    caller: Caller = scope["ocs.caller"]
    return caller.mark if caller.is_known else address_of(scope)


def address_of(scope: Scope) -> str:
    """Where it comes from."""
    client = scope.get("client") or ("", 0)
    return f"address {client[0]}"


def allow(connection: HTTPConnection, kind: str, target: Prefix | str | None = None) -> None:
    """Let a message through, or not.

    Args:
        connection: the request, or the WebSocket.
        kind: of the message, or ESW's ``_type``.
        target: who it is for: the sequencer, the device, the source of an event. Needed for those that belong to a
            subsystem.

    Raises:
        AccessError: the caller may not; the application's handler makes the answer.
        BadInputError: ``target`` is no prefix.
    """
    caller, gate = caller_of(connection), _gate_of(connection)
    prefix = None if target is None else Prefix(target)
    if caller.is_trusted and not is_read(kind):
        _check_origin(connection, gate)
    match judge(caller, kind, prefix, reads_open=gate.reads_open):
        case Verdict.ALLOWED:
            if not is_read(kind):
                LOG.info("%s: %s for %s", caller.name or "somebody on loopback", kind, prefix or "the observatory")
        case Verdict.UNAUTHENTICATED if caller.is_undecided:
            raise AccessError(status=503, problem=caller.problem, remedy="try again in a moment")
        case Verdict.UNAUTHENTICATED:
            problem = caller.problem or f"{kind} needs a token"
            raise AccessError(status=401, problem=problem, remedy="make one: ocs token create NAME --role ROLE")
        case Verdict.FORBIDDEN:
            raise AccessError(status=403, problem=_why_not(caller, kind, prefix), remedy="")


def needs(kind: str, target: str = "") -> Callable[[Request], Awaitable[None]]:
    """The same as a dependency of a route: ``dependencies=[Depends(needs("Pause", "prefix"))]``.

    Args:
        kind: of the message the route sends.
        target: the path parameter that holds the prefix it is for.
    """

    async def check(request: Request) -> None:
        allow(request, kind, request.path_params[target] if target else None)

    return check


async def refused(connection: Any, failure: Exception) -> Response | None:
    """The application's handler of AccessError."""
    assert isinstance(failure, AccessError)
    headers = {"Retry-After": "5"} if failure.status == 503 else {}
    if failure.status == 401 and caller_of(connection).problem:
        headers["WWW-Authenticate"] = f'{REALM}, error="invalid_token"'
    response = refusal(connection.url.path, failure.status, str(failure), headers)
    if not isinstance(connection, WebSocket):
        return response
    if connection.application_state is WebSocketState.CONNECTING:
        await connection.send_denial_response(response)
    else:
        await connection.close(POLICY_VIOLATION, str(failure)[:100])
    return None


def _gate_of(connection: HTTPConnection) -> Gate:
    return connection.scope["ocs.gate"]


def _check_origin(connection: HTTPConnection, gate: Gate) -> None:
    origin = connection.headers.get("origin")
    if not origin_may_change(origin, connection.headers.get("host", ""), gate.origins):
        raise AccessError(
            status=403,
            problem=f"the web page {origin[:100] if origin else ''} may not change anything without a token",
            remedy="add it to gateway: access: allowed_origins, or use a token",
        )


def _why_not(caller: Caller, kind: str, target: Prefix | None) -> str:
    try:
        role = required_role(kind, target)
    except KeyError:
        return f"{kind} is nothing one may send from outside"
    return f"{caller.name} may not: {kind}{f' for {target}' if target else ''} needs the role {role}"
