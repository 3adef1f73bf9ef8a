"""Running things at the same time and waiting for conditions. Source: esw ControlStructures.kt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from ocs_ray.errors import StepFailedError

WAIT_STEP_S: Final = 0.05
"""How often a plain condition is looked at, in seconds: as in ESW."""


async def par(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all at the same time; give back the results in order.

    The first failure cancels the others and is raised. Source: esw par.
    """
    tasks = [asyncio.ensure_future(w) for w in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait_for(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until ``condition()`` is true, looking every 50 ms."""
    while True:
        met = condition()
        if (await met) if isinstance(met, Awaitable) else met:
            return
        await asyncio.sleep(WAIT_STEP_S)


def finish_with_error(reason: str = "") -> None:
    """End the current step as failed.

    Raises:
        StepFailedError: always.
    """
    raise StepFailedError(reason=reason)
