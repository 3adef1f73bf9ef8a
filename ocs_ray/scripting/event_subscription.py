"""One subscription at the event service, pulled from as long as it is followed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import MOST_KEYS, EventBatch, NextEvents, Subscribe, Unsubscribe
from ocs_ray.models.events import Event, EventKey
from ocs_ray.models.new_id import new_id
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.port import Port

PULL_S: Final = 10.0
"""How long one pull waits for a first event, in seconds; then it asks again."""

log = logging.getLogger("ocs.events")


class Subscription:
    """A subscription that stands once ``open`` returned.

    Args:
        who: named in the log when it is too slow.
        port: the door to the event service.
    """

    def __init__(self, who: str, port: Port) -> None:
        self._who, self._port = who, port
        self._id = new_id()
        self._is_open = False

    async def open(self, keys: tuple[EventKey, ...], patterns: tuple[str, ...]) -> None:
        """Whatever is published from here on comes; the latest event of each key comes first.

        Raises:
            BadInputError: there are more than 100 keys, or patterns.
            UnreachableError: the event service does not answer, or has no room.
        """
        if max(len(keys), len(patterns)) > MOST_KEYS:
            raise BadInputError(
                self._who,
                f"a subscription has at most {MOST_KEYS} keys and as many patterns, this one {len(keys)} and "
                f"{len(patterns)}",
                "open several, or use a pattern instead of keys",
            )
        await self._port.ask(EVENT_SERVICE, Subscribe(subscription_id=self._id, keys=keys, patterns=patterns), ASK_S)
        self._is_open = True

    async def events(self) -> AsyncGenerator[Event, None]:
        """The events as they come, without an end."""
        while True:
            pull = NextEvents(subscription_id=self._id, timeout_s=PULL_S)
            batch: EventBatch = await self._port.ask(EVENT_SERVICE, pull, PULL_S + ASK_S)
            if batch.dropped:
                log.warning("%s was too slow: %d of its events were left out", self._who, batch.dropped)
            for event in batch.events:
                yield event

    def forget(self) -> None:
        """Take no leave: the service may be gone, and it forgets a silent subscriber by itself."""
        self._is_open = False

    async def close(self) -> None:
        """Take leave of the service, unless it was forgotten."""
        if self._is_open:
            self._is_open = False
            await self._port.ask(EVENT_SERVICE, Unsubscribe(subscription_id=self._id), ASK_S)
