"""How many processes an instance has, and letting go of those that ended.

The kernel's own limit, RLIMIT_NPROC, counts all processes of a user, those of other instances and of Ray included; so
the keeper counts what is below it.
"""

from __future__ import annotations

import os
import time
from typing import Final

from ocs_ray.packages.descendants import descendants_of, freeze_descendants, is_alive, reap_ended

LOOK_S: Final = 0.2
"""How often the processes are counted, in seconds."""
REAP_S: Final = 1.0


class ProcessWatch:
    """Looks after the processes below this one.

    Args:
        program: id of the program's own process.
        most: how many it may have started that are alive; None is no limit.
    """

    def __init__(self, program: int, most: int | None) -> None:
        self._program, self._most = program, most
        self._look_at = 0.0

    @property
    def patience_s(self) -> float | None:
        """How long nobody need look, in seconds; None: whenever there is something else to do."""
        return None if self._most is None else max(0.0, self._look_at - time.monotonic())

    def look(self) -> str:
        """Why it has to be ended, if it has to; everything stands still then."""
        now = time.monotonic()
        if now < self._look_at:
            return ""
        reap_ended(self._program)
        if self._most is None:
            self._look_at = now + REAP_S
            return ""
        self._look_at = now + LOOK_S
        started = [pid for pid in descendants_of(os.getpid()) if pid != self._program]
        count = len(started) if len(started) <= self._most else sum(map(is_alive, started))
        if count <= self._most:
            return ""
        freeze_descendants()
        return f"it had {count} child processes and its package.json allows {self._most}"
