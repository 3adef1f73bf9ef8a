"""The event service's memory: the latest event of each key, and a bounded queue for every subscriber.

Source: csw event service semantics (latest on subscribe). A subscriber that does not keep up gets only the latest
event of each key, and is told how many it lost; it never blocks a publisher or another subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from ocs_ray.models.event_messages import EventBatch
from ocs_ray.models.events import Event, EventKey

QUEUE_LENGTH: Final = 10_000
"""Events that may wait for a subscriber before it gets the latest only."""


@dataclass(slots=True)
class Subscription:
    """One subscriber: what it wants and what waits for it.

    Args:
        last_pull: seconds, on the caller's clock, of the last sign of life.
        dropped: events lost since the last pull.
    """

    keys: frozenset[str]
    patterns: tuple[str, ...]
    last_pull: float
    dropped: int = 0
    _queue: list[tuple[str, Event]] = field(default_factory=list[tuple[str, Event]])
    _latest: dict[str, Event] | None = None

    def put(self, key: str, event: Event) -> None:
        """Queue an event; when too many wait, only the latest of each key is kept until they are taken."""
        if self._latest is None:
            self._queue.append((key, event))
            if len(self._queue) <= QUEUE_LENGTH:
                return
            self._latest = dict(self._queue)
            self.dropped += len(self._queue) - len(self._latest)
            self._queue = []
            return
        self.dropped += key in self._latest
        self._latest.pop(key, None)  # so that the latest comes last
        self._latest[key] = event

    def take(self) -> EventBatch:
        """What waits; from now on every event is queued again."""
        events = [event for _, event in self._queue] if self._latest is None else list(self._latest.values())
        batch = EventBatch(events=tuple(events), dropped=self.dropped)
        self._queue, self._latest, self.dropped = [], None, 0
        return batch

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
            subscription.put(key, event)
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
                wanted.put(key, event)

    def unsubscribe(self, id_: str) -> None:
        """Close a subscription; closing twice is no error."""
        self._subscriptions.pop(id_, None)

    def pull(self, id_: str, now: float) -> EventBatch | None:
        """What waits for a subscriber, emptied; None when there is no such subscription."""
        subscription = self._subscriptions.get(id_)
        if subscription is None:
            return None
        subscription.last_pull = now
        return subscription.take()

    def drop_silent(self, now: float, silent_s: float) -> list[str]:
        """Close the subscriptions that were not pulled for ``silent_s`` seconds, whose owners died; their ids."""
        dead = [id_ for id_, s in self._subscriptions.items() if now - s.last_pull > silent_s]
        for id_ in dead:
            del self._subscriptions[id_]
        return dead
