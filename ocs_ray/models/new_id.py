"""Ids nobody else has: UUIDs of version 4. Source: RFC 9562, 5.4."""

from __future__ import annotations

from uuid import uuid4


def new_id() -> str:
    """One more id, such as ``3f2b8c1e-5d0a-4c7e-9b1f-0a2d4e6f8c1b``; whatever a script does to ``random``."""
    return str(uuid4())
