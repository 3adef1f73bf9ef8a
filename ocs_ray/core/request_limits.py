"""How much one request, and one caller, may ask for. The time is passed in."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
MOST_BRACKETS: Final = 1_000_000
"""A text with more of them, opening and closing, counts as too deep: a sequence of 4 MiB has a third of that."""
MOST_BUCKETS: Final = 10_000
"""How many callers are remembered; the one that was silent longest is forgotten first."""


def nests_deeper(body: bytes, most: int) -> bool:
    """Whether the brackets of a JSON text are nested deeper than ``most``, or are too many to be looked at.

    Those in its strings do not count; the text need not be valid JSON.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    brackets = _TEXT.sub(b"", body).translate(None, _OTHERS)
    return len(brackets) > MOST_BRACKETS or max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > most


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class TokenBuckets:
    """A bucket of permits for every caller: it holds ``burst`` of them and is refilled at ``per_s`` permits a second.

    Args:
        per_s: how many requests a second in the long run.
        burst: how many at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, float(burst)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, now: float) -> float:
        """Take one permit.

        Args:
            now: seconds of a clock that never goes back.

        Returns:
            0 when there was one, else how long until there is, in seconds.
        """
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self._burst, now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        bucket.left = min(self._burst, bucket.left + max(0.0, now - bucket.at) * self._per_s)
        bucket.at = now
        if bucket.left >= 1.0:
            bucket.left -= 1.0
            return 0.0
        return (1.0 - bucket.left) / self._per_s

    def give_back(self, caller: str) -> None:
        """Put a permit back that was not used."""
        if (bucket := self._buckets.get(caller)) is not None:
            bucket.left = min(self._burst, bucket.left + 1.0)

    def __len__(self) -> int:
        return len(self._buckets)
