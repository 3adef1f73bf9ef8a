"""The web application: what ESW's clients expect, the API of our own, and who may use them."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import ocs_ray
from ocs_ray.gateway import access, api, esw, waits
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port

OWN_HEADERS: Final = ("Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID")
"""What the API of our own reads beside ESW's headers."""
ANSWER_HEADERS: Final = ("Idempotency-Replayed", "Ocs-Offset", "Ocs-Next-Offset", "Ocs-Ended")
"""What it answers with."""


def create_app(settings: GatewaySettings, port: Port) -> FastAPI:
    """The application; it keeps no state, so any number of them may serve one observatory.

    Args:
        settings: where it listens and who may use it.
        port: the door to the observatory.
    """
    app = FastAPI(title="ocs_ray", version=ocs_ray.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(esw.routes(port, settings))
    app.include_router(api.routes(port, settings))
    api.prepare(app)
    waits.prepare(app, settings.access.limits.waits)
    access.protect(app, port, settings)
    app.add_middleware(  # last, so that it is outermost: a refusal, too, has to be readable in a browser
        CORSMiddleware,
        allow_origin_regex=".*",
        allow_credentials=True,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-TMT-App-Name", "X-TMT-Username", *OWN_HEADERS],
        expose_headers=["Error-Type", "ETag", "Location", "Link", "Retry-After", "WWW-Authenticate", *ANSWER_HEADERS],
        max_age=3600,
    )
    return app
