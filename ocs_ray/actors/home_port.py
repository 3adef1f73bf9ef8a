"""The door of a script: what goes through it leaves from the strand itself, or from the home loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ocs_ray.actors.child_runs import ChildRuns
from ocs_ray.actors.crossing import Crossing

T = TypeVar("T")


class HomePort:
    """Makes the calls of the strand: there, when the port serves any loop, else on the home loop.

    Args:
        port: carries the messages; it lives on the home loop.
        home: that loop.
        to_home: the way there.
        strand: the script's loop, from which most calls come.
        to_strand: the way back.
    """

    def __init__(
        self,
        port: ChildRuns,
        home: asyncio.AbstractEventLoop,
        to_home: Crossing,
        strand: asyncio.AbstractEventLoop,
        to_strand: Crossing,
    ) -> None:
        self._port, self._home, self._to_home = port, home, to_home
        self._strand, self._to_strand = strand, to_strand

    def names(self) -> list[str]:
        """Names of all components; asked on the strand itself, for 0.2 ms: Ray's table is thread-safe."""
        return self._port.names()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a named component; see ``Port``."""
        if self._port.may_be_asked_elsewhere(name, message):
            return await self._port.ask_elsewhere(name, message, timeout_s, self._tell_home)
        return await self.at_home(self._port.ask(name, message, timeout_s))

    def _tell_home(self, function: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the home loop is closed: nobody is interested any more
            self._to_home.call(function, *args)

    async def at_home(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the home loop; wait for its outcome here, on the strand or another loop of the script."""
        here = asyncio.get_running_loop()
        back = self._to_strand if here is self._strand else Crossing(here)
        outcome: asyncio.Future[T] = here.create_future()
        begun: list[asyncio.Task[T]] = []

        def begin() -> None:
            if outcome.cancelled():
                work.close()
                return
            begun.append(self._home.create_task(work))
            begun[0].add_done_callback(ended)

        def ended(task: asyncio.Task[T]) -> None:
            with suppress(RuntimeError):  # the script's loop is closed: nobody is interested any more
                back.call(settle, task)

        def settle(task: asyncio.Task[T]) -> None:
            if outcome.done():
                if not task.cancelled():
                    task.exception()  # now it was looked at
            elif task.cancelled():
                outcome.cancel()
            elif (failure := task.exception()) is not None:
                outcome.set_exception(failure)
            else:
                outcome.set_result(task.result())

        self._to_home.call(begin)
        try:
            return await outcome
        except asyncio.CancelledError:
            with suppress(RuntimeError):
                self._to_home.call(lambda: [task.cancel() for task in begun])
            raise
