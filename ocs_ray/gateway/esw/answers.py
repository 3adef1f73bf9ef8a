"""How ESW's servers answer over HTTP, and what a failure looks like. Source: msocket; reference esw_sm 7.1, 7.2."""

from __future__ import annotations

import logging
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response

from ocs_ray.errors import BadInputError, LostReplyError, OcsError
from ocs_ray.models import wire
from ocs_ray.models.esw_sequencer import InvalidComponent
from ocs_ray.models.locations import (
    OtherLocationIsRegistered,
    RegistrationFailed,
    RegistrationListingFailed,
    UnregistrationFailed,
)

LOG: Final = logging.getLogger("ocs.gateway.esw")
JSON: Final = "application/json"
ERROR_TYPE: Final = "Error-Type"
STREAM_OVER: Final = object()
"""In place of a further frame: what was followed is gone for good, and the socket is closed."""
DOMAIN_ERRORS: Final = (
    InvalidComponent,
    RegistrationFailed,
    OtherLocationIsRegistered,
    UnregistrationFailed,
    RegistrationListingFailed,
)
"""What ESW throws and sends as 500; every other refusal is an answer like any other."""


def answered(answer: object) -> Response:
    """200, or what ESW makes of an answer that is an exception there."""
    if isinstance(answer, DOMAIN_ERRORS):
        return _json(domain_error(answer), 500, "DomainError")
    return _json_text(wire.encode_text(answer))


def failed(failure: Exception) -> Response:
    """400 for what the sender can correct, else 500 as ESW's servers write it."""
    if isinstance(failure, BadInputError):
        return malformed(failure)
    return _json(generic_error(failure), 500, "GenericError")


def malformed(problem: BadInputError) -> Response:
    """400, with what is wrong and where."""
    return PlainTextResponse(malformed_text(problem), 400)


def malformed_text(problem: BadInputError) -> str:
    """What a malformed request is answered with."""
    return f"The request content was malformed:\n{problem}"


def domain_error(answer: Any) -> dict[str, Any]:
    """The body of a failure ESW has a type for."""
    body = wire.encode(answer)
    return {**body, "error_message": body.get("msg", f"{body['_type']}: {body.get('connection', '')}")}


def generic_error(failure: Exception) -> dict[str, Any]:
    """The body of any other failure."""
    if isinstance(failure, (LostReplyError, TimeoutError)):
        name = "TimeoutException"
    elif isinstance(failure, OcsError):
        name = type(failure).__name__
    else:
        LOG.error("a request of ESW's contract broke", exc_info=failure)
        return {"error_name": "InternalError", "error_message": "the gateway could not answer; its log tells why"}
    return {"error_name": name, "error_message": str(failure)}


def _json(body: dict[str, Any], status: int, error_type: str) -> Response:
    return _json_text(wire.encode_text(body), status, {ERROR_TYPE: error_type})


def _json_text(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, media_type=JSON)
