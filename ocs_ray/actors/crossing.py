"""From one thread to another one's loop.

To wake a thread costs more than most of what it is woken for, and while it wakes it competes for the interpreter with
the one that woke it: so it is woken once for all that is handed over meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context


class Crossing:
    """The way to ``loop``; any thread may use it, and what comes first is called first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Callable[..., object], tuple[object, ...], Context]] = deque()
        self._is_woken = False

    def call(self, function: Callable[..., object], *args: object, context: Context | None = None) -> None:
        """Let the loop call a plain function, in the caller's context unless another one is given.

        Raises:
            RuntimeError: the loop is closed.
        """
        self.call_with_next(function, *args, context=context)
        # it says that it is awake before it looks: what comes after its last look wakes it again
        if not self._is_woken:
            self._is_woken = True
            try:
                self._loop.call_soon_threadsafe(self._arrive)
            except RuntimeError:
                self._is_woken = False
                raise

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
