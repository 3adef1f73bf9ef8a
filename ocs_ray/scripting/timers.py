"""Calls at a point in time and in a rhythm. Source: esw TimeServiceDsl.kt, csw TimeServiceScheduler.scala."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from math import ceil

from ocs_ray.errors import BadInputError
from ocs_ray.scripting.async_functions import must_be_async
from ocs_ray.scripting.background import Background, Cancellable, Report
from ocs_ray.scripting.exit_calls import FAILURES

Task = Callable[[], Awaitable[None]]


def call_once(background: Background, delay_s: float, task: Task) -> Cancellable:
    """Call ``task`` after ``delay_s`` seconds; at once when that has passed.

    Raises:
        BadInputError: it is a plain function.
    """

    must_be_async(task, "a timer")

    async def wait(_: Cancellable) -> None:
        await asyncio.sleep(delay_s)
        await task()

    return background.launch(wait)


def call_periodically(
    background: Background, report: Report, delay_s: float, interval: timedelta, task: Task
) -> Cancellable:
    """Call ``task`` after ``delay_s`` seconds and then at a fixed rate.

    Runs of one timer never overlap: times that pass while a run goes on are left out, and the rhythm is kept.

    Raises:
        BadInputError: the interval is not above zero, or ``task`` is a plain function.
    """
    must_be_async(task, "a timer")
    interval_s = interval.total_seconds()
    if interval_s <= 0:
        raise BadInputError(where="timer", problem=f"{interval} is no interval", remedy="use one above zero")

    async def repeat(handle: Cancellable) -> None:
        clock = asyncio.get_running_loop()
        first, turn = clock.time() + max(delay_s, 0.0), 0
        while handle.goes_on:
            await asyncio.sleep(first + turn * interval_s - clock.time())
            try:
                await task()
            except FAILURES as failure:
                await report(failure)
            turn = max(turn + 1, ceil((clock.time() - first) / interval_s))

    return background.launch(repeat)
