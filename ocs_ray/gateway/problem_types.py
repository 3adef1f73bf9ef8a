"""What the ``type`` of problem details stands for (RFC 9457), and the types of what is refused before any route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

MEDIA: Final = "application/problem+json"
BASE: Final = "/api/v1/problems/"


class Kind(NamedTuple):
    """What a type of problem means."""

    slug: str
    status: int
    title: str


BAD_INPUT: Final = Kind("bad-input", 422, "What was sent cannot be used")
NOT_AVAILABLE: Final = Kind("not-available", 503, "A service does not answer")
TOO_BIG: Final = Kind("too-big", 413, "The body is too big")
BEFORE_ROUTES: Final[Mapping[int, Kind]] = {
    kind.status: kind
    for kind in (
        Kind("too-deep", 400, "The body is nested too deep"),
        Kind("unauthenticated", 401, "This needs a valid token"),
        Kind("forbidden", 403, "The caller may not do this"),
        Kind("too-slow", 408, "The body did not come in time"),
        TOO_BIG,
        Kind("not-this-host", 421, "The gateway is not called by this name"),
        Kind("too-many-requests", 429, "The caller asks too often"),
        Kind("headers-too-big", 431, "The headers are too big"),
        NOT_AVAILABLE,
    )
}
"""Status -> what it means when the guard, or a limit, answers with it."""
