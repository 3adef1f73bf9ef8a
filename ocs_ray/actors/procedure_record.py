"""How a procedure came where it is: its last changes.

Every run makes half a dozen, and hardly any is ever looked at: they become messages when somebody does.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ocs_ray.core.procedure_events import Entered
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_messages import ProcedureChange
from ocs_ray.models.times import UTCTime

CHANGES_KEPT: Final = 500


class _Noted(NamedTuple):
    number: int
    at: float
    entered: Entered
    run_id: str | None

    def view(self) -> ProcedureChange:
        entered = self.entered
        return ProcedureChange(
            number=self.number,
            at=UTCTime.from_datetime(datetime.fromtimestamp(self.at, UTC)),
            state=entered.state,
            by=entered.by,
            reason=entered.reason,
            sender=entered.sender,
            run_id=self.run_id,
        )


class ProcedureRecord:
    """The last changes of one procedure, numbered by its owner."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque(maxlen=CHANGES_KEPT)

    def note(self, number: int, entered: Entered, run_id: str | None) -> None:
        """A state was entered now."""
        self._noted.append(_Noted(number, time.time(), entered, run_id))

    def passed(self, state: ProcedureState, since: int) -> bool:
        """Whether a state was entered after change number ``since``."""
        return any(noted.entered.state is state for noted in self._noted if noted.number > since)

    def reason_of(self, state: ProcedureState, since: int) -> str:
        """Why a state was entered after change number ``since``, the last time; empty when there was no reason."""
        reasons = [n.entered.reason for n in self._noted if n.number > since and n.entered.state is state]
        return reasons[-1] if reasons else ""

    def since(self, number: int) -> tuple[ProcedureChange, ...]:
        """The changes after that number."""
        return tuple(noted.view() for noted in self._noted if noted.number > number)
