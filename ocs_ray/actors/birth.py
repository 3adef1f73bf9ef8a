"""When a component's process began, and whether it is the first one."""

from __future__ import annotations

from typing import NamedTuple

from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.time_service import utc_time_now


class Birth(NamedTuple):
    """What a status says of the process it comes from.

    Args:
        since: when it began.
        restarted: whether there was one before it that died.
    """

    since: UTCTime
    restarted: bool

    @classmethod
    def now(cls, *, restarted: bool = False) -> Birth:
        """A process that begins now."""
        return cls(utc_time_now(), restarted)
