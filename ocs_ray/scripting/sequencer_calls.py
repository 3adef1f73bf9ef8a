"""What can be asked of a sequencer. Source: esw RichSequencer.kt; seed 001, Sequencer command service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, Final

from ocs_ray.core.sequencer_view import updated
from ocs_ray.errors import LostReplyError
from ocs_ray.models.commands import Sequence
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.models.sequencer_messages import (
    AbortSequence,
    DiagnosticMode,
    GetRuns,
    GetSequence,
    GetSequenceComponent,
    GetSequencerState,
    GetStatus,
    GoOffline,
    GoOnline,
    LoadSequence,
    OperationsMode,
    Request,
    RetryFailed,
    RunRecord,
    SequencerDelta,
    SequencerSnapshot,
    SequencerState,
    SequencerStatus,
    StartSequence,
    Stop,
    SubmitSequence,
    Watch,
)
from ocs_ray.models.sequencer_replies import (
    DiagnosticModeResponse,
    GoOfflineResponse,
    GoOnlineResponse,
    OkOrUnhandled,
    OperationsModeResponse,
)
from ocs_ray.models.steps import Step
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.procedure_calls import ProcedureCalls

HOOK_S: Final = 60.0
"""How long a hook of the other script may usually take, in seconds; the sequencer tells when its mode allows more."""
SOON_S: Final = 0.05
"""A run that is over so soon is answered at once, in seconds; how late at most it is known that another one goes on."""
SPARE_S: Final = 10.0
"""Wait for the answer beyond what the hook may take, in seconds."""


class SequencerCalls(ProcedureCalls):
    """What can be asked of a sequencer."""

    async def submit(self, sequence: Sequence, *, resume_on_error: bool = False) -> SubmitResponse:
        """Start a sequence: Started, or Invalid with the reason why it cannot be started.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self._ask_for_hook(SubmitSequence(sequence=sequence))
        return self._judged(response, "sequence", resume_on_error)

    async def submit_and_wait(
        self, sequence: Sequence, timeout: timedelta | None = None, *, resume_on_error: bool = False
    ) -> SubmitResponse:
        """Run a sequence to its final response, waiting up to ``timeout`` (default: the entity's own).

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
            UnreachableError: no final response within the time limit, or the sequencer died.
        """
        within_s = SOON_S if timeout is None else min(SOON_S, timeout.total_seconds())
        message = SubmitSequence(sequence=sequence, final_within_s=within_s)
        first: SubmitResponse = await self._ask_for_hook(message)
        return await self._finish(first, "sequence", timeout, resume_on_error)

    async def load(self, sequence: Sequence) -> OkOrUnhandled:
        """Hand over a sequence without starting it."""
        return await self._ask(LoadSequence(sequence=sequence))

    async def start(self, *, resume_on_error: bool = False) -> SubmitResponse:
        """Start what was loaded.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self._ask_for_hook(StartSequence())
        return self._judged(response, "sequence", resume_on_error)

    async def abort_sequence(self) -> OkOrUnhandled:
        """End the run: the abort hook runs, no further step does."""
        return await self._ask_for_hook(AbortSequence())

    async def stop(self) -> OkOrUnhandled:
        """End the run after the current step: the stop hook runs, no further step does."""
        return await self._ask_for_hook(Stop())

    async def retry_failed(self, *, resume_on_error: bool = False) -> SubmitResponse:
        """Go on with the last run, which failed, at its failed step, under a new run id.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self._ask_for_hook(RetryFailed())
        return self._judged(response, "sequence", resume_on_error)

    async def go_online(self) -> GoOnlineResponse:
        """From Offline to Idle, when the sequencer's own handlers agree."""
        return await self._ask_for_hook(GoOnline())

    async def go_offline(self) -> GoOfflineResponse:
        """From Idle or Loaded to Offline, when the sequencer's own handlers agree; what was loaded is dropped."""
        return await self._ask_for_hook(GoOffline())

    async def diagnostic_mode(self, start_time: UTCTime, hint: str) -> DiagnosticModeResponse:
        """Let the sequencer publish diagnostic data from ``start_time`` on; ``hint`` says which."""
        return await self._ask_for_hook(DiagnosticMode(start_time=start_time, hint=hint))

    async def operations_mode(self) -> OperationsModeResponse:
        """Let the sequencer go back from diagnostic mode."""
        return await self._ask_for_hook(OperationsMode())

    async def _ask_for_hook(self, request: Request) -> Any:
        """Ask for what runs a hook of the other script first, and wait as long as that sequencer allows its hooks."""
        usual_s = HOOK_S + SPARE_S
        try:
            return await self._ask(request, usual_s)
        except LostReplyError:
            more_s = (await self.status()).hook_limit_s + SPARE_S - usual_s
            if more_s <= 0:
                raise
        return await self._ask(request, more_s)

    async def sequence(self) -> tuple[Step, ...] | None:
        """The step list, None when there is none."""
        return await self._ask(GetSequence())

    async def state(self) -> SequencerState:
        """The state clients see."""
        return await self._ask(GetSequencerState())

    async def status(self) -> SequencerStatus:
        """Script, component, run and step of the sequencer."""
        return await self._ask(GetStatus())

    async def runs(self, run_id: str | None = None) -> tuple[RunRecord, ...]:
        """The last runs with their times, steps and responses; only one when ``run_id`` is given."""
        return await self._ask(GetRuns(run_id=run_id))

    async def sequence_component(self) -> Prefix:
        """Prefix of the component the sequencer was loaded in."""
        return await self._ask(GetSequenceComponent())

    async def watch(self, after: int = 0, timeout_s: float = 10.0) -> SequencerSnapshot | SequencerDelta:
        """What changed since version ``after``, as soon as something did; what there is after ``timeout_s`` seconds."""
        return await self._ask(Watch(after=after, timeout_s=timeout_s), timeout_s + ASK_S)

    async def snapshot(self) -> SequencerSnapshot:
        """State and steps as they are now."""
        return await self._ask(Watch(after=0, timeout_s=0))

    async def follow(self) -> AsyncGenerator[SequencerSnapshot, None]:
        """State and steps as they are now, and again whenever something changed; ends when the sequencer shuts down.

        Only what changed is sent; who is slow gets several changes as one, and misses none.
        """
        known = await self.snapshot()
        yield known
        while not known.killed:
            news = await self.watch(known.version)
            if news.version != known.version:
                known = updated(known, news) if isinstance(news, SequencerDelta) else news
                yield known
