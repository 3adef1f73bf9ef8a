"""Alarms: setting and keeping them up, reading them. Source: esw AlarmServiceDsl.kt, csw AlarmService.scala."""

from __future__ import annotations

import asyncio
from typing import Final

from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import ALARM_SERVICE
from ocs_ray.models.alarm_messages import (
    AcknowledgeAlarm,
    AlarmStatus,
    AlarmSummary,
    GetAlarm,
    GetAlarms,
    ResetAlarm,
    SetSeverity,
)
from ocs_ray.models.alarms import AlarmHealth, AlarmKey, AlarmSeverity, FullAlarmSeverity
from ocs_ray.models.prefix import Subsystem
from ocs_ray.scripting.background import Background, Cancellable, Report
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.port import Port, current_port

REFRESH_S: Final = 3.0
"""How often a severity is said again, in seconds. Source: csw-alarm.refresh-interval."""


class Alarms:
    """The alarm service.

    Args:
        port: the door to use; the running script's, or that of ``connect()``, when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    @property
    def port(self) -> Port:
        """The door in use."""
        return self._port or current_port()

    async def set_severity(self, key: AlarmKey, severity: AlarmSeverity) -> None:
        """Say how severe an alarm is, for 9 s; then it is Disconnected. A script's ``ctx.set_severity`` keeps it up."""
        await self.port.ask(ALARM_SERVICE, SetSeverity(key=key, severity=severity), ASK_S)

    async def get(self, key: AlarmKey) -> AlarmStatus | None:
        """One alarm with its latched severity; None when it was never set."""
        return await self.port.ask(ALARM_SERVICE, GetAlarm(key=key), ASK_S)

    async def summary(self, subsystem: Subsystem | None = None, *, prefix_start: str = "") -> AlarmSummary:
        """The alarms that fit everything given, and the worst severity and health among them.

        Args:
            prefix_start: what the prefixes of their components begin with: ``IRIS.imager``.
        """
        return await self.port.ask(ALARM_SERVICE, GetAlarms(subsystem=subsystem, prefix_start=prefix_start), ASK_S)

    async def severity(self, subsystem: Subsystem | None = None) -> FullAlarmSeverity | None:
        """The worst severity of a subsystem, or of all; None when there is no alarm."""
        return (await self.summary(subsystem)).severity

    async def health(self, subsystem: Subsystem | None = None) -> AlarmHealth | None:
        """Good, Ill or Bad: what the worst severity of a subsystem, or of all, means; None when there is no alarm."""
        return (await self.summary(subsystem)).health

    async def acknowledge(self, key: AlarmKey) -> None:
        """Say that somebody has seen an alarm.

        Raises:
            BadInputError: it was never set.
        """
        await self.port.ask(ALARM_SERVICE, AcknowledgeAlarm(key=key), ASK_S)

    async def reset(self, key: AlarmKey) -> None:
        """Acknowledge, and let the latched severity be the present one.

        Raises:
            BadInputError: it was never set.
        """
        await self.port.ask(ALARM_SERVICE, ResetAlarm(key=key), ASK_S)


class SeverityRefresh:
    """Keeps the alarms of one script up, with one loop an alarm.

    Args:
        alarms: the alarm service.
        background: ends the loops.
        report: is told when the service cannot be reached.
    """

    def __init__(self, alarms: Alarms, background: Background, report: Report) -> None:
        self._alarms, self._background, self._report = alarms, background, report
        self._wanted: dict[str, tuple[AlarmKey, AlarmSeverity]] = {}
        self._loops: dict[str, Cancellable] = {}
        self._sending = asyncio.Lock()  # so that a refresh under way does not come after what replaces it

    async def set(self, key: AlarmKey, severity: AlarmSeverity) -> None:
        """Set an alarm and refresh it from now on; set again, the new severity is refreshed instead.

        Raises:
            UnreachableError: the alarm service does not answer; it is told all the same as soon as it does.
        """
        id_ = key.value
        self._wanted[id_] = key, severity
        if id_ not in self._loops:
            self._loops[id_] = self._background.launch(lambda handle: self._refresh(id_, handle))
        await self._send(id_)

    async def _send(self, id_: str) -> None:
        async with self._sending:
            await self._alarms.set_severity(*self._wanted[id_])

    async def _refresh(self, id_: str, handle: Cancellable) -> None:
        silent = False
        while handle.goes_on:
            await asyncio.sleep(REFRESH_S)
            try:
                await self._send(id_)
                silent = False
            except OcsError as failure:
                if not silent:
                    await self._report(failure)
                silent = True
