"""Who may use the gateway."""

from __future__ import annotations

from ocs_ray.models.message import Message


class AccessSettings(Message):
    """The ``access`` section of the gateway's settings."""
