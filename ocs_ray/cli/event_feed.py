"""The observe events of one observation, as they come: none is missed, the first comes milliseconds after a submit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from ocs_ray.cli.interrupts import cancelled
from ocs_ray.client import Events
from ocs_ray.client.http import HttpPort
from ocs_ray.errors import LostReplyError, OcsError
from ocs_ray.models.events import ObserveEvent
from ocs_ray.scripting.event_subscription import Subscription
from ocs_ray.scripting.port import current_port

OBSERVE_EVENTS: Final = "*.ObserveEvent.*"
OURS: Final = "ESW.ocs"
"""Who subscribes, as the log names it."""
QUIET_S: Final = 0.15
"""When no event came for so long after the end of a run, all have come: an event is under way for milliseconds."""
SETTLE_S: Final = 2.0
AGAIN_S: Final = 0.5
"""Wait after a connection to the gateway that broke, in seconds."""

log = logging.getLogger("ocs.cli")


class EventFeed:
    """Hands every observe event to ``take``; an observation goes on without them when the event service is gone."""

    def __init__(self, take: Callable[[ObserveEvent], None]) -> None:
        self._take = take
        self._came = asyncio.Event()
        self._subscription: Subscription | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The subscription stands inside the block."""
        async with Events(OURS).subscription(patterns=(OBSERVE_EVENTS,)) as subscription:
            self._subscription = subscription
            following = asyncio.create_task(self._follow(subscription))
            try:
                yield
            finally:
                await cancelled(following)
                with suppress(OcsError):  # with the service, the subscription is gone too
                    await subscription.close()

    def give_up(self) -> None:
        """Ask nothing any more; the service forgets a subscriber that is silent.

        A question to a cluster that has just ended blocks for a minute, and then Ray ends this process.
        """
        if self._subscription is not None:
            self._subscription.forget()

    async def settle(self) -> None:
        """Wait until what was published before now has come."""
        try:
            async with asyncio.timeout(SETTLE_S):
                while True:
                    self._came.clear()
                    await asyncio.wait_for(self._came.wait(), QUIET_S)
        except TimeoutError:
            return

    async def _follow(self, subscription: Subscription) -> None:
        with suppress(OcsError):
            while True:
                try:
                    async for event in subscription.events():  # cancelled at its pull, which ends it
                        if isinstance(event, ObserveEvent):
                            self._take(event)
                            self._came.set()
                except LostReplyError as lost:
                    # a cluster that has ended would not be there to answer
                    if not isinstance(current_port(), HttpPort):
                        return
                    log.warning("events may be missing: %s", lost.reason)
                await asyncio.sleep(AGAIN_S)
