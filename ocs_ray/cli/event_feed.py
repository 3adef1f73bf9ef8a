"""The observe events of one observation, as they come.

``Events.subscribe`` does not tell when the subscription stands; here that matters, because the first event of an
observation comes milliseconds after its submission.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from ocs_ray.cli.interrupts import cancelled
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import EventBatch, NextEvents, Subscribe, Unsubscribe
from ocs_ray.models.events import ObserveEvent
from ocs_ray.scripting.port import current_port

OBSERVE_EVENTS: Final = "*.ObserveEvent.*"
ANSWER_S: Final = 5.0
PULL_S: Final = 10.0
QUIET_S: Final = 0.15
"""When no event came for so long after the end of a run, all have come: an event is under way for milliseconds."""
SETTLE_S: Final = 2.0


class EventFeed:
    """Hands every observe event to ``take``; an observation goes on without them when the event service is gone."""

    def __init__(self, take: Callable[[ObserveEvent], None]) -> None:
        self._take = take
        self._id = uuid.uuid4().hex
        self._came = asyncio.Event()
        self._is_lost = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The subscription stands inside the block."""
        port = current_port()
        await port.ask(EVENT_SERVICE, Subscribe(subscription_id=self._id, patterns=(OBSERVE_EVENTS,)), ANSWER_S)
        pulling = asyncio.create_task(self._pull())
        try:
            yield
        finally:
            await cancelled(pulling)
            with suppress(OcsError):  # with the service, the subscription is gone too
                if not self._is_lost:
                    await port.ask(EVENT_SERVICE, Unsubscribe(subscription_id=self._id), ANSWER_S)

    def give_up(self) -> None:
        """Ask nothing any more; the service forgets a subscriber that is silent.

        A question to a cluster that has just ended blocks for a minute, and then Ray ends this process.
        """
        self._is_lost = True

    async def settle(self) -> None:
        """Wait until what was published before now has come."""
        try:
            async with asyncio.timeout(SETTLE_S):
                while True:
                    self._came.clear()
                    await asyncio.wait_for(self._came.wait(), QUIET_S)
        except TimeoutError:
            return

    async def _pull(self) -> None:
        pull = NextEvents(subscription_id=self._id, timeout_s=PULL_S)
        while True:
            try:
                batch: EventBatch = await current_port().ask(EVENT_SERVICE, pull, PULL_S + ANSWER_S)
            except OcsError:
                return
            for event in batch.events:
                if isinstance(event, ObserveEvent):
                    self._take(event)
                    self._came.set()
