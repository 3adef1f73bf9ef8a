"""Events for scripts and devices: publish, get, subscribe, wait. Source: esw EventServiceDsl.kt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final

from ocs_ray.errors import UnreachableError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import GetEvent, Publish
from ocs_ray.models.events import Event, EventKey, SystemEvent
from ocs_ray.models.identifiers import Id
from ocs_ray.models.new_id import new_id
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.event_subscription import Subscription
from ocs_ray.scripting.port import Port, current_port
from ocs_ray.scripting.time_service import utc_time_now

INVALID_ID: Final = "-1"
"""Event id of a placeholder that says nothing was published yet. Source: csw Event.scala, invalidEventId."""


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

    @asynccontextmanager
    async def subscription(self, *keys: EventKey, patterns: tuple[str, ...] = ()) -> AsyncGenerator[Subscription]:
        """A subscription that stands inside the block: what is published there comes, however soon.

        ``async with events.subscription(KEY) as subscribed: ...; async for event in subscribed.events(): ...``

        Args:
            keys: events of interest, the latest of each comes first.
            patterns: glob patterns over ``<source>.<event name>``.
        """
        subscribed = Subscription(self.source, self.port)
        await subscribed.open(keys, patterns)
        try:
            yield subscribed
        finally:
            await subscribed.close()

    async def subscribe(self, *keys: EventKey, patterns: tuple[str, ...] = ()) -> AsyncGenerator[Event, None]:
        """Events as they come, the latest of each key first; ends when the iterator is closed.

        Args:
            keys: events of interest.
            patterns: glob patterns over ``<source>.<event name>``.
        """
        async with self.subscription(*keys, patterns=patterns) as subscribed, aclosing(subscribed.events()) as stream:
            async for event in stream:
                yield event

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


def is_invalid(event: Event) -> bool:
    """Whether this is a placeholder for an event that was not published yet."""
    return event.event_id == INVALID_ID
