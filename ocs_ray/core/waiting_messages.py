"""Messages whose answer may be a long time coming: who asks one and leaves wants nothing any more."""

from __future__ import annotations

from typing import Final

WAITS: Final = frozenset(
    (
        *("QueryFinal", "AwaitEnd", "Watch", "WatchProcedure", "NextEvents"),
        *("NextLockNotice", "GetCurrentStates", "wait_instance", "read_channel"),
    )
)
"""Kinds that wait for something to happen and change nothing: one that nobody waits for any more can be given up."""
TAKES: Final = frozenset(("NextEvents",))
"""Kinds whose answer is gone once it was given: when it is lost, to ask again does not bring it back."""


def waits(message: object) -> bool:
    """Whether a message asks for something that may not have happened yet."""
    return getattr(message, "kind", "") in WAITS
