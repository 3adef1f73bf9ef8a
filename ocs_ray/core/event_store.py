"""The event service's memory: the latest event of each key, and a bounded queue for every subscriber.

Source: csw event service semantics (latest on subscribe). A subscriber that does not keep up loses its oldest events
and is told how many; it never blocks a publisher or another subscriber.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from ocs_ray.models.event_messages import EventBatch
from ocs_ray.models.events import Event, EventKey

QUEUE_LENGTH: Final = 10_000
"""Events kept for a subscriber that does not pull."""


@dataclass(slots=True)
class Subscription:
    """One subscriber: what it wants and what waits for it.

    Args:
        last_pull: seconds, on the caller's clock, of the last sign of life.
    """

    keys: frozenset[str]
    patterns: tuple[str, ...]
    last_pull: float
    queue: deque[Event] = field(default_factory=lambda: deque[Event](maxlen=QUEUE_LENGTH))
    dropped: int = 0

    def put(self, event: Event) -> None:
        """Queue an event, dropping the oldest when full."""
        self.dropped += len(self.queue) == self.queue.maxlen
        self.queue.append(event)

    def wants(self, key: str) -> bool:
        """Whether an event with this key belongs here."""
        return key in self.keys or any(fnmatchcase(key, pattern) for pattern in self.patterns)


class EventStore:
    """Latest events and subscriptions."""

    def __init__(self) -> None:
        self._latest: dict[str, Event] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def publish(self, event: Event) -> list[str]:
        """Keep and queue an event; gives back the ids of the subscribers it was queued for."""
        key = str(EventKey(source=event.source, event_name=event.event_name))
        self._latest[key] = event
        reached = [(id_, s) for id_, s in self._subscriptions.items() if s.wants(key)]
        for _, subscription in reached:
            subscription.put(event)
        return [id_ for id_, _ in reached]

    def latest(self, keys: Iterable[EventKey]) -> tuple[Event | None, ...]:
        """The latest event of each key."""
        return tuple(self._latest.get(str(key)) for key in keys)

    def subscribe(self, id_: str, keys: Iterable[EventKey], patterns: tuple[str, ...], now: float) -> None:
        """Open a subscription; the latest event of each of its keys is queued at once."""
        wanted = Subscription(frozenset(map(str, keys)), patterns, now)
        self._subscriptions[id_] = wanted
        for key in sorted(wanted.keys):
            if (event := self._latest.get(key)) is not None:
                wanted.put(event)

    def unsubscribe(self, id_: str) -> None:
        """Close a subscription; closing twice is no error."""
        self._subscriptions.pop(id_, None)

    def pull(self, id_: str, now: float) -> EventBatch | None:
        """What waits for a subscriber, emptied; None when there is no such subscription."""
        subscription = self._subscriptions.get(id_)
        if subscription is None:
            return None
        batch = EventBatch(events=tuple(subscription.queue), dropped=subscription.dropped)
        subscription.queue.clear()
        subscription.dropped, subscription.last_pull = 0, now
        return batch

    def drop_silent(self, now: float, silent_s: float) -> None:
        """Close the subscriptions of those that did not pull for ``silent_s`` seconds: they died."""
        for id_ in [i for i, s in self._subscriptions.items() if now - s.last_pull > silent_s]:
            del self._subscriptions[id_]
