"""Ids nobody else has: UUIDs of version 4. Source: RFC 9562, 5.4.

``uuid.uuid4`` asks the kernel each time, which costs a busy process 8 microseconds; a request, a run and a step each
need one. The generator here is seeded by the kernel, and anew in every forked process. They are names, no secrets.
"""

from __future__ import annotations

from random import getrandbits
from typing import Final

_VARIANT: Final = "89ab"


def new_id() -> str:
    """One more id, such as ``3f2b8c1e-5d0a-4c7e-9b1f-0a2d4e6f8c1b``."""
    bits = getrandbits(128)
    digits = f"{bits:032x}"
    variant = _VARIANT[bits & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
