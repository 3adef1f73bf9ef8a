"""The commands a device runs and how they ended. Source: csw CommandResponseManager.scala.

Like the sequencer's core it gives back whom to answer, and touches nothing.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.core.waiters import Waiters
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import CommandIssue, Invalid, IssueType, Started, SubmitResponse

RUNS_KEPT: Final = 1000
"""How many ended commands stay queryable."""


class CommandResponses:
    """Responses by run id, and who waits for them."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._ended: dict[str, SubmitResponse] = {}
        self.waiters = Waiters()

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the commands that run."""
        return tuple(self._running.values())

    def started(self, run_id: str, command_name: str) -> None:
        """A command began."""
        self._running[run_id] = command_name

    def ended(self, response: SubmitResponse) -> list[int]:
        """A command ended; gives back the questions to answer with ``response``."""
        run_id = str(response.run_id)
        self._running.pop(run_id, None)
        self._ended[run_id] = response
        while len(self._ended) > RUNS_KEPT:
            del self._ended[next(iter(self._ended))]
        return self.waiters.take(run_id)

    def query(self, run_id: str) -> SubmitResponse:
        """Started, the final response, or Invalid for an unknown run."""
        if run_id in self._running:
            return Started(run_id=Id(run_id))
        return self._ended.get(run_id) or Invalid(
            run_id=Id(run_id),
            issue=CommandIssue(type=IssueType.IdNotAvailableIssue, reason=f"no command with run id {run_id}"),
        )

    def query_final(self, run_id: str, ask: int) -> SubmitResponse | None:
        """The response if it is there; else None, and ``ask`` is among those answered at the end."""
        response = self.query(run_id)
        if not response.is_started:
            return response
        self.waiters.add(run_id, ask)
        return None
