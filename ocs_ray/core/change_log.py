"""What changed between two versions of a sequencer: the memory behind its subscribers.

Subscribers pull by version, so nobody can miss a change; who asks for changes that are not kept any more gets the
whole list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

CHANGES_KEPT: Final = 1000


class Change(NamedTuple):
    """One version: the steps it touched, and whether the list itself changed."""

    steps: tuple[str, ...]
    is_structural: bool


class ChangeLog:
    """The last changes, by version.

    Args:
        first_version: at least 1; 0 stands for one who knows nothing yet. The list's versions begin there as well, so
            that an edit made for the list of an earlier sequencer of this name is not taken for one of this list.
    """

    def __init__(self, first_version: int = 1) -> None:
        self.version = first_version
        self.list_version = first_version
        self._changes: deque[Change] = deque(maxlen=CHANGES_KEPT)

    def record(self, steps: Iterable[str], *, is_structural: bool) -> None:
        """One more version.

        Args:
            steps: ids of the steps that changed.
            is_structural: the list was edited.
        """
        self.version += 1
        self.list_version += is_structural
        self._changes.append(Change(tuple(steps), is_structural))

    def restart(self) -> None:
        """One more version with another list: what was known of the steps before is of no use any more."""
        self.version += 1
        self.list_version += 1
        self._changes.clear()

    def since(self, version: int) -> Change | None:
        """All changes after ``version`` as one; None when they are not all kept, or ``version`` is none of ours."""
        missing = self.version - version
        if version <= 0 or missing < 0 or missing > len(self._changes):
            return None
        recent = list(self._changes)[len(self._changes) - missing :]
        ids = dict.fromkeys(step for change in recent for step in change.steps)
        return Change(tuple(ids), any(change.is_structural for change in recent))
