"""What time it is, in UTC and TAI. Source: esw TimeServiceDsl.kt, csw UTCTime.scala, TAITime.scala."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.scripting.leap_seconds import kernel_tai_minus_utc_s, tai_minus_utc_s

NANOS: Final = 1_000_000_000


def utc_time_now() -> UTCTime:
    """The present time in UTC."""
    return UTCTime.from_datetime(datetime.now(UTC))


def tai_time_now() -> TAITime:
    """The present time in TAI: UTC plus the offset this machine's time daemon set, else the table's."""
    return _tai(datetime.now(UTC))


def utc_time_after(duration: timedelta) -> UTCTime:
    """The time ``duration`` from now, in UTC."""
    return UTCTime.from_datetime(datetime.now(UTC) + duration)


def tai_time_after(duration: timedelta) -> TAITime:
    """The time ``duration`` from now, in TAI."""
    return TAITime.from_datetime(tai_time_now().datetime + duration)


def seconds_until(moment: UTCTime | TAITime) -> float:
    """Seconds from now to a point in time, by the clock it is of; negative when it has passed."""
    now = tai_time_now() if isinstance(moment, TAITime) else utc_time_now()
    return (moment.epoch_nanoseconds - now.epoch_nanoseconds) / NANOS


def _tai(utc: datetime) -> TAITime:
    offset_s = kernel_tai_minus_utc_s() or tai_minus_utc_s(utc.isoformat())
    return TAITime.from_datetime(utc.replace(tzinfo=None) + timedelta(seconds=offset_s))
