"""What routes ask before they do anything."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from ocs_ray.models.prefix import Prefix


def allow(connection: HTTPConnection, kind: str, target: Prefix | str | None = None) -> None:
    """Let a message through, or not.

    Args:
        connection: the request, or the WebSocket.
        kind: of the message, or ESW's ``_type``.
        target: who it is for.
    """
