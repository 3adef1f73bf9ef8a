"""The API of our own, ``/api/v1``: each resource in a file of its name."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.openapi.utils import get_openapi

import ocs_ray
from ocs_ray.gateway.api import (
    components,
    instances,
    machines,
    messages,
    obs_modes,
    packages,
    problems,
    procedure,
    route,
    runs,
    sequencers,
    steps,
)
from ocs_ray.gateway.problem_types import BASE
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port

_DESCRIPTION: Final = (
    "The observatory over HTTP. Every refusal is problem details (RFC 9457). An `Idempotency-Key` on what changes "
    "something makes a repeat take effect once. Streams are server-sent events and resume with `Last-Event-ID`."
)
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with the same key takes effect once and gets the first answer.",
    "schema": {"type": "string", "maxLength": 255},
}


def routes(port: Port, settings: GatewaySettings) -> APIRouter:
    """All paths below ``/api/v1``."""
    router = APIRouter(prefix=route.API, responses=route.PROBLEMS, route_class=route.ApiRoute)
    for resource in (
        machines,
        components,
        obs_modes,
        sequencers,
        steps,
        runs,
        procedure,
        packages,
        instances,
        messages,
    ):
        router.include_router(resource.routes(port))

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return route.json_response(document(request.app))

    @router.get("/problems/{slug}", operation_id="getProblemType", summary="What a type of problem means")
    async def problem(slug: Annotated[str, Path(max_length=100, examples=["unhandled"])]) -> Response:
        kind = problems.kinds().get(slug)
        if kind is None:
            raise problems.Refusal(problems.NO_SUCH_PATH, f"there is no type of problem '{slug}'")
        return route.json_response({"type": BASE + slug, "title": kind.title, "status": kind.status})

    return router


def prepare(app: FastAPI) -> None:
    """What the routes need of the application they are in."""
    route.prepare(app)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of ``/api/v1``; it is made once."""
    made: dict[str, Any] | None = getattr(app.state, "ocs_openapi", None)
    if made is None:
        made = app.state.ocs_openapi = _made(app)
    return made


def _made(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(
        title="ocs_ray",
        version=ocs_ray.__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    whole["paths"] = {path: each for path, each in whole["paths"].items() if path.startswith(route.API)}
    schemas = whole.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = problems.Problem.model_json_schema()
    whole["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for methods in whole["paths"].values():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)  # 4XX says it, and with the right content
            operation["security"] = [{}, {"token": []}] if method == "get" else [{"token": []}]
            if method != "get":
                operation.setdefault("parameters", []).append(_KEY)
    return whole
