"""Events brought to a callback, one at a time, until told otherwise. Source: esw EventServiceDsl.kt, onEvent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from ocs_ray.errors import UnreachableError
from ocs_ray.models.events import Event, EventKey
from ocs_ray.scripting.background import Background, Cancellable, Report
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.exit_calls import FAILURES
from ocs_ray.scripting.timers import call_periodically

EventCallback = Callable[[Event], Awaitable[None]]

RETRY_S: Final = 1.0
"""Wait before another try when the event service does not answer, in seconds."""


async def deliver(
    events: Events, keys: tuple[EventKey, ...], callback: EventCallback, report: Report, handle: Cancellable
) -> None:
    """Call ``callback`` with every event; its failures are reported, and a silent event service once."""
    silent = False
    while handle.goes_on:
        try:
            async with aclosing(events.subscribe(*keys)) as stream:
                async for event in stream:
                    silent = False
                    try:
                        await callback(event)
                    except FAILURES as failure:
                        await report(failure)
                    if not handle.goes_on:
                        return
        except UnreachableError as failure:
            if not silent:
                await report(failure)
            silent = True
            await asyncio.sleep(RETRY_S)


def deliver_at_rate(
    background: Background,
    events: Events,
    keys: tuple[EventKey, ...],
    every: timedelta,
    callback: EventCallback,
    report: Report,
) -> Cancellable:
    """Call ``callback`` every ``every`` with the latest event of each key, again where nothing new came.

    Source: csw SubscriptionModes.RateAdapterMode.
    """
    latest: dict[EventKey, Event] = {}

    async def keep(event: Event) -> None:
        latest[event.event_key] = event

    async def hand_over() -> None:
        for event in list(latest.values()):
            if handing.goes_on:  # a callback may have cancelled it
                await background.guard(callback(event))  # should it fail, the other keys have their turn all the same

    collecting = background.launch(lambda handle: deliver(events, keys, keep, report, handle))
    handing = call_periodically(background, report, 0.0, every, hand_over)
    handing.on_cancel(collecting.cancel)
    return handing
