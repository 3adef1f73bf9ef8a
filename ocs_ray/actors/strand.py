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
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Final, TypeVar

from ocs_ray.scripting.port import Port, use_port

T = TypeVar("T")
LOG: Final = logging.getLogger("ocs.strand")

BEAT_S: Final = 0.2
"""How often the loop shows that it is alive, in seconds."""
BLOCKED_S: Final = 1.0
"""A loop that was silent for so long is blocked by the script, in seconds."""


class Strand:
    """One thread, one loop, for one script.

    Args:
        name: shown as the thread's name.
        port: the door scripts go through; its calls are made on the loop that makes this object.
    """

    def __init__(self, name: str, port: Port) -> None:
        self._home = asyncio.get_running_loop()
        self.port: Port = HomePort(port, self._home)
        self._context = copy_context()
        self._context.run(use_port, self.port)
        self._loop = asyncio.new_event_loop()
        self._last_beat = time.monotonic()
        self._closing = False
        self._handed_over: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._is_woken = False
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
        self._loop.run_until_complete(asyncio.sleep(0))  # what was handed over last begins, so that it can be cancelled
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _beat(self) -> None:
        self._last_beat = time.monotonic()
        self._loop.call_later(BEAT_S, self._beat)

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

    def start(self, work: Coroutine[Any, Any, T], done: Callable[[T | None, BaseException | None], None]) -> Running:
        """Run ``work`` on the strand; ``done`` is called on the home loop with its result, or its failure."""
        running = Running(self._loop)
        if self._closing:
            work.close()
            self._home.call_soon(done, None, asyncio.CancelledError())
        else:
            self._hand_over(self._begin, work, done, running)
        return running

    def _hand_over(self, function: Callable[..., object], *args: object) -> None:
        """Let the strand call a function. To wake a thread costs more than most of what it is woken for: once will do.

        The strand says that it is awake before it looks, so what comes after its last look wakes it again.
        """
        self._handed_over.append((function, args))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._take_over, context=self._context)

    def _take_over(self) -> None:
        self._is_woken = False
        while self._handed_over:
            function, args = self._handed_over.popleft()
            self._loop.call_soon(function, *args, context=self._context)

    def _begin(self, work: Coroutine[Any, Any, T], done: Callable[..., None], running: Running) -> None:
        if running.is_cancelled:  # while the script blocked the strand
            work.close()
        else:
            running.task = self._loop.create_task(self._carry(work, done))

    async def _carry(self, work: Coroutine[Any, Any, T], done: Callable[..., None]) -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = await work
        except BaseException as caught:
            failure = caught
        with suppress(RuntimeError):  # the home loop is closed: nobody is interested any more
            self._home.call_soon_threadsafe(done, result, failure)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a plain function on the strand."""
        with suppress(RuntimeError):  # closed already
            self._hand_over(function, *args)

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
            self._loop.call_soon_threadsafe(self._loop.stop)


class Running:
    """Something that runs on the strand."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.task: asyncio.Task[None] | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """Cancel it; what is over already is left alone, what has not begun never does."""
        self.is_cancelled = True
        with suppress(RuntimeError):  # the strand is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class HomePort:
    """Makes the calls of the strand on the home loop, where Ray lives."""

    def __init__(self, port: Port, home: asyncio.AbstractEventLoop) -> None:
        self._port, self._home = port, home

    def names(self) -> list[str]:
        """Names of all components; asked on the strand itself, for 0.2 ms: Ray's table is thread-safe."""
        return self._port.names()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a named component; see ``Port``."""
        return await self.at_home(self._port.ask(name, message, timeout_s))

    async def at_home(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the home loop; wait for its outcome on the strand."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._home))
