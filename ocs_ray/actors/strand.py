"""The script's own thread with its own loop. Source: esw StrandEc.scala.

Whatever a script does, the sequencer's actor goes on answering; and since all handlers and callbacks of a script
share this one loop, plain variables of a script need no lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ocs_ray.scripting.port import Port, use_port

T = TypeVar("T")


class Strand:
    """One thread, one loop, for one script.

    Args:
        name: shown as the thread's name.
        port: the door scripts go through; its calls are made on the loop that makes this object.
    """

    def __init__(self, name: str, port: Port) -> None:
        self.port: Port = _HomePort(port, asyncio.get_running_loop())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=f"strand-{name}", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the strand; wait for its outcome here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._with_port(work), self._loop))

    def start(self, work: Coroutine[Any, Any, None], done: Callable[[BaseException | None], None]) -> None:
        """Run ``work`` on the strand; ``done`` is called here, on the home loop, with its failure or None."""
        home = asyncio.get_running_loop()

        async def carry() -> None:
            failure: BaseException | None = None
            try:
                await work
            except BaseException as caught:
                failure = caught
            home.call_soon_threadsafe(done, failure)

        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._with_port(carry())))

    async def _with_port(self, work: Coroutine[Any, Any, T]) -> T:
        use_port(self.port)
        return await work

    def close(self) -> None:
        """Cancel what still runs and end the thread. One stuck in the script is left to the process's end."""
        with suppress(RuntimeError):  # closed already
            self._loop.call_soon_threadsafe(self._loop.stop)


class _HomePort:
    """Makes the calls of the strand on the home loop, where Ray lives."""

    def __init__(self, port: Port, home: asyncio.AbstractEventLoop) -> None:
        self._port, self._home = port, home

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        call = asyncio.run_coroutine_threadsafe(self._port.ask(name, message, timeout_s), self._home)  # type: ignore[arg-type]
        return await asyncio.wrap_future(call)
