"""Alarms: their names, how severe they are, and what that means.

Source: csw Key.scala, FullAlarmSeverity.scala, AlarmHealth.scala.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.events import EventKey
from ocs_ray.models.prefix import NamedEnum, Prefix
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_model import WireModel, plain_init
from ocs_ray.models.wire_problems import shown

ALARM_SOURCE: Final = Prefix("CSW.alarm_service")
"""The alarm service's own prefix: in its name changes of alarms are published."""


class AlarmSeverity(NamedEnum):
    """What a component says of its alarm, the harmless first."""

    Okay = "okay"
    Warning = "warning"
    Major = "major"
    Indeterminate = "indeterminate"
    Critical = "critical"


class AlarmHealth(NamedEnum):
    """What the severest alarm means for those who want to observe."""

    Good = "good"
    Ill = "ill"
    Bad = "bad"


class FullAlarmSeverity(NamedEnum):
    """How severe an alarm is. ``Disconnected`` is never set: it is what an alarm becomes that nobody refreshes."""

    Okay = "okay"
    Warning = "warning"
    Major = "major"
    Indeterminate = "indeterminate"
    Disconnected = "disconnected"
    Critical = "critical"

    @property
    def level(self) -> int:
        """0 for Okay to 5 for Critical."""
        return list(FullAlarmSeverity).index(self)

    @property
    def health(self) -> AlarmHealth:
        """Good up to Warning, Ill for Major, Bad from Indeterminate on."""
        if self.level <= FullAlarmSeverity.Warning.level:
            return AlarmHealth.Good
        return AlarmHealth.Ill if self is FullAlarmSeverity.Major else AlarmHealth.Bad


class AlarmName(ValidatedText):
    """Name of an alarm of a component; none of the characters ``* [ ] ^ ? -``."""

    __slots__ = ()
    noun = "an alarm name"

    @classmethod
    def canonical(cls, text: str) -> str:
        if bad := sorted(set("*[]^?-") & set(text)):
            problem = f"the alarm name {shown(text)} holds {' '.join(bad)}"
            raise BadInputError("", problem, "use letters, digits and '_'")
        return super().canonical(text)


class AlarmKey(WireModel):
    """Which alarm of whom: ``AlarmKey("NFIRAOS.trombone", "tromboneAxisLowLimitAlarm")``."""

    prefix: Prefix
    name: AlarmName

    @plain_init
    def __init__(self, prefix: Prefix | str, name: str) -> None:
        self.fill(prefix=prefix, name=name)

    @property
    def value(self) -> str:
        """What tells alarms apart; capital letters do not."""
        return str(self).lower()

    @property
    def event_key(self) -> EventKey:
        """The event that tells its changes: that of the alarm service with ``<prefix>.<name>`` as its name."""
        return EventKey(ALARM_SOURCE, str(self))

    def __str__(self) -> str:
        return f"{self.prefix}.{self.name}"
