"""Which other sequencers a script has running: what holds the script is to hold them too.

Every message of a script goes through its port, so this is seen here, whichever way the script asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, cast

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
from ocs_ray.scripting.port import AnyLoopPort, Port
from ocs_ray.scripting.procedure import Procedure

T = TypeVar("T")
Home = Callable[..., None]
BEGINS: Final = (SubmitSequence, StartSequence, RetryFailed)
"""The requests that begin a run."""
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

    def __init__(self, port: Port | AnyLoopPort) -> None:
        self._port = port
        self._serves_any_loop = getattr(port, "serves_any_loop", False)
        self.parent: Parent | None = None
        self._running: dict[str, set[Id]] = {}
        self._beginnings: dict[str, _Beginning | None] = {}  # None: on its way from another loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a named component; see ``Port``."""
        if self.parent is not None and _waits_for_end(name, message):
            async with self.parent.waits_for_child():
                return await self._port.ask(name, message, timeout_s)
        if not isinstance(message, BEGINS):
            return await self._port.ask(name, message, timeout_s)
        if (begun := self._beginnings.get(message.request_id)) is not None:
            return await self._wait_for(begun, name, timeout_s)
        try:
            return self._began(name, await self._port.ask(name, message, timeout_s))
        except LostReplyError:
            self._ask_on(name, message)
            raise
        except asyncio.CancelledError:  # the run may begin all the same
            self._left_alone(name, message)
            raise

    def may_be_asked_elsewhere(self, name: str, message: object) -> bool:
        """Whether ``ask_elsewhere`` will do for a message; else it is to be asked here."""
        if not self._serves_any_loop or _waits_for_end(name, message):
            return False
        return not (isinstance(message, BEGINS) and message.request_id in self._beginnings)

    async def ask_elsewhere(self, name: str, message: object, timeout_s: float, home: Home) -> Any:
        """The same on another loop: to go from one to the other and back costs as much as half of a call.

        What began is told to home by the thread the reply comes on, and a request that got no answer, or that nobody
        waits for any more, is asked on there.

        Args:
            home: calls a function on the loop where this object lives; any thread may use it.
        """
        port = cast("AnyLoopPort", self._port)
        if not isinstance(message, BEGINS):
            return await port.ask(name, message, timeout_s)

        def heard(reply: Any) -> None:
            if isinstance(reply, Started):
                home(self._began, name, reply)

        try:
            return await port.ask(name, message, timeout_s, heard)
        except LostReplyError:
            self._beginnings.setdefault(message.request_id, None)  # from now on a repeat is to be asked at home
            home(self._ask_on, name, message)
            raise
        except asyncio.CancelledError:  # the run may begin all the same
            home(self._left_alone, name, message)
            raise

    def names(self) -> list[str]:
        """Names of all components."""
        return self._port.names()

    def _left_alone(self, name: str, message: Request) -> None:
        begun = self._ask_on(name, message)
        if begun is not None and self.parent is not None:
            begun.ended_by = self.parent.ends_by

    def _ask_on(self, name: str, message: Request) -> _Beginning | None:
        """Ask again, until there is an answer; a repeat waits for the same one. None: it is closed."""
        if self._is_closed:
            self._beginnings.pop(message.request_id, None)
            return None
        if (known := self._beginnings.get(message.request_id)) is not None:
            return known
        begun = _Beginning(self._spawned(self._begin(name, message)))
        self._beginnings[message.request_id] = begun

        def answered(answer: asyncio.Task[Any]) -> None:
            self._beginnings.pop(message.request_id, None)
            has_answer = not answer.cancelled() and answer.exception() is None
            if has_answer and not begun.waiting:
                self._outlives(name, begun)

        begun.answer.add_done_callback(answered)
        return begun

    async def _wait_for(self, begun: _Beginning, name: str, timeout_s: float) -> Any:
        begun.waiting += 1
        try:
            done, _ = await asyncio.wait((begun.answer,), timeout=timeout_s)
            if not done:
                raise LostReplyError.silent(name, timeout_s)
            return begun.answer.result()
        except asyncio.CancelledError:  # the run may begin all the same
            begun.ended_by = self.parent.ends_by if self.parent is not None else None
            if begun.answer.done() and not begun.answer.cancelled() and begun.answer.exception() is None:
                self._outlives(name, begun)
            raise
        finally:
            begun.waiting -= 1

    async def _begin(self, name: str, message: Request) -> Any:
        return self._began(name, await ask_patiently(self._port, name, message, HOURS_10_S))

    def _began(self, name: str, reply: Any) -> Any:
        """At once, for the step that asked may end next; once, however often the reply comes."""
        if isinstance(reply, Started) and not self._is_closed:
            runs = self._running.setdefault(name, set())
            if reply.run_id not in runs:
                runs.add(reply.run_id)
                if self.parent is not None and len(runs) == 1:
                    self.parent.child_began(name)
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
        try:
            await ask_for_end(self._port, name, run_id, HOURS_10_S)
        except OcsError:
            pass  # it died: there is nothing to hold any more; a reply that was lost is asked for again
        finally:
            self._running[name].discard(run_id)
            if not self._running[name]:
                del self._running[name]
                if self.parent is not None:
                    self.parent.child_ended(name)

    def close(self) -> None:
        """Follow none of them any more."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()


def _waits_for_end(name: str, message: object) -> bool:
    """Whether a step asks for the end of another sequencer's run."""
    return isinstance(message, QueryFinal) and SEQUENCER in name and Procedure.is_in_step()


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
