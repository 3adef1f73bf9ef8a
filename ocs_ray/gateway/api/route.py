"""What all routes of ``/api/v1`` do alike: strict JSON, one effect a key, and every error as problem details."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ocs_ray.errors import AccessError, OcsError
from ocs_ray.gateway.access import bodies, caller_of
from ocs_ray.gateway.api import problems
from ocs_ray.gateway.api.idempotency import Answers, key_of
from ocs_ray.gateway.problem_types import MEDIA, TOO_BIG
from ocs_ray.gateway.waits import NotWaitedForError
from ocs_ray.models import wire
from ocs_ray.models.wire_problems import shown

LOG: Final = logging.getLogger("ocs.gateway.api")
API: Final = "/api/v1"
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {
        "description": "Not done, and why.",
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    "5XX": {
        "description": "A part of the observatory does not answer.",
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


class ApiRoute(APIRoute):
    """One path of the API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            return await _guarded(inner, request)

        async def handle(request: Request) -> Response:
            if request.method in ("GET", "HEAD"):
                return await answered(request)
            try:
                key = key_of(request)
                if not (is_input := bodies.is_input(request.url.path)) and not _is_json(request):
                    return await answered(request)  # an upload, which is not kept in memory
                if (body := await request.body()) and not is_input:
                    wire.parse_json(body)
                answers: Answers | None = getattr(request.app.state, "ocs_answers", None)
                if not key or answers is None or not _may_be_remembered(request):
                    return await answered(request)
                return await answers.once(request, key, lambda: answered(request))
            except problems.Refusal as refusal:
                return refusal.response()
            except AccessError:
                raise  # the guard's own handler knows the headers
            except OcsError as failure:
                return problems.of_error(failure)

        return handle


def prepare(app: FastAPI) -> None:
    """Let ``app`` keep answers to keyed requests, and answer unknown paths of the API as the API does."""
    app.state.ocs_answers = Answers()

    async def no_route(request: Request, failure: Exception) -> Response:
        assert isinstance(failure, HTTPException)
        if request.url.path.startswith(API):
            return _of_http(failure)
        return Response(failure.detail, failure.status_code, failure.headers)

    app.add_exception_handler(HTTPException, no_route)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Values of ours, in lists and dicts too, as JSON."""
    return Response(wire.encode_text(value), status, headers, "application/json")


async def _guarded(inner: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    try:
        return await inner(request)
    except problems.Refusal as refusal:
        return refusal.response()
    except NotWaitedForError as ended:
        return ended.response
    except AccessError:
        raise  # the guard's own handler knows the headers
    except OcsError as failure:
        return problems.of_error(failure)
    except RequestValidationError as failure:
        return problems.Refusal(problems.BAD_INPUT, _sentence(failure)).response()
    except HTTPException as failure:
        return _of_http(failure)
    except Exception:
        LOG.exception("%s %s failed", request.method, request.url.path)
        detail = "this is a fault of the gateway; its log has the details"
        return problems.Refusal(problems.UNFORESEEN, detail).response()


def _of_http(failure: HTTPException) -> Response:
    known = {404: problems.NO_SUCH_PATH, 405: problems.WRONG_METHOD, 413: TOO_BIG}
    kind = known.get(failure.status_code, problems.BAD_INPUT._replace(status=failure.status_code))
    response = problems.Refusal(kind, str(failure.detail)).response()
    response.headers.update(failure.headers or {})
    return response


def _may_be_remembered(request: Request) -> bool:
    """Somebody unknown only reads: repeats of that need no key, and must not push out the answers to others."""
    return caller_of(request).is_welcome


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return not kind or "json" in kind.lower()


def _sentence(failure: RequestValidationError) -> str:
    first = failure.errors()[0]
    where = ".".join(str(part) for part in first.get("loc", ()))
    text = f"{where}: {first.get('msg', 'it cannot be used')}"
    given = first.get("input")
    if isinstance(given, str | int | float):
        text += f" (found {shown(given)})"
    return json.dumps(text, ensure_ascii=True)[1:-1] if not text.isprintable() else text
