"""Who may use the gateway, and how much of it: tokens, roles, origins, limits; health and metrics."""

from __future__ import annotations

from fastapi import FastAPI

from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.port import Port


def protect(app: FastAPI, port: Port, settings: GatewaySettings) -> None:
    """Put the checks in front of every path of ``app``."""
