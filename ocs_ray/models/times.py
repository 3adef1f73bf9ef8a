"""Points in time as CSW writes them. The text is kept as it came, so nothing is lost below a microsecond.

Source: csw UTCTime.scala, TAITime.scala (Java Instant: up to nine digits after the second).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from ocs_ray.errors import BadInputError
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import shown

_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")
_WHOLE_SECONDS = len("1970-01-01T00:00:00")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 1_000_000_000


class _Instant(ValidatedText):
    """What both time scales share: ISO-8601 text that ends in Z, ordered by time."""

    __slots__ = ()
    noun = "a time"
    repeats = False

    @classmethod
    def canonical(cls, text: str) -> str:
        match = _ISO.fullmatch(text)
        try:
            if match:
                datetime.fromisoformat(match[1])
                return text
        except ValueError as no_such_day:
            raise BadInputError("", f"{shown(text)} does not exist: {no_such_day}", "") from None
        remedy = "write it as 2021-09-17T09:17:08.608242344Z, with at most nine digits after the second"
        raise BadInputError("", f"{shown(text)} is not a time", remedy)

    @property
    def epoch_nanoseconds(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00 of the same time scale; leap seconds are not counted."""
        seconds = datetime.fromisoformat(self[:_WHOLE_SECONDS]).replace(tzinfo=UTC) - _EPOCH
        fraction = self[_WHOLE_SECONDS + 1 : -1]
        return (seconds.days * 86_400 + seconds.seconds) * _NANOS + int(fraction.ljust(9, "0") or 0)

    # Text order would put 00:00:00.5Z before 00:00:00Z. Two spellings of one instant stay different values, as
    # their hashes are those of their texts; the text itself then decides, so that the order is total.
    def _rank(self) -> tuple[str, str, str]:
        return self[:_WHOLE_SECONDS], self[_WHOLE_SECONDS + 1 : -1].rstrip("0"), str(self)

    def __lt__(self, other: str) -> bool:
        return self._rank() < other._rank() if isinstance(other, type(self)) else NotImplemented

    def __le__(self, other: str) -> bool:
        return self._rank() <= other._rank() if isinstance(other, type(self)) else NotImplemented

    def __gt__(self, other: str) -> bool:
        return self._rank() > other._rank() if isinstance(other, type(self)) else NotImplemented

    def __ge__(self, other: str) -> bool:
        return self._rank() >= other._rank() if isinstance(other, type(self)) else NotImplemented


class UTCTime(_Instant):
    """A point in coordinated universal time, for example ``2021-09-17T09:17:08.608242344Z``.

    Raises:
        BadInputError: not that form, or no such day or hour.
    """

    __slots__ = ()
    noun = "a UTC time"

    @property
    def datetime(self) -> datetime:
        """The same instant, cut to microseconds, with the UTC time zone."""
        return datetime.fromisoformat(self[: _WHOLE_SECONDS + 7].rstrip("Z")).replace(tzinfo=UTC)

    @classmethod
    def from_datetime(cls, moment: datetime) -> Self:
        """The UTC time of an aware datetime.

        Raises:
            BadInputError: the datetime has no time zone, so which instant it is nobody knows.
        """
        if moment.tzinfo is None:
            raise BadInputError("", f"{moment.isoformat()} has no time zone", "use datetime(..., tzinfo=UTC)")
        return cls(_spelled(moment.astimezone(UTC)))


class TAITime(_Instant):
    """A point in international atomic time; the trailing Z is CSW's spelling, not a UTC mark.

    Raises:
        BadInputError: not that form, or no such day or hour.
    """

    __slots__ = ()
    noun = "a TAI time"

    @property
    def datetime(self) -> datetime:
        """The same reading cut to microseconds, naive: with the UTC zone it would be 37 s wrong."""
        return datetime.fromisoformat(self[: _WHOLE_SECONDS + 7].rstrip("Z"))

    @classmethod
    def from_datetime(cls, moment: datetime) -> Self:
        """The TAI time of a naive datetime that holds a TAI reading.

        Raises:
            BadInputError: the datetime has a time zone; TAI is none of them.
        """
        if moment.tzinfo is not None:
            raise BadInputError("", f"{moment.isoformat()} has a time zone", "give a naive datetime that reads TAI")
        return cls(_spelled(moment))


def _spelled(moment: datetime) -> str:
    """As Java's Instant prints it: no fraction, or three, or six digits."""
    digits = (
        "seconds" if not moment.microsecond else "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    )
    return moment.replace(tzinfo=None).isoformat(timespec=digits) + "Z"
