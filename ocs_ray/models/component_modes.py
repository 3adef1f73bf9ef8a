"""Locks, current states and modes of devices.

Source: csw SupervisorLockMessage, LockingResponse.scala, ComponentStateSubscription, RunningMessage.Lifecycle,
DiagnosticDataMessage. That those who wait for a notice pull it is ours, as with events: see ``event_messages``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from ocs_ray.models.events import CurrentState
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.times import UTCTime


class LockComponent(Message):
    """Let only ``source`` send commands for a time; asked again by the same source it begins anew.

    Args:
        source: whose commands are taken; others' are answered Locked.
        lease_s: how long, in seconds.
    """

    kind: Literal["LockComponent"] = "LockComponent"
    source: Prefix
    lease_s: PositiveFloat


class UnlockComponent(Message):
    """Let everybody send commands again."""

    kind: Literal["UnlockComponent"] = "UnlockComponent"
    source: Prefix


class NextLockNotice(Message):
    """What becomes of a lock: answered when it is about to expire, has expired or was released, or after ``timeout_s``.

    Args:
        lock_id: from LockAcquired.
        after_warning: the warning has been heard; wait for the end.
    """

    kind: Literal["NextLockNotice"] = "NextLockNotice"
    lock_id: str
    after_warning: bool = False
    timeout_s: NonNegativeFloat = 10.0


class GetCurrentStates(Message):
    """Current states published after the one with number ``after``; waits up to ``timeout_s`` seconds for the first.

    Args:
        names: only these; all when empty.
        after: None for the latest one of each name.
    """

    kind: Literal["GetCurrentStates"] = "GetCurrentStates"
    names: tuple[str, ...] = ()
    after: NonNegativeInt | None = None
    timeout_s: NonNegativeFloat = 10.0


class DeviceGoOnline(Message):
    """Go online. Answered at once, what the handler does is not told, as in CSW; so are the next three."""

    kind: Literal["DeviceGoOnline"] = "DeviceGoOnline"


class DeviceGoOffline(Message):
    """Go offline."""

    kind: Literal["DeviceGoOffline"] = "DeviceGoOffline"


class DeviceDiagnosticMode(Message):
    """Publish diagnostic data.

    Args:
        start_time: when they should begin.
        hint: what kind.
    """

    kind: Literal["DeviceDiagnosticMode"] = "DeviceDiagnosticMode"
    start_time: UTCTime
    hint: str


class DeviceOperationsMode(Message):
    """Back from diagnostic mode."""

    kind: Literal["DeviceOperationsMode"] = "DeviceOperationsMode"


class LockAcquired(Message):
    """The lock is held; ``lock_id`` is for NextLockNotice."""

    kind: Literal["LockAcquired"] = "LockAcquired"
    lock_id: str


class AcquiringLockFailed(Message):
    """Somebody else holds it."""

    kind: Literal["AcquiringLockFailed"] = "AcquiringLockFailed"
    reason: str


class LockReleased(Message):
    """Nobody holds it any more."""

    kind: Literal["LockReleased"] = "LockReleased"


class LockAlreadyReleased(Message):
    """Nobody held it."""

    kind: Literal["LockAlreadyReleased"] = "LockAlreadyReleased"


class ReleasingLockFailed(Message):
    """Somebody else holds it."""

    kind: Literal["ReleasingLockFailed"] = "ReleasingLockFailed"
    reason: str


class LockExpiringShortly(Message):
    """Nine tenths of the lease have passed."""

    kind: Literal["LockExpiringShortly"] = "LockExpiringShortly"


class LockExpired(Message):
    """The lease has ended."""

    kind: Literal["LockExpired"] = "LockExpired"


class StillLocked(Message):
    """Nothing became of the lock yet: ask again."""

    kind: Literal["StillLocked"] = "StillLocked"


class CurrentStates(Message):
    """Current states in the order of publication.

    Args:
        last: number of the newest one published so far; the next ``after``.
    """

    states: tuple[CurrentState, ...]
    last: int


LockResponse = LockAcquired | AcquiringLockFailed
UnlockResponse = LockReleased | LockAlreadyReleased | ReleasingLockFailed
LockNotice = LockExpiringShortly | LockExpired | LockReleased | StillLocked
ModeMessage = (
    LockComponent
    | UnlockComponent
    | NextLockNotice
    | GetCurrentStates
    | DeviceGoOnline
    | DeviceGoOffline
    | DeviceDiagnosticMode
    | DeviceOperationsMode
)
