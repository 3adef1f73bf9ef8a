"""Running things at the same time, loops, and waiting for conditions. Source: esw ControlStructures.kt, LoopDsl.kt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final, NoReturn, TypeVar

from ocs_ray.errors import BadInputError, StepFailedError
from ocs_ray.scripting.procedure import StopRequested

WAIT_STEP_S: Final = 0.05
"""How often a plain condition is looked at, in seconds, and the least interval of a loop: as in ESW."""

T = TypeVar("T")

_in_loop: ContextVar[bool] = ContextVar("ocs_in_loop", default=False)


class StopLoop(BaseException):  # not an Exception: a body's own `except Exception` shall not swallow it
    """Ends the innermost loop; raised by ``stop_when``."""


async def par(*work: Coroutine[Any, Any, T]) -> list[T]:
    """Run all at the same time; give back the results in order: ``await par(move(), expose())``.

    The first failure cancels the others and is raised. Source: esw par. One that a stop or an abort ends at a
    checkpoint cancels nothing: the others go on to a checkpoint of their own, or to their end.
    """
    tasks = [asyncio.ensure_future(w) for w in work]
    try:
        return await asyncio.gather(*tasks)
    except StopRequested:
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def loop(body: Callable[[], Awaitable[None]], min_interval: timedelta = timedelta()) -> None:
    """Run ``body`` again and again until ``stop_when`` in it ends the loop.

    A turn lasts at least ``min_interval``, never less than 50 ms; a body that takes longer is followed by the next
    turn at once. ``stop_when`` leaves the body at once; the last turn still lasts its interval, as in ESW.
    """
    interval_s = max(min_interval.total_seconds(), WAIT_STEP_S)
    clock = asyncio.get_running_loop()
    mark = _in_loop.set(True)
    try:
        goes_on = True
        while goes_on:
            begun = clock.time()
            try:
                await body()
            except StopLoop:
                goes_on = False
            await asyncio.sleep(interval_s - (clock.time() - begun))
    finally:
        _in_loop.reset(mark)


def stop_when(condition: bool) -> None:
    """End the innermost ``loop`` when ``condition`` is true; what follows in its body is not run.

    Raises:
        BadInputError: there is no loop around it.
    """
    if not _in_loop.get():
        raise BadInputError(where="stop_when", problem="there is no loop around it", remedy="use it inside loop()")
    if condition:
        raise StopLoop


async def wait_for(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until ``condition()`` is true, looking every 50 ms."""
    while True:
        met = condition()
        if (await met) if isinstance(met, Awaitable) else met:
            return
        await asyncio.sleep(WAIT_STEP_S)


def finish_with_error(reason: str = "") -> NoReturn:
    """End the current step as failed.

    Raises:
        StepFailedError: always.
    """
    raise StepFailedError(reason=reason)
