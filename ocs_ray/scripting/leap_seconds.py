"""How far TAI is ahead of UTC."""

from __future__ import annotations

import time
from bisect import bisect_right
from typing import Final

FIRST_OFFSET_S: Final = 10
STEPS: Final = (
    "1972-07-01",
    "1973-01-01",
    "1974-01-01",
    "1975-01-01",
    "1976-01-01",
    "1977-01-01",
    "1978-01-01",
    "1979-01-01",
    "1980-01-01",
    "1981-07-01",
    "1982-07-01",
    "1983-07-01",
    "1985-07-01",
    "1988-01-01",
    "1990-01-01",
    "1991-01-01",
    "1992-07-01",
    "1993-07-01",
    "1994-07-01",
    "1996-01-01",
    "1997-07-01",
    "1999-01-01",
    "2006-01-01",
    "2009-01-01",
    "2012-07-01",
    "2015-07-01",
    "2017-01-01",
)
"""Days from whose begin, in UTC, TAI is one second more ahead; before them, from 1972-01-01, it was 10 s.

Source: IERS, leap-seconds.list as of 2026-06 (data.iana.org/time-zones/data/leap-seconds.list). None is announced.
"""


def tai_minus_utc_s(day: str) -> int:
    """TAI - UTC in seconds, by the table.

    Args:
        day: of UTC as ``2017-01-01`` (or longer), not before 1972.
    """
    return FIRST_OFFSET_S + bisect_right(STEPS, day[:10])


def kernel_tai_minus_utc_s() -> int | None:
    """TAI - UTC in seconds as this machine's time daemon set it; None when it set nothing."""
    offset_s = round(time.clock_gettime(time.CLOCK_TAI) - time.clock_gettime(time.CLOCK_REALTIME))
    return offset_s if offset_s >= FIRST_OFFSET_S else None
