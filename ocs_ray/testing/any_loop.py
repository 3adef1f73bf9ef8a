"""Scripts of a test ask from their own threads, as they do where Ray carries the messages."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from ocs_ray.scripting.port import Heard, Port


class AnyLoop:
    """A port for every loop of the process, before one that serves only the loop it was made on.

    Args:
        port: carries the messages; its loop is the one that makes this object.
    """

    serves_any_loop: Literal[True] = True

    def __init__(self, port: Port) -> None:
        self._port, self._home = port, asyncio.get_running_loop()

    def names(self) -> list[str]:
        """Names of all components; see ``Port``."""
        return self._port.names()

    async def ask(self, name: str, message: object, timeout_s: float, heard: Heard | None = None) -> Any:
        """Send one message to a named component; see ``AnyLoopPort``."""
        if asyncio.get_running_loop() is self._home:
            return await self._ask(name, message, timeout_s, heard)
        work = self._ask(name, message, timeout_s, heard)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._home))

    async def _ask(self, name: str, message: object, timeout_s: float, heard: Heard | None) -> Any:
        reply = await self._port.ask(name, message, timeout_s)
        if heard is not None:
            heard(reply)
        return reply
