"""Who may use the gateway, and how much of it: tokens, roles, origins, limits; health and metrics."""

from __future__ import annotations

from fastapi import FastAPI

from ocs_ray.errors import AccessError
from ocs_ray.gateway.access import probes
from ocs_ray.gateway.access.gate import allow, caller_of, needs, payer_of, refused
from ocs_ray.gateway.access.guard import Guard
from ocs_ray.gateway.access.observer import Observer
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port
from ocs_ray.telemetry.gateway_metrics import GatewayMetrics

__all__ = ["allow", "caller_of", "needs", "payer_of", "protect"]


def protect(app: FastAPI, port: Port, settings: GatewaySettings) -> None:
    """Put the checks in front of every path of ``app``; a route still asks ``allow`` for what it is about to send."""
    metrics = GatewayMetrics()
    app.include_router(probes.routes(port, metrics))
    app.add_exception_handler(AccessError, refused)  # pyright: ignore[reportArgumentType]
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observer, metrics=metrics)  # added last, so it is the outermost
