"""The API of our own, ``/api/v1``."""

from __future__ import annotations

from fastapi import APIRouter

from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port


def routes(port: Port, settings: GatewaySettings) -> APIRouter:
    """All paths below ``/api/v1``."""
    return APIRouter(prefix="/api/v1")
