"""The floor: what an actor costs that does nothing of ours. It imports nothing but asyncio."""

from __future__ import annotations

import asyncio


class Bare:
    """A bare async actor."""

    async def ask(self, message: object) -> object:
        """Answer at once."""
        return message

    async def step(self, message: object) -> object:
        """Answer when an event is set, as any step that is waited for must."""
        done = asyncio.Event()
        asyncio.get_running_loop().call_soon(done.set)
        await done.wait()
        return message

    async def steps(self, count: int) -> int:
        """So many empty coroutines, each a task of its own, one after the other."""

        async def nothing() -> None:
            pass

        for _ in range(count):
            await asyncio.ensure_future(nothing())
        return count
