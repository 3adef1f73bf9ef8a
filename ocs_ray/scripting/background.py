"""Work of a script that nobody waits for: loops, timers, subscriptions. All of it on the script's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

from ocs_ray.scripting.control import StopLoop
from ocs_ray.scripting.exit_calls import FAILURES
from ocs_ray.scripting.procedure import Procedure

CLOSE_S: Final = 2.0
"""Longest wait, in seconds, until cancelled work took its leave (a subscription says so to the event service)."""

Report = Callable[[BaseException], Awaitable[None]]

_own: ContextVar[asyncio.Task[None] | None] = ContextVar("ocs_own_background_task", default=None)


class Cancellable:
    """Work in the background that can be ended: a timer, a loop, a subscription."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._also: list[Callable[[], None]] = []

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` as what this stands for."""
        self._task = self._background.start(work)

    def cancel(self) -> None:
        """End it. A callback that cancels its own timer or subscription still runs to its own end."""
        self._cancelled = True
        while self._also:
            self._also.pop()()
        if self._task is not None and self._task is not _own.get():
            self._task.cancel()

    def on_cancel(self, action: Callable[[], None]) -> None:
        """Call ``action`` too when this is cancelled."""
        self._also.append(action)

    @property
    def goes_on(self) -> bool:
        """Whether another turn is wanted."""
        return not (self._cancelled or self._background.is_over)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, by itself or because it was cancelled."""
        return self._cancelled or (self._task is not None and self._task.done())

    async def join(self) -> None:
        """Wait until it has ended; its failure is told to ``on_global_error``, not here."""
        if self._task is not None:
            await asyncio.wait({self._task})


class Background:
    """Tasks that end together: those of a script, or of one state of it.

    Args:
        report: is told the failures.
        parent: takes what is started after the end of this.
    """

    def __init__(self, report: Report, parent: Background | None = None) -> None:
        self._report, self._parent = report, parent
        self._tasks: set[asyncio.Task[None]] = set()
        self._children: set[Background] = set()
        self.is_over = False
        if parent is not None:
            parent._children.add(self)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work``; its failure is reported."""
        if self.is_over and self._parent is not None:
            return self._parent.start(work)
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._keep(task)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before its first turn was never begun
        return task

    def launch(self, work: Callable[[Cancellable], Coroutine[Any, Any, None]]) -> Cancellable:
        """Run ``work``, which is handed what ends it."""
        handle = Cancellable(self)
        handle.begin(work(handle))
        return handle

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        _own.set(asyncio.current_task())
        try:
            with Procedure.step(False):  # it may outlast the step that started it
                await work
        except StopLoop:  # stop_when in work that was started from inside a loop
            return
        except FAILURES as failure:
            await self._report(failure)

    async def tell(self, failure: Exception) -> None:
        """Report a failure."""
        await self._report(failure)

    async def guard(self, turn: Awaitable[None]) -> None:
        """Run one turn of something that goes on; its failure is reported."""
        try:
            await turn
        except FAILURES as failure:
            await self._report(failure)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Cancel everything but the task that calls this, which ends after its present turn."""
        self.is_over = True
        for child in tuple(self._children):
            child.end()
        for task in self._tasks:
            if task is not _own.get():
                task.cancel()
            if self._parent is not None:  # it still has to take its leave
                self._parent._keep(task)
        if self._parent is not None:
            self._parent._children.discard(self)

    async def close(self) -> None:
        """End everything and wait until it has ended, but not for ever."""
        self.end()
        if others := {task for task in self._tasks if task is not _own.get()}:
            await asyncio.wait(others, timeout=CLOSE_S)
