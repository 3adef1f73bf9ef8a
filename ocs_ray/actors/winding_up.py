"""What must still be done when an operation failed or took too long, within a limit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def carried_out(work: Coroutine[Any, Any, T], limit_s: float) -> T | None:
    """Do it to its end, even when whoever waits is cancelled meanwhile: half undone is worse than late.

    Args:
        limit_s: longest it may take, in seconds.

    Returns:
        What came of it; None when the limit passed.

    Raises:
        CancelledError: the wait was cancelled; the work is done all the same, or its limit passed.
    """
    task = asyncio.create_task(asyncio.wait_for(work, limit_s))
    try:
        return await asyncio.shield(task)
    except TimeoutError:
        return None
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
