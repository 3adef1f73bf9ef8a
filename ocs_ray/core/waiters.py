"""Who waits for the end of which run."""

from __future__ import annotations


class Waiters:
    """Questions by run id; each is given back once."""

    def __init__(self) -> None:
        self._asks: dict[str, list[int]] = {}

    def add(self, run_id: str, ask: int) -> None:
        """``ask`` is to be answered when the run ends."""
        self._asks.setdefault(run_id, []).append(ask)

    def take(self, run_id: str) -> list[int]:
        """The run ended: the questions to answer."""
        return self._asks.pop(run_id, [])

    def forget(self, ask: int) -> None:
        """The asker gave up."""
        for asks in self._asks.values():
            if ask in asks:
                asks.remove(ask)
