"""The web application: what ESW's clients expect, the API of our own, and who may use them."""

from __future__ import annotations

from fastapi import FastAPI

import ocs_ray
from ocs_ray.gateway import access, api, esw
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port


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
    access.protect(app, port, settings)
    return app
