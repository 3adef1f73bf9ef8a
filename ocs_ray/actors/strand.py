"""The script's own thread with its own loop. Source: esw StrandEc.scala, HealthCheck.

Whatever a script does, the sequencer's actor goes on answering; and since all handlers and callbacks of a script share
this one loop, plain variables of a script need no lock.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Final, TypeVar

import uvloop

from ocs_ray.actors.child_runs import ChildRuns
from ocs_ray.actors.crossing import Crossing
from ocs_ray.actors.home_port import HomePort
from ocs_ray.scripting.port import Port, use_port

T = TypeVar("T")
Done = Callable[[T | None, BaseException | None], None]
Report = Callable[[BaseException], Coroutine[Any, Any, None]]
LOG: Final = logging.getLogger("ocs.strand")

BEAT_S: Final = 0.2
"""How often the loop shows that it is alive, in seconds."""
BLOCKED_S: Final = 1.0
"""A loop that was silent for so long is blocked by the script, in seconds."""


class Strand:
    """One thread, one loop, for one script.

    Args:
        name: shown as the thread's name.
        port: the door scripts go through; it lives on the loop that makes this object.
    """

    def __init__(self, name: str, port: ChildRuns) -> None:
        self._home = asyncio.get_running_loop()
        self._loop = uvloop.new_event_loop()
        self._there, self._back = Crossing(self._loop, self._home), Crossing(self._home)
        self.port: Port = HomePort(port, self._home, self._back, self._loop, self._there)
        self._context = copy_context()
        self._context.run(use_port, self.port)
        self._last_beat = time.monotonic()
        self._closing = False
        self._report: Report | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._loop.set_exception_handler(self._failed)
        self._thread = threading.Thread(target=self._serve, name=f"strand-{name}", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._beat)
        while not self._closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as called:  # a script's sys.exit() ends its task, not the strand
                LOG.error("%s was called on the strand", type(called).__name__)
                self.call(self._tell, called)
        self._loop.run_until_complete(asyncio.sleep(0))  # what was handed over last begins, so that it can be cancelled
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _beat(self) -> None:
        self._last_beat = time.monotonic()
        self._loop.call_later(BEAT_S, self._beat)

    # -- failures ------------------------------------------------------------------------------------------------

    def tell_failures(self, report: Report) -> None:
        """From now on ``report`` is called, on the strand, with what fails in tasks and callbacks nobody waits for."""
        self._report = report

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """On any thread: a task that failed, and that nobody looked at, is told by whichever collects it."""
        failure = context.get("exception")
        if isinstance(failure, Exception) and self._report is not None and not self._closing:
            self.call(self._tell, failure)
        else:
            loop.default_exception_handler(context)

    def _tell(self, failure: BaseException) -> None:
        if self._report is not None:
            task = self._loop.create_task(self._report(failure))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    # -- running -------------------------------------------------------------------------------------------------

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the strand; wait for its outcome here."""
        outcome: asyncio.Future[T] = self._home.create_future()

        def ended(result: T | None, failure: BaseException | None) -> None:
            if outcome.cancelled():
                return
            if failure is not None:
                outcome.set_exception(failure)
            else:
                outcome.set_result(result)  # type: ignore[arg-type] - without a failure there is a result

        running = self.start(work, ended)
        try:
            return await outcome
        except asyncio.CancelledError:
            running.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, T], done: Done[T]) -> Running:
        """Run ``work`` on the strand; ``done`` is called on the home loop with its result, or its failure."""
        return self.start_there(work, partial(self.tell_home, done))

    def start_there(self, work: Coroutine[Any, Any, T], done: Done[T]) -> Running:
        """The same, but ``done`` is called on the strand; at home when the strand is closed."""
        running = Running(self._there)
        if self._closing:
            work.close()
            self._home.call_soon(done, None, asyncio.CancelledError())
        else:
            self._there.call(self.go_on_with, work, done, running, context=self._context)
        return running

    def next_running(self) -> Running:
        """What ``go_on_with`` is given next; it may be cancelled from now on."""
        return Running(self._there)

    def go_on_with(self, work: Coroutine[Any, Any, T], done: Done[T], running: Running) -> None:
        """The same, called on the strand: it begins in the next turn of the loop, and nobody is woken for it."""
        self._loop.create_task(self._carry(work, done, running), context=self._context.copy())

    async def _carry(self, work: Coroutine[Any, Any, T], done: Done[T], running: Running) -> None:
        if running.is_cancelled:  # before its turn came
            work.close()
            done(None, asyncio.CancelledError())
            return
        running.task = asyncio.current_task()
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = await work
        except BaseException as caught:
            failure = caught
        done(result, failure)

    def tell_home(self, function: Callable[..., object], *args: object) -> None:
        """Call a plain function on the home loop; any thread may ask for it."""
        with suppress(RuntimeError):  # the home loop is closed: nobody is interested any more
            self._back.call(function, *args)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a plain function on the strand."""
        with suppress(RuntimeError):  # closed already
            self._there.call(function, *args, context=self._context)

    def call_with_next(self, function: Callable[..., object], *args: object) -> None:
        """Call a plain function on the strand before whatever it is given next; it is not woken for this."""
        self._there.call_with_next(function, *args, context=self._context)

    # -- health --------------------------------------------------------------------------------------------------

    @property
    def blocked_s(self) -> float:
        """Seconds for which the script has kept the loop from running anything else; 0 when it has not."""
        silent = time.monotonic() - self._last_beat - BEAT_S
        return silent if silent > BLOCKED_S and self._thread.is_alive() else 0.0

    def is_at(self, folder: str) -> str:
        """The line of code below ``folder`` the thread is at, ``file:line function``; any line when there is none."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return ""
        stack = traceback.extract_stack(frame)
        place = next((at for at in reversed(stack) if at.filename.startswith(folder)), stack[-1])
        return f"{place.filename}:{place.lineno} {place.name}"

    def close(self) -> None:
        """Cancel what still runs and end the thread. One stuck in the script is left to the process's end."""
        if not self._closing:
            self._closing = True
            self._there.call(self._loop.stop)
            self._there.wake()  # now: the home loop may be about to end


class Running:
    """Something that runs on the strand. It has a task from its first turn on: before, it has only to be told."""

    def __init__(self, there: Crossing) -> None:
        self._there = there
        self.task: asyncio.Task[Any] | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """Cancel it; what is over already is left alone, what has not begun never does, and ends as cancelled."""
        self.is_cancelled = True
        with suppress(RuntimeError):  # the strand is closed
            self._there.call(self._cancel)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
