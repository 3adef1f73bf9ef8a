"""Events for scripts and devices: publish, get, subscribe, wait. Source: esw EventServiceDsl.kt."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from ocs_ray.errors import UnreachableError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import EventBatch, GetEvent, NextEvents, Publish, Subscribe, Unsubscribe
from ocs_ray.models.events import Event, EventKey, SystemEvent
from ocs_ray.models.identifiers import Id
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.port import Port, current_port
from ocs_ray.scripting.time_service import utc_time_now

PULL_S: Final = 10.0
"""How long one pull waits for a first event, in seconds; then it asks again."""
INVALID_ID: Final = "-1"
"""Event id of a placeholder that says nothing was published yet. Source: csw Event.scala, invalidEventId."""

log = logging.getLogger("ocs.events")


class Events:
    """The event service as one component uses it: ``source`` signs what is published."""

    def __init__(self, source: str, port: Port | None = None) -> None:
        self.source = Prefix(source)
        self._port = port

    @property
    def port(self) -> Port:
        """The door in use."""
        return self._port or current_port()

    async def publish(self, event: Event) -> None:
        """Make an event known to all subscribers."""
        await self.port.ask(EVENT_SERVICE, Publish(event=event), ASK_S)

    async def publish_system_event(self, name: str, *params: Parameter[object]) -> None:
        """Publish a SystemEvent of this source, stamped with now."""
        event = SystemEvent(source=self.source, event_name=name, event_id=Id(new_id()), event_time=utc_time_now())
        await self.publish(event.add(*params))

    async def get(self, key: EventKey) -> Event | None:
        """The latest event with this key, None where nothing was published yet."""
        return (await self.get_all(key))[0]

    async def get_all(self, *keys: EventKey) -> tuple[Event | None, ...]:
        """The latest event of each key, in the order of the keys; None where nothing was published yet."""
        return await self.port.ask(EVENT_SERVICE, GetEvent(keys=keys), ASK_S)

    async def subscribe(self, *keys: EventKey, patterns: tuple[str, ...] = ()) -> AsyncGenerator[Event, None]:
        """Events as they come, the latest of each key first; ends when the iterator is closed.

        Args:
            keys: events of interest.
            patterns: glob patterns over ``<source>.<event name>``.
        """
        subscription_id = new_id()
        opened = Subscribe(subscription_id=subscription_id, keys=keys, patterns=patterns)
        await self.port.ask(EVENT_SERVICE, opened, ASK_S)
        try:
            while True:
                pull = NextEvents(subscription_id=subscription_id, timeout_s=PULL_S)
                batch: EventBatch = await self.port.ask(EVENT_SERVICE, pull, PULL_S + ASK_S)
                if batch.dropped:
                    log.warning("%s was too slow: %d of its events were left out", self.source, batch.dropped)
                for event in batch.events:
                    yield event
        finally:
            await self.port.ask(EVENT_SERVICE, Unsubscribe(subscription_id=subscription_id), ASK_S)

    async def wait_for(self, key: EventKey, condition: Callable[[Event], bool], timeout_s: float) -> Event:
        """The first event with this key for which ``condition`` holds; the latest one counts.

        Raises:
            UnreachableError: none came within ``timeout_s`` seconds.
        """
        try:
            async with asyncio.timeout(timeout_s), aclosing(self.subscribe(key)) as stream:
                async for event in stream:
                    if condition(event):
                        return event
        except TimeoutError:
            pass
        raise UnreachableError(
            name=str(key),
            reason=f"did not reach the expected value within {timeout_s:g} s",
            remedy="look at the component that publishes it: ocs status",
        )


def new_id() -> str:
    """A fresh unique id."""
    return uuid.uuid4().hex


def is_invalid(event: Event) -> bool:
    """Whether this is a placeholder for an event that was not published yet."""
    return event.event_id == INVALID_ID
