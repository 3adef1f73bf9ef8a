"""When a component's process began, and how many there were before it."""

from __future__ import annotations

from typing import NamedTuple

from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.time_service import utc_time_now


class Birth(NamedTuple):
    """What a status says of the process it comes from.

    Args:
        since: when it began.
        restarts: how many there were before it that died.
    """

    since: UTCTime
    restarts: int

    @classmethod
    def now(cls, *, restarts: int = 0) -> Birth:
        """A process that begins now."""
        return cls(utc_time_now(), restarts)

    @property
    def restarted(self) -> bool:
        """Whether it is not the first one."""
        return self.restarts > 0
