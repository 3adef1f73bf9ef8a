"""From one thread to another one's loop.

To wake a thread costs more than most of what it is woken for, and while it wakes it competes for the interpreter with
the one that woke it: so it is woken once for all that is handed over meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context


class Crossing:
    """The way to ``loop``; any thread may use it, and what comes first is called first.

    Args:
        caller: the loop most calls come from. It wakes the other one when it has done what it has to do already: until
            then it keeps the interpreter, and who is woken before takes a processor away only to wait for that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, caller: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop, self._caller = loop, caller
        self._waiting: deque[tuple[Callable[..., object], tuple[object, ...], Context]] = deque()
        self._is_woken = False

    def call(self, function: Callable[..., object], *args: object, context: Context | None = None) -> None:
        """Let the loop call a plain function, in the caller's context unless another one is given.

        Raises:
            RuntimeError: the loop is closed; not when ``caller`` calls, which goes on to do what else it has to.
        """
        self.call_with_next(function, *args, context=context)
        # it says that it is awake before it looks: what comes after its last look wakes it again
        if not self._is_woken:
            self._is_woken = True
            if self._caller is not None and asyncio._get_running_loop() is self._caller:
                self._caller.call_soon(self._wake_if_open)
            else:
                self.wake()

    def wake(self) -> None:
        """Let the loop call what waits, without waiting for anything.

        Raises:
            RuntimeError: the loop is closed.
        """
        try:
            self._loop.call_soon_threadsafe(self._arrive)
        except RuntimeError:
            self._is_woken = False
            raise

    def _wake_if_open(self) -> None:
        with suppress(RuntimeError):
            self.wake()

    def call_with_next(self, function: Callable[..., object], *args: object, context: Context | None = None) -> None:
        """The same before whatever is handed over next, without waking the loop for it."""
        self._waiting.append((function, args, context or copy_context()))

    def _arrive(self) -> None:
        """Call what waits, at once: each further turn of the loop is a system call that gives the interpreter away."""
        self._is_woken = False
        try:
            for _ in range(len(self._waiting)):
                function, args, context = self._waiting.popleft()
                try:
                    context.run(function, *args)
                except Exception as failure:  # as of any callback of the loop
                    self._loop.call_exception_handler({"message": f"Exception in {function!r}", "exception": failure})
        finally:  # what was handed over meanwhile has its turn after what else the loop has to do
            if self._waiting and not self._is_woken:
                self._is_woken = True
                self._loop.call_soon(self._arrive)
