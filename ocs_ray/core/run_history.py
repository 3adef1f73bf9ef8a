"""The runs of a sequencer: the present one and the last hundred, with their steps. ESW keeps only the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocs_ray.core.step_list import StepList
from ocs_ray.core.waiters import Waiters
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import CommandIssue, Invalid, IssueType, Started, SubmitResponse
from ocs_ray.models.sequencer_messages import RunRecord

RUNS_KEPT: Final = 100


@dataclass(slots=True)
class Run:
    """One run."""

    run_id: str
    steps: StepList
    started_at: float
    ended_at: float | None = None
    response: SubmitResponse | None = None

    def view(self) -> RunRecord:
        """The frozen value for clients."""
        return RunRecord.model_construct(
            run_id=self.run_id,
            started_at=self.started_at,
            ended_at=self.ended_at,
            response=self.response or Started(run_id=Id(self.run_id)),
            steps=self.steps.view(),
        )


class RunHistory:
    """Runs by id, the oldest first."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self.waiters = Waiters()

    def begin(self, run: Run) -> None:
        """A run began; the oldest of too many is forgotten."""
        self._runs[run.run_id] = run
        while len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]

    def end(self, run_id: str, response: SubmitResponse, at: float) -> list[int]:
        """A run ended; gives back the questions to answer with ``response``."""
        run = self._runs[run_id]
        run.response, run.ended_at = response, at
        return self.waiters.take(run_id)

    def query(self, run_id: str) -> SubmitResponse:
        """The response of a run as it stands. Source: esw SequencerData.scala, query."""
        run = self._runs.get(run_id)
        if run is not None:
            return run.response or Started(run_id=Id(run_id))
        reason = f"Sequencer is not running any sequence with runId Id({run_id})"
        return Invalid(run_id=Id(run_id), issue=CommandIssue(type=IssueType.IdNotAvailableIssue, reason=reason))

    def query_final(self, run_id: str, ask: int) -> SubmitResponse | None:
        """The response if it is final; else None, and ``ask`` is among those answered at the end."""
        response = self.query(run_id)
        if not response.is_started:
            return response
        self.waiters.add(run_id, ask)
        return None

    def view(self, run_id: str | None) -> tuple[RunRecord, ...]:
        """All runs, the oldest first, or the one asked for."""
        return tuple(run.view() for run in self._runs.values() if run_id in (None, run.run_id))
