"""How many bytes of bodies the gateway holds at once, whoever sends them: memory is everybody's."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

KNOWN_BYTES: Final = 256 << 20
"""For callers who are known. Their bodies count while they come; then they are their routes'."""
UNKNOWN_BYTES: Final = 16 << 20
"""For all others together, who cannot take anything from the known. Theirs count until they are answered."""


class Budget:
    """So many bytes, and no more.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self.most, self.used = most, 0

    def open(self) -> Share:
        """A share for one body; it is given back at the end of the block."""
        return Share(self)


class Share:
    """What one body takes of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._held = budget, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()

    def take(self, size: int) -> bool:
        """Take as many bytes more; False, and nothing taken, when there are not as many."""
        if self._budget.used + size > self._budget.most:
            return False
        self._budget.used += size
        self._held += size
        return True

    def give_back(self) -> None:
        """Give back all that was taken."""
        self._budget.used -= self._held
        self._held = 0
