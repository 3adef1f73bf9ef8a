"""Waiting for a condition with a deadline, so that a test neither sleeps too short nor too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

LOOK_EVERY_S: Final = 0.002


async def until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait until ``condition()`` is true.

    Args:
        within_s: longest wait, in seconds.

    Raises:
        AssertionError: it did not become true in time.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {within_s:g} s: {condition}"
        await asyncio.sleep(LOOK_EVERY_S)
