"""The alarm service's memory: how severe each alarm is, was at worst, and whether anybody has seen it.

Source: csw SeverityServiceModule.scala, StatusServiceModule.scala. All alarms latch and none acknowledges itself: the
table of each alarm's properties, which CSW loads beforehand, does not exist here, and an alarm is known once it is set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from ocs_ray.models.alarm_messages import AlarmStatus, AlarmSummary
from ocs_ray.models.alarms import AlarmKey, AlarmSeverity, FullAlarmSeverity
from ocs_ray.models.prefix import Subsystem

EXPIRES_S: Final = 9.0
"""A severity nobody refreshed for so long is not known any more, in seconds: three refreshes were missed, as in CSW."""


class Now(NamedTuple):
    """The time, as the caller's two clocks have it: one that never jumps, and Unix time, both in seconds."""

    clock_s: float
    unix_s: float


class AlarmTable:
    """All alarms. ``expire`` comes before anything is looked at."""

    def __init__(self) -> None:
        self._alarms: dict[str, AlarmStatus] = {}
        self._expires_s: dict[str, float] = {}

    @property
    def next_expiry_s(self) -> float | None:
        """When the next severity runs out, on the clock that never jumps."""
        return min(self._expires_s.values(), default=None)

    def expire(self, now: Now) -> list[AlarmStatus]:
        """Let what was not refreshed become Disconnected; gives back what changed."""
        over = [id_ for id_, at in self._expires_s.items() if at <= now.clock_s]
        for id_ in over:
            del self._expires_s[id_]
            self._alarms[id_] = severed(self._alarms[id_], FullAlarmSeverity.Disconnected, now.unix_s)
        return [self._alarms[id_] for id_ in over]

    def set_severity(self, key: AlarmKey, severity: AlarmSeverity, now: Now) -> list[AlarmStatus]:
        """Set or refresh; gives back the alarm when anything but its expiry changed."""
        self._expires_s[key.value] = now.clock_s + EXPIRES_S
        full, before = FullAlarmSeverity(severity.value), self._alarms.get(key.value)
        after = begun(key, full, now.unix_s) if before is None else severed(before, full, now.unix_s)
        return self._replace(after)

    def acknowledge(self, key: AlarmKey) -> list[AlarmStatus] | None:
        """Somebody has seen it; gives back the alarm when that is new, None when there is no such alarm."""
        known = self._alarms.get(key.value)
        return None if known is None else self._replace(known.model_copy(update={"acknowledged": True}))

    def reset(self, key: AlarmKey) -> list[AlarmStatus] | None:
        """Seen and over: latched is what is; gives back the alarm when it changed, None when there is no such alarm."""
        known = self._alarms.get(key.value)
        if known is None:
            return None
        return self._replace(known.model_copy(update={"acknowledged": True, "latched_severity": known.severity}))

    def get(self, key: AlarmKey) -> AlarmStatus | None:
        """One alarm, None when it was never set."""
        return self._alarms.get(key.value)

    def summary(self, subsystem: Subsystem | None = None, prefix_start: str = "") -> AlarmSummary:
        """The alarms that fit, in the order of their names, and the worst of their severities."""
        fitting = [status for id_, status in sorted(self._alarms.items()) if id_.startswith(prefix_start.lower())]
        return summed(status for status in fitting if subsystem in (None, status.key.prefix.subsystem))

    def _replace(self, status: AlarmStatus) -> list[AlarmStatus]:
        changed = self._alarms.get(status.key.value) != status
        self._alarms[status.key.value] = status
        return [status] if changed else []


def begun(key: AlarmKey, severity: FullAlarmSeverity, unix_s: float) -> AlarmStatus:
    """An alarm that is set for the first time: what it is, is the worst it has been."""
    seen = severity is FullAlarmSeverity.Okay
    return AlarmStatus(key=key, severity=severity, latched_severity=severity, acknowledged=seen, changed_at=unix_s)


def severed(before: AlarmStatus, severity: FullAlarmSeverity, unix_s: float) -> AlarmStatus:
    """An alarm of another severity: the worst latches, and what is not Okay has to be seen anew."""
    if severity is before.severity:
        return before
    return before.model_copy(
        update={
            "severity": severity,
            "latched_severity": max(severity, before.latched_severity, key=lambda s: s.level),
            "acknowledged": before.acknowledged and severity is FullAlarmSeverity.Okay,
            "changed_at": unix_s,
        }
    )


def summed(alarms: Iterable[AlarmStatus]) -> AlarmSummary:
    """Several alarms as one: the worst counts."""
    told = tuple(alarms)
    worst = max((status.severity for status in told), key=lambda s: s.level, default=None)
    return AlarmSummary(severity=worst, health=worst.health if worst is not None else None, alarms=told)
