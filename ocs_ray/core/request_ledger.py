"""Requests that were seen: a repeat takes effect once and gets the first answer."""

from __future__ import annotations

from typing import Final

REQUESTS_KEPT: Final = 2000


class RequestLedger:
    """Request id -> the question it was first asked as."""

    def __init__(self) -> None:
        self._questions: dict[str, int] = {}

    def first(self, request_id: str, ask: int) -> int:
        """The question this request was first asked as; ``ask`` itself when it is new."""
        known = self._questions.setdefault(request_id, ask)
        if len(self._questions) > REQUESTS_KEPT:
            del self._questions[next(iter(self._questions))]
        return known
