"""Severity, latching, acknowledging. Source: csw SeverityServiceModule, StatusServiceModule, AlarmHealth."""

from __future__ import annotations

import pytest

from ocs_ray.core.alarm_states import EXPIRES_S, AlarmTable, Now
from ocs_ray.errors import BadInputError
from ocs_ray.models.alarms import AlarmHealth, AlarmKey, AlarmSeverity, FullAlarmSeverity
from ocs_ray.models.prefix import Subsystem

KEY, OTHER, FAR = AlarmKey("IRIS.imager", "tooWarm"), AlarmKey("IRIS.ifs", "stuck"), AlarmKey("TCS.mount", "slow")
OKAY, WARNING, MAJOR, CRITICAL = (AlarmSeverity[name] for name in ("Okay", "Warning", "Major", "Critical"))
F = FullAlarmSeverity


def at(clock_s: float) -> Now:
    return Now(clock_s, 1000 + clock_s)


def test_given_all_severities_then_csw_s_order_and_health_hold() -> None:
    assert [s.name for s in sorted(F, key=lambda s: s.level)] == [
        "Okay",
        "Warning",
        "Major",
        "Indeterminate",
        "Disconnected",
        "Critical",
    ]
    assert [s.health.name for s in F] == ["Good", "Good", "Ill", "Bad", "Bad", "Bad"]
    assert {s.value for s in F} - {s.value for s in AlarmSeverity} == {"disconnected"}


@pytest.mark.parametrize(("severity", "acknowledged"), [(OKAY, True), (WARNING, False)])
def test_given_a_new_alarm_when_set_then_it_latches_and_must_be_seen_unless_okay(
    severity: AlarmSeverity, acknowledged: bool
) -> None:
    table = AlarmTable()
    (changed,) = table.set_severity(KEY, severity, at(0))
    assert changed == table.get(KEY)
    assert (changed.severity, changed.latched_severity) == (F(severity), F(severity))
    assert changed.acknowledged is acknowledged
    assert changed.changed_at == 1000


def test_given_an_alarm_when_it_gets_better_then_the_worst_stays_latched_and_when_refreshed_nothing_changes() -> None:
    table = AlarmTable()
    table.set_severity(KEY, MAJOR, at(0))
    assert table.set_severity(KEY, MAJOR, at(3)) == []
    (better,) = table.set_severity(KEY, OKAY, at(4))
    assert (better.severity, better.latched_severity, better.acknowledged) == (F.Okay, F.Major, False)
    assert better.changed_at == 1004


def test_given_an_alarm_that_was_seen_when_it_changes_to_anything_but_okay_then_it_must_be_seen_again() -> None:
    table = AlarmTable()
    table.set_severity(KEY, MAJOR, at(0))
    assert table.acknowledge(KEY) != []
    assert table.acknowledge(KEY) == []
    table.set_severity(KEY, OKAY, at(1))
    status = table.get(KEY)
    assert status is not None
    assert status.acknowledged
    (worse,) = table.set_severity(KEY, WARNING, at(2))
    assert not worse.acknowledged


def test_given_a_latched_alarm_when_reset_then_latched_is_what_is_and_it_counts_as_seen() -> None:
    table = AlarmTable()
    table.set_severity(KEY, CRITICAL, at(0))
    table.set_severity(KEY, WARNING, at(1))
    assert table.reset(KEY) == [table.get(KEY)]
    status = table.get(KEY)
    assert status is not None
    assert (status.latched_severity, status.acknowledged) == (F.Warning, True)


def test_given_an_unknown_alarm_then_there_is_none() -> None:
    table = AlarmTable()
    assert table.get(KEY) is table.acknowledge(KEY) is table.reset(KEY) is table.next_expiry_s is None
    summary = table.summary()
    assert (summary.severity, summary.health, summary.alarms) == (None, None, ())


def test_given_a_severity_nobody_refreshes_when_nine_seconds_passed_then_it_is_disconnected_once() -> None:
    table = AlarmTable()
    table.set_severity(KEY, OKAY, at(0))
    table.set_severity(OTHER, CRITICAL, at(5))
    assert table.next_expiry_s == EXPIRES_S == 9
    assert table.expire(at(8.9)) == []
    (gone,) = table.expire(at(9))
    assert (gone.key, gone.severity, gone.latched_severity) == (KEY, F.Disconnected, F.Disconnected)
    assert not gone.acknowledged
    assert table.expire(at(9)) == []
    (back,) = table.set_severity(KEY, OKAY, at(10))
    assert (back.severity, back.latched_severity) == (F.Okay, F.Disconnected)
    (lost,) = table.expire(at(14))
    assert (lost.severity, lost.latched_severity) == (F.Disconnected, F.Critical)


def test_given_several_alarms_when_summed_then_the_worst_of_those_that_fit_counts() -> None:
    table = AlarmTable()
    for key, severity in ((KEY, WARNING), (OTHER, MAJOR), (FAR, CRITICAL)):
        table.set_severity(key, severity, at(0))
    every, iris, imager = table.summary(), table.summary(Subsystem.IRIS), table.summary(prefix_start="iris.IMAGER")
    assert (every.severity, every.health, len(every.alarms)) == (F.Critical, AlarmHealth.Bad, 3)
    assert (iris.severity, iris.health, len(iris.alarms)) == (F.Major, AlarmHealth.Ill, 2)
    assert [status.key for status in imager.alarms] == [KEY]


def test_given_names_that_differ_in_capital_letters_then_they_are_one_alarm() -> None:
    table = AlarmTable()
    table.set_severity(KEY, WARNING, at(0))
    table.set_severity(AlarmKey("iris.IMAGER", "TOOWARM"), MAJOR, at(1))
    assert [status.severity for status in table.summary().alarms] == [F.Major]


@pytest.mark.parametrize("name", ["", "too-warm", "too*"])
def test_given_a_name_csw_would_refuse_then_it_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="alarm name"):
        AlarmKey("IRIS.imager", name)
