"""ESW's wire contract: one POST and one WebSocket endpoint for all its services."""

from ocs_ray.gateway.esw.routes import routes

__all__ = ["routes"]
