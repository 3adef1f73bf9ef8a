"""Alarms a script keeps up. Source: reference esw_sequencer.md 2.9; its bug of a second refresh loop is not here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.client import Alarms
from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.actor_names import ALARM_SERVICE
from ocs_ray.models.alarm_messages import SetSeverity
from ocs_ray.models.keys import string_key
from ocs_ray.models.prefix import Subsystem
from ocs_ray.scripting import AlarmHealth, AlarmKey, AlarmSeverity, Event, FullAlarmSeverity

KEY = AlarmKey("IRIS.imager", "tooWarm")


def told(stage: Any) -> list[str]:
    sent = [sent.message for sent in stage.observatory.sent if isinstance(sent.message, SetSeverity)]
    return [message.severity.value for message in sent]


def test_given_an_alarm_that_is_set_again_then_the_new_severity_alone_is_said_every_three_seconds(play: Any) -> None:
    async def story(stage: Any) -> None:
        await stage.ctx.set_severity(KEY, AlarmSeverity.Warning)
        await asyncio.sleep(7)
        assert told(stage) == ["warning"] * 3  # at 0, 3 and 6 s
        await stage.ctx.set_severity(AlarmKey("IRIS.imager", "TOOWARM"), AlarmSeverity.Critical)
        await stage.ctx.set_severity(KEY, AlarmSeverity.Okay)
        await asyncio.sleep(60)
        assert told(stage)[3:] == ["critical"] + ["okay"] * 21
        assert await Alarms(stage.observatory).severity(Subsystem.IRIS) is FullAlarmSeverity.Okay

    play(story)


def test_given_a_script_that_ends_then_its_alarm_is_disconnected_nine_seconds_later(play: Any) -> None:
    async def story(stage: Any) -> None:
        alarms = Alarms(stage.observatory)
        await stage.ctx.set_severity(KEY, AlarmSeverity.Okay)
        await asyncio.sleep(30)
        assert await alarms.health() is AlarmHealth.Good
        await stage.ctx.life.close()
        await asyncio.sleep(10)
        assert await alarms.health() is AlarmHealth.Bad
        status = await alarms.get(KEY)
        assert status is not None
        assert status.severity is FullAlarmSeverity.Disconnected

    play(story)


def test_given_changes_of_an_alarm_then_each_is_published_and_its_expiry_too(play: Any) -> None:
    async def story(stage: Any) -> None:
        seen: list[str] = []

        @stage.ctx.on_event(KEY.event_key)
        async def changed(event: Event) -> None:
            seen.append(event[string_key("severity")].head())

        alarms = Alarms(stage.observatory)
        await alarms.set_severity(KEY, AlarmSeverity.Major)
        await alarms.set_severity(KEY, AlarmSeverity.Major)
        await asyncio.sleep(20)
        await alarms.set_severity(KEY, AlarmSeverity.Okay)
        await alarms.reset(KEY)
        await asyncio.sleep(1)
        assert seen == ["major", "disconnected", "okay", "okay"]  # the last for what is latched

    play(story)


def test_given_no_alarm_service_when_set_then_the_script_is_told_and_it_is_said_as_soon_as_there_is_one(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        async def fill(_: Any) -> None:
            return None

        await stage.start(fill)
        service = stage.observatory._components[ALARM_SERVICE]
        stage.observatory.remove(ALARM_SERVICE)
        with pytest.raises(UnreachableError):
            await stage.ctx.set_severity(KEY, AlarmSeverity.Major)
        await asyncio.sleep(10)
        assert len(stage.errors) == 1
        stage.observatory.put(ALARM_SERVICE, service)
        await asyncio.sleep(4)
        assert await stage.ctx.alarms.severity() is FullAlarmSeverity.Major

    play(story)


def test_given_an_alarm_nobody_set_when_acknowledged_or_reset_then_it_is_refused_by_name(play: Any) -> None:
    async def story(stage: Any) -> None:
        for refused in (stage.ctx.alarms.acknowledge, stage.ctx.alarms.reset):
            with pytest.raises(BadInputError, match=r"IRIS\.imager\.tooWarm: there is no such alarm"):
                await refused(KEY)
        await stage.ctx.set_severity(KEY, AlarmSeverity.Major)
        await stage.ctx.alarms.acknowledge(KEY)
        summary = await stage.ctx.alarms.summary(prefix_start="IRIS")
        assert [status.acknowledged for status in summary.alarms] == [True]

    play(story)
