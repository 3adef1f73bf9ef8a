"""Which ports a gateway took, in Ray's own store; see ``component_notes``."""

from __future__ import annotations

from typing import Final

from ray.experimental.internal_kv import (
    _internal_kv_get,  # pyright: ignore[reportPrivateUsage]
    _internal_kv_put,  # pyright: ignore[reportPrivateUsage]
)

from ocs_ray.models.gateway_settings import GatewayStatus

ROOM: Final = b"ocs_gateway"
KEY: Final = b"ports"


class RayPortNote:
    """See ``gateway_shell.PortNotes``.

    Args:
        kept: whether what was kept is this gateway's own: it was restarted, and is no new one.
    """

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept

    def read(self) -> GatewayStatus | None:
        """What this gateway kept before its process died."""
        kept = _internal_kv_get(KEY, namespace=ROOM) if self._kept else None
        return None if kept is None else GatewayStatus.model_validate_json(kept)

    def write(self, status: GatewayStatus) -> None:
        """Keep it in place of the last one."""
        _internal_kv_put(KEY, status.model_dump_json().encode(), overwrite=True, namespace=ROOM)
