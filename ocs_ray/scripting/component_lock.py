"""Who may send commands to a device. Source: csw LockManager.scala."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ocs_ray.models.component_modes import (
    AcquiringLockFailed,
    LockAcquired,
    LockAlreadyReleased,
    LockExpired,
    LockExpiringShortly,
    LockNotice,
    LockReleased,
    LockResponse,
    ReleasingLockFailed,
    StillLocked,
    UnlockResponse,
)
from ocs_ray.models.new_id import new_id
from ocs_ray.models.prefix import Prefix

WARNING_AT: Final = 0.9
"""Part of the lease after which its end is announced. Source: csw LockManager.scala."""

RELEASED_KEPT: Final = 100
"""Locks whose release is remembered for who asks what became of them."""


class ComponentLock:
    """The lock of one device.

    Args:
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._holder: Prefix | None = None
        self._lock_id = ""
        self._warns_at = self._ends_at = 0.0
        self._released: deque[str] = deque(maxlen=RELEASED_KEPT)

    def acquire(self, source: Prefix, lease_s: float) -> LockResponse:
        """Lock for ``source``; a holder that asks again holds it anew."""
        holder = self.holder
        if holder is not None and holder != source:
            return AcquiringLockFailed(reason=f"{source} can not lock it: it is locked by {holder}")
        if holder is not None:
            self._released.append(self._lock_id)
        self._holder, self._lock_id = source, new_id()
        begun = self._now()
        self._warns_at, self._ends_at = begun + lease_s * WARNING_AT, begun + lease_s
        return LockAcquired(lock_id=self._lock_id)

    def release(self, source: Prefix) -> UnlockResponse:
        """Unlock, if ``source`` holds the lock."""
        holder = self.holder
        if holder is None:
            return LockAlreadyReleased()
        if holder != source:
            return ReleasingLockFailed(reason=f"{source} can not unlock it: it is locked by {holder}")
        self._released.append(self._lock_id)
        self._holder = None
        return LockReleased()

    @property
    def holder(self) -> Prefix | None:
        """Who holds the lock now."""
        if self._holder is not None and self._now() >= self._ends_at:
            self._holder = None
        return self._holder

    def refuses(self, source: Prefix) -> bool:
        """Whether commands of ``source`` are answered Locked."""
        return self.holder not in (None, source)

    def notice(self, lock_id: str, after_warning: bool) -> LockNotice:
        """What has become of a lock."""
        if lock_id in self._released:
            return LockReleased()
        if lock_id != self._lock_id or self.holder is None:
            return LockExpired()
        return LockExpiringShortly() if not after_warning and self._now() >= self._warns_at else StillLocked()

    def until_next(self, after_warning: bool) -> float:
        """Seconds until there may be another notice."""
        return max(0.0, (self._ends_at if after_warning else self._warns_at) - self._now())
