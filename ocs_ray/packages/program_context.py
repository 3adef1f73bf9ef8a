"""``ctx``: what a program may ask of the platform.

Source: transform-hub, AppContext; reference scramjet.md, section 1.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, cast

from pydantic_core import to_json

from ocs_ray.packages.program_pipes import PipeWriter

StopHandler = Callable[[float, bool], Any]
"""Told how many seconds are left, and whether ``ctx.keep_alive`` is allowed; a plain function or a coroutine's."""


class StopRequested(BaseException):
    """Raised in a program without an event loop when it is to stop; like KeyboardInterrupt it is no Exception."""


class ProgramContext:
    """The platform, as a program sees it.

    Args:
        instance_id: of this instance.
        config: what the start was given.
        tell: sends a line to the keeper.
        events: the channel of that name.
    """

    def __init__(
        self,
        instance_id: str,
        config: dict[str, Any],
        tell: Callable[[dict[str, Any]], None],
        events: PipeWriter,
    ) -> None:
        self.instance_id, self.config = instance_id, config
        self.logger = logging.getLogger("program")
        self._tell, self._events = tell, events
        self._stop_handlers: list[StopHandler] = []
        self._monitors: list[Callable[[], Any]] = []
        self._listeners: dict[str, list[Callable[[Any], Any]]] = {}
        self._waiting: dict[str, Any] = {}
        self._kept_alive = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[Any] | None = None
        self._calling = threading.Lock()

    def emit(self, event: str, message: Any = None) -> None:
        """Tell whoever listens to this instance; ``message`` is anything JSON has."""
        self._events.append(to_json({"event": event, "message": message, "at_unix_s": time.time()}) + b"\n")

    def on(self, event: str, callback: Callable[[Any], Any]) -> None:
        """Have ``callback(message)`` called for each event of this name that is sent to this instance.

        The last one that came before anybody listened is delivered now.
        """
        with self._calling:
            self._listeners.setdefault(event, []).append(callback)
            missed = self._waiting.pop(event, None)
        if missed is not None:
            self._call(callback, missed[0])

    def add_stop_handler(self, handler: StopHandler) -> None:
        """Have ``handler(timeout_s, can_keep_alive)`` called when this instance is asked to stop."""
        self._stop_handlers.append(handler)

    def add_monitoring_handler(self, handler: Callable[[], Any]) -> None:
        """Have ``handler()`` called each second: True, False or ``{"healthy": ..., ...}``."""
        self._monitors.append(handler)

    def keep_alive(self, more_s: float) -> None:
        """From a stop handler: ask for ``more_s`` seconds more, counted from now."""
        self._kept_alive = True
        self._tell({"keep_alive": more_s})

    def end(self) -> None:
        """End this program from within, as if it had been asked to stop."""
        if self._loop is not None and self._main is not None:
            self._loop.call_soon_threadsafe(self._main.cancel)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    # What follows is for the one that runs the program.

    def adopt_loop(self, main: asyncio.Task[Any]) -> None:
        """The program runs as this task, on its loop."""
        self._main, self._loop = main, main.get_loop()

    def stop(self, timeout_s: float, can_keep_alive: bool) -> None:
        """Call the stop handlers in their order, then end the program unless it asked for more time."""
        for handler in self._stop_handlers:
            self._call(handler, timeout_s, can_keep_alive)
        if not (self._kept_alive and can_keep_alive):
            self.end()

    def deliver(self, event: str, message: Any) -> None:
        """An event came for this instance."""
        with self._calling:
            listeners = tuple(self._listeners.get(event, ()))
            if not listeners:
                self._waiting[event] = (message,)
        for listener in listeners:
            self._call(listener, message)

    def health(self) -> dict[str, Any]:
        """What the monitoring handlers say, together."""
        together: dict[str, Any] = {"healthy": True}
        said: Any
        for monitor in self._monitors:
            try:
                said = monitor()
            except Exception as failure:
                said = {"healthy": False, "problem": f"{type(failure).__name__}: {failure}"}
            details: dict[str, Any] = (
                cast("dict[str, Any]", said) if isinstance(said, dict) else {"healthy": bool(said)}
            )
            together = {**together, **details, "healthy": together["healthy"] and bool(details.get("healthy", True))}
        return together

    def _call(self, function: Callable[..., Any], *args: Any) -> None:
        try:
            result = function(*args)
            if inspect.isawaitable(result):
                self._await(result)
        except Exception:
            self.logger.exception("a handler of the program failed")

    def _await(self, result: Any) -> None:
        async def finished() -> None:
            await result

        loop = self._loop
        if loop is None:
            asyncio.run(finished())
        else:
            work = asyncio.run_coroutine_threadsafe(finished(), loop)
            if threading.current_thread() is not threading.main_thread():
                work.result()


def raise_stop(*_: object) -> NoReturn:
    """The handler of SIGTERM in a program without an event loop."""
    raise StopRequested
