"""Which other sequencers a script has running: what holds the script is to hold them too.

Every message of a script goes through its port, so this is seen here, whichever way the script asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from ocs_ray.core.procedure_events import Propagate
from ocs_ray.core.procedure_states import AT_REST, LEAVING, YIELDED, YIELDING
from ocs_ray.errors import LostReplyError, OcsError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.procedure import ProcedureCommand
from ocs_ray.models.procedure_messages import ProcedureStatus, SendCommand, WatchProcedure
from ocs_ray.models.responses import Started
from ocs_ray.models.sequencer_messages import (
    HOURS_10_S,
    AbortSequence,
    QueryFinal,
    Request,
    RetryFailed,
    StartSequence,
    Stop,
    SubmitSequence,
)
from ocs_ray.scripting.patient_request import ask_for_end, ask_patiently
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure import Procedure

T = TypeVar("T")
SEQUENCER: Final = f"-{ComponentType.Sequencer}"
AGAIN_S: Final = 1.0
"""Pause before a sequencer that does not answer is asked again, in seconds."""
LOOK_S: Final = 10.0
"""How long another sequencer that is late is asked at a time, in seconds."""


class Parent(Protocol):
    """Who is told of them."""

    def child_began(self, child: str) -> None:
        """A run in another sequencer began."""
        ...

    def child_ended(self, child: str) -> None:
        """All runs of that sequencer ended."""
        ...

    def child_outlives(self, child: str, by: ProcedureCommand | None) -> None:
        """A run began there that nobody waits for; ``by``: what was ending the step when that was cancelled."""
        ...

    @property
    def ends_by(self) -> ProcedureCommand | None:
        """The command the script is being ended by, or was, if it is."""
        ...

    def waits_for_child(self) -> AbstractAsyncContextManager[None]:
        """Inside of it a step waits for such a run; it is not left while the step is held."""
        ...


@dataclass(eq=False)
class _Beginning:
    """A request that begins a run. It is repeated here until there is an answer, whoever still waits for that.

    Args:
        answer: the answer of the other sequencer.
        waiting: how many wait for it.
        ended_by: what its asker was cancelled by.
    """

    answer: asyncio.Task[Any]
    waiting: int = 0
    ended_by: ProcedureCommand | None = None


class ChildRuns:
    """A port that notices the runs it starts.

    A request that begins a run may find a new-sequence hook that takes its time, or lose its reply, while its asker is
    cancelled or gives up. Then nobody else would learn of the run that begins all the same.

    Args:
        port: carries the messages.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self.parent: Parent | None = None
        self._running: dict[str, int] = {}
        self._beginnings: dict[str, _Beginning] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a named component; see ``Port``."""
        if isinstance(message, QueryFinal) and SEQUENCER in name and self.parent is not None and Procedure.is_in_step():
            async with self.parent.waits_for_child():
                return await self._port.ask(name, message, timeout_s)
        if not isinstance(message, SubmitSequence | StartSequence | RetryFailed):
            return await self._port.ask(name, message, timeout_s)
        return await self._wait_for(self._beginning(name, message), name, timeout_s)

    def names(self) -> list[str]:
        """Names of all components."""
        return self._port.names()

    def _beginning(self, name: str, message: Request) -> _Beginning:
        """What became of a request so far; it is sent when it is new, and a repeat waits for the same answer."""
        known = self._beginnings.get(message.request_id)
        if known is not None:
            return known
        begun = _Beginning(self._spawned(self._begin(name, message)))
        self._beginnings[message.request_id] = begun

        def answered(answer: asyncio.Task[Any]) -> None:
            del self._beginnings[message.request_id]
            has_answer = not answer.cancelled() and answer.exception() is None
            if has_answer and not begun.waiting:
                self._outlives(name, begun)

        begun.answer.add_done_callback(answered)
        return begun

    async def _wait_for(self, begun: _Beginning, name: str, timeout_s: float) -> Any:
        begun.waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(begun.answer)
        except TimeoutError:
            raise LostReplyError.silent(name, timeout_s) from None
        except asyncio.CancelledError:  # the run may begin all the same
            begun.ended_by = self.parent.ends_by if self.parent is not None else None
            if begun.answer.done() and not begun.answer.cancelled() and begun.answer.exception() is None:
                self._outlives(name, begun)
            raise
        finally:
            begun.waiting -= 1

    async def _begin(self, name: str, message: Request) -> Any:
        reply = await ask_patiently(self._port, name, message, HOURS_10_S)
        if isinstance(reply, Started):
            self._spawned(self._follow(name, reply.run_id))
        return reply

    def _outlives(self, name: str, begun: _Beginning) -> None:
        if self.parent is not None and isinstance(begun.answer.result(), Started):
            self.parent.child_outlives(name, begun.ended_by)

    def _spawned(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _follow(self, name: str, run_id: Id) -> None:
        self._running[name] = self._running.get(name, 0) + 1
        if self.parent is not None and self._running[name] == 1:
            self.parent.child_began(name)
        try:
            await ask_for_end(self._port, name, run_id, HOURS_10_S)
        except OcsError:
            pass  # it died: there is nothing to hold any more; a reply that was lost is asked for again
        finally:
            self._running[name] -= 1
            if self.parent is not None and not self._running[name]:
                self.parent.child_ended(name)

    def close(self) -> None:
        """Follow none of them any more."""
        for task in self._tasks:
            task.cancel()


def handed_on(effect: Propagate, sender: str, limit_s: float) -> SendCommand | AbortSequence | Stop:
    """What another sequencer is told; a sequencer's own stop or abort is handed on as what it is."""
    if effect.gently:
        return AbortSequence() if effect.command is ProcedureCommand.ABORT else Stop()
    return SendCommand(message=effect.command.value, sender=sender, wait_s=limit_s)


async def ask_again(
    port: Port,
    child: str,
    message: object,
    timeout_s: float,
    is_silent: Callable[[OcsError], None],
    is_wanted: Callable[[], bool],
) -> Any:
    """Ask until there is an answer; the same request every time, so that it takes effect once.

    Args:
        timeout_s: longest wait for one answer, in seconds.
        is_silent: told of every failure.
        is_wanted: whether to ask again; None is the answer when not.
    """
    while True:
        try:
            return await port.ask(child, message, timeout_s)
        except OcsError as failure:
            is_silent(failure)
        await asyncio.sleep(AGAIN_S)
        if not is_wanted():
            return None


async def comes_late(port: Port, child: str, command: ProcedureCommand, is_wanted: Callable[[], bool]) -> None:
    """Wait until a sequencer that is late has followed after all, or is gone, as long as that is of interest."""
    yields, seen = command in (ProcedureCommand.HOLD, ProcedureCommand.SUSPEND), 0
    while is_wanted():
        try:
            question = WatchProcedure(after=seen, timeout_s=LOOK_S)
            status: ProcedureStatus = await port.ask(child, question, LOOK_S + 5.0)
        except OcsError:
            return
        is_there = status.state in YIELDED if yields else status.state not in YIELDED | YIELDING | LEAVING
        if is_there or status.state in AT_REST:
            return
        seen = status.number
