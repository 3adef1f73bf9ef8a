"""What the alarm service understands. Source: csw AlarmService.scala, AlarmStatus.scala."""

from __future__ import annotations

from typing import Literal

from ocs_ray.models.alarms import AlarmHealth, AlarmKey, AlarmSeverity, FullAlarmSeverity
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Subsystem


class SetSeverity(Message):
    """An alarm is this severe now; it holds for 9 s, so it is said again before."""

    kind: Literal["SetSeverity"] = "SetSeverity"
    key: AlarmKey
    severity: AlarmSeverity


class AcknowledgeAlarm(Message):
    """Somebody has seen the alarm."""

    kind: Literal["AcknowledgeAlarm"] = "AcknowledgeAlarm"
    key: AlarmKey


class ResetAlarm(Message):
    """Seen and over: the latched severity becomes the present one."""

    kind: Literal["ResetAlarm"] = "ResetAlarm"
    key: AlarmKey


class GetAlarm(Message):
    """One alarm; None when its severity was never set."""

    kind: Literal["GetAlarm"] = "GetAlarm"
    key: AlarmKey


class GetAlarms(Message):
    """All alarms that fit: of a subsystem, of the components whose prefix begins with ``prefix_start``, or all."""

    kind: Literal["GetAlarms"] = "GetAlarms"
    subsystem: Subsystem | None = None
    prefix_start: str = ""


class AlarmStatus(Message):
    """One alarm as it stands.

    Args:
        latched_severity: the highest since it was last reset.
        acknowledged: whether somebody has seen it since it last became anything but Okay.
        changed_at: Unix time in seconds since when it is this severe.
    """

    key: AlarmKey
    severity: FullAlarmSeverity
    latched_severity: FullAlarmSeverity
    acknowledged: bool
    changed_at: float


class AlarmSummary(Message):
    """Several alarms and the worst of them; severity and health are None when there is no alarm at all."""

    severity: FullAlarmSeverity | None
    health: AlarmHealth | None
    alarms: tuple[AlarmStatus, ...]
