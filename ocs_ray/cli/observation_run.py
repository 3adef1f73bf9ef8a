"""One sequence from its submission to its final response, with everything that can come between."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable

from ocs_ray.cli.event_feed import EventFeed
from ocs_ray.cli.failures import Interrupted
from ocs_ray.cli.interrupts import Interrupts, cancelled
from ocs_ray.cli.observation_picture import Change, EventSeen, PhaseBegan, Picture, RunBegan, SequencerChanged, View
from ocs_ray.cli.observation_report import Observation
from ocs_ray.cli.observation_request import Request
from ocs_ray.cli.sequencer_feed import following
from ocs_ray.client import Sequencer
from ocs_ray.errors import UnreachableError
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.models.sequencer_messages import SequencerSnapshot


class LeftRunning(Interrupted):
    """The person wants the sequence to go on without this command."""


class ObservationRun:
    """Sends a sequence and waits for its end.

    Args:
        picture: where all that is seen is kept.
        view: who shows it.
        signals: Ctrl-C and SIGTERM.
    """

    def __init__(self, request: Request, picture: Picture, view: View, signals: Interrupts) -> None:
        self._request, self._picture, self._view, self._signals = request, picture, view, signals
        self._sequencer = Sequencer.at(request.target)

    async def run(self) -> Observation:
        """The observation, however it ended.

        Raises:
            LeftRunning: the person left it.
            Interrupted: a second signal came while it was being aborted.
            UnreachableError: the sequencer was gone before it took the sequence.
        """
        feed = EventFeed(self._event_seen)
        async with feed.open(), following(self._request.mode.sequencer_prefixes(), self._sequencer_changed):
            begun = time.monotonic()
            try:
                response, is_unwanted = await self._submitted()
            except UnreachableError:
                feed.give_up()
                raise
            run_id, problem = str(response.run_id), ""
            final: SubmitResponse | None = response
            if response.is_started:
                self._tell(RunBegan(run_id))
                try:
                    final = await self._final_response(run_id, is_unwanted)
                except UnreachableError as lost:
                    final, problem = None, str(lost)
            elapsed_s = time.monotonic() - begun
            if final is None:
                feed.give_up()
            else:
                await feed.settle()
                await self._last_look(run_id)
        return self._observation(run_id, final, problem, elapsed_s)

    def _observation(self, run_id: str, response: SubmitResponse | None, problem: str, elapsed_s: float) -> Observation:
        return Observation(
            mode=self._request.mode.name,
            sequencer=self._request.target,
            run_id=run_id,
            response=response,
            problem=problem,
            steps=self._picture.steps,
            events=tuple(self._picture.events),
            elapsed_s=elapsed_s,
            time_factor=self._picture.time_factor,
        )

    # -- waiting -------------------------------------------------------------------------------------------------

    async def _submitted(self) -> tuple[SubmitResponse, bool]:
        """The first response, and whether the sequence is to be aborted because a signal came before it.

        It comes when the new-sequence hook has ended, which may take a minute; until then there is nothing to abort.
        """
        submitting = asyncio.ensure_future(self._sequencer.submit(self._request.sequence, resume_on_error=True))
        try:
            to_abort = await self._watched(submitting, self._abort_after_the_hook)
        except LeftRunning:
            raise
        except Interrupted:
            where, mode = self._request.target, self._request.mode.name
            raise Interrupted(
                f"gave up before the sequence could be aborted: it may still begin in {where} when its hook has ended; "
                f"end it with 'ocs shutdown {mode}'"
            ) from None
        return submitting.result(), to_abort

    async def _abort_after_the_hook(self) -> None:
        self._tell(PhaseBegan("aborting the sequence as soon as its new-sequence hook has ended"))

    async def _final_response(self, run_id: str, is_unwanted: bool) -> SubmitResponse:
        waiting = asyncio.ensure_future(self._sequencer.query_final(run_id, resume_on_error=True))
        try:
            if is_unwanted:
                await self._abort()
            await self._watched(waiting, self._abort, is_unwanted)
            return waiting.result()
        finally:
            await cancelled(waiting)

    async def _abort(self) -> None:
        self._tell(PhaseBegan("aborting the sequence"))
        await self._sequencer.abort_sequence()

    async def _watched(
        self, waiting: asyncio.Future[SubmitResponse], abort: Callable[[], Awaitable[None]], aborted: bool = False
    ) -> bool:
        """Wait for a response; whether it was ``aborted`` before its end, of which a signal is the cause.

        Raises:
            LeftRunning: the person left it.
            Interrupted: another signal came after that.
        """
        try:
            while (number := await self._signal_before(waiting)) is not None:
                if aborted:
                    raise Interrupted(f"gave up waiting for the abort of {self._request.target}")
                if await self._is_to_end(number, waiting):
                    await abort()
                    aborted = True
            return aborted
        finally:
            await cancelled(waiting)

    async def _signal_before(self, waiting: asyncio.Future[SubmitResponse]) -> signal.Signals | None:
        """The signal that came before the end of ``waiting``; None when it ended first."""
        came = asyncio.ensure_future(self._signals.next())
        try:
            await asyncio.wait({waiting, came}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return came.result()
            if came.done():
                self._signals.again(came.result())
            return None
        finally:
            await cancelled(came)

    async def _is_to_end(self, number: signal.Signals, waiting: asyncio.Future[SubmitResponse]) -> bool:
        """Whether the sequence is to be aborted; not when what is waited for came while the person thought.

        Raises:
            LeftRunning: the person left it.
        """
        if number is signal.SIGINT and sys.stdin.isatty():
            match await self._asked(waiting):
                case "leave":
                    raise LeftRunning(self._farewell())
                case None:
                    return False
        return True

    async def _asked(self, waiting: asyncio.Future[SubmitResponse]) -> str | None:
        self._view.pause()
        question = asyncio.ensure_future(self._signals.abort_or_leave())
        try:
            await asyncio.wait({waiting, question}, return_when=asyncio.FIRST_COMPLETED)
            return question.result() if question.done() else None
        finally:
            await cancelled(question)
            self._view.resume()

    def _farewell(self) -> str:
        mode = self._request.mode.name
        return (
            f"the sequence goes on in {self._request.target}: look at it with 'ocs status', "
            f"end it with 'ocs shutdown {mode}', end everything with 'ocs down'"
        )

    # -- seeing --------------------------------------------------------------------------------------------------

    def _tell(self, change: Change) -> None:
        self._picture.take(change)
        self._view.tell(change)

    def _event_seen(self, event: ObserveEvent) -> None:
        if self._picture.is_ours(event.source):
            self._tell(EventSeen(event))

    def _sequencer_changed(self, prefix: Prefix, snapshot: SequencerSnapshot) -> None:
        self._tell(SequencerChanged(prefix, snapshot))

    async def _last_look(self, run_id: str) -> None:
        """The steps as they ended; a sequencer that is gone leaves what was seen last."""
        try:
            snapshot = await self._sequencer.snapshot()
        except UnreachableError:
            return
        if snapshot.run_id == run_id:
            self._sequencer_changed(self._request.target, snapshot)
