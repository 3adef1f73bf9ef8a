"""ESW's wire contract: one POST and one WebSocket endpoint for all its services."""

from __future__ import annotations

from fastapi import APIRouter

from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port


def routes(port: Port, settings: GatewaySettings) -> APIRouter:
    """``/post-endpoint``, ``/websocket-endpoint`` and the config server's path."""
    return APIRouter()
