"""The alarm service: a thin shell around ``core.alarm_states``. Source: csw-alarm.

Its memory ends with its process. Ray starts it again, and whoever refreshes an alarm tells it within 3 s; what had
latched before is not known any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ocs_ray.core.alarm_states import AlarmTable, Now
from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.models.alarm_messages import (
    AcknowledgeAlarm,
    AlarmStatus,
    GetAlarm,
    GetAlarms,
    ResetAlarm,
    SetSeverity,
)
from ocs_ray.models.alarms import ALARM_SOURCE, AlarmKey
from ocs_ray.models.keys import boolean_key, string_key
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.port import Port

SEVERITY, LATCHED = string_key("severity"), string_key("latchedSeverity")
ACKNOWLEDGED = boolean_key("acknowledged")


class AlarmServiceShell:
    """Keeps the alarms, and publishes their changes.

    Args:
        port: the door to the event service.
    """

    def __init__(self, port: Port) -> None:
        self._table = AlarmTable()
        self._events = Events(ALARM_SOURCE, port)
        self._expiry: asyncio.TimerHandle | None = None
        self._untold: list[AlarmStatus] = []
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Nothing to prepare."""

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.alarm_messages``."""
        now = _now()
        self._tell(self._table.expire(now))
        match message:
            case SetSeverity(key=key, severity=severity):
                self._tell(self._table.set_severity(key, severity, now))
                self._watch_expiry(now)
                return Ok()
            case AcknowledgeAlarm(key=key):
                return self._done(key, self._table.acknowledge(key))
            case ResetAlarm(key=key):
                return self._done(key, self._table.reset(key))
            case GetAlarm(key=key):
                return self._table.get(key)
            case GetAlarms(subsystem=subsystem, prefix_start=prefix_start):
                return self._table.summary(subsystem, prefix_start)
            case GetStatus():
                return Ok()
            case _:
                raise TypeError(f"the alarm service does not understand {type(message).__name__}")

    def _done(self, key: AlarmKey, changed: list[AlarmStatus] | None) -> Ok:
        if changed is None:
            remedy = "it is known once its component sets its severity"
            raise BadInputError(where=f"alarm {key}", problem="there is no such alarm", remedy=remedy)
        self._tell(changed)
        return Ok()

    def _watch_expiry(self, now: Now) -> None:
        if self._expiry is None and (at := self._table.next_expiry_s) is not None:
            self._expiry = asyncio.get_running_loop().call_later(at - now.clock_s, self._expired)

    def _expired(self) -> None:
        self._expiry = None
        now = _now()
        self._tell(self._table.expire(now))
        self._watch_expiry(now)

    # -- events --------------------------------------------------------------------------------------------------

    def _tell(self, changed: Iterable[AlarmStatus]) -> None:
        """Publish changes in their order; nobody waits for that."""
        self._untold += changed
        if self._untold and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while self._untold:
            status = self._untold.pop(0)
            params = (
                SEVERITY.set(status.severity.value),
                LATCHED.set(status.latched_severity.value),
                ACKNOWLEDGED.set(status.acknowledged),
            )
            with suppress(OcsError):  # without an event service, who wants to know asks
                await self._events.publish_system_event(status.key.event_key.event_name, *params)


def _now() -> Now:
    return Now(asyncio.get_running_loop().time(), time.time())
