"""Calls that block, away from the script's thread. Source: esw blockingCpu, blockingIo; here a pool per script."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

CPU_THREADS: Final = 4
IO_THREADS: Final = 64
"""As in ESW: four for computing, 64 (the size of Kotlin's Dispatchers.IO) for waiting."""

P = ParamSpec("P")
T = TypeVar("T")


class BlockingWork:
    """Two pools of threads, made when first used.

    Args:
        name: shown in the names of the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def io(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what waits (files, sockets, ``time.sleep``) on one of 64 threads."""
        return await self._run("io", IO_THREADS, work, *args, **kwargs)

    async def cpu(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what computes on one of 4 threads."""
        return await self._run("cpu", CPU_THREADS, work, *args, **kwargs)

    async def _run(self, kind: str, threads: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if kind not in self._pools:
            self._pools[kind] = ThreadPoolExecutor(threads, thread_name_prefix=f"{kind}-{self._name}")
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pools[kind], lambda: context.run(work, *args, **kwargs))

    def close(self) -> None:
        """Take no more work; what runs on a thread runs to its end, what waits for one is dropped."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._pools.clear()
