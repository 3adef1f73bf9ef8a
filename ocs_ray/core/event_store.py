"""The event service's memory: the latest event of each key, and a bounded queue for every subscriber.

Source: csw event service semantics (latest on subscribe). A subscriber that does not keep up gets only the latest
event of each key, and is told how many it lost; it never blocks a publisher or another subscriber. What all of them
together cost a publisher has a limit: events are what the observatory runs on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final

from ocs_ray.models.event_messages import EventBatch
from ocs_ray.models.events import Event, EventKey

QUEUE_LENGTH: Final = 10_000
"""Events that may wait for a subscriber before it gets the latest only."""
MOST_SUBSCRIPTIONS: Final = 10_000
"""Open at once; 150 sequencers whose scripts have 60 each are below."""
MOST_PATTERNS_IN_ALL: Final = 5_000
"""Patterns of all subscriptions together. Each is tried at every publish; a key costs one look-up, however many."""
CROWDED_S: Final = 60.0
"""When there is no room, whoever did not pull for so long gives way, in seconds; it subscribes again if it lives."""


class CrowdedError(Exception):
    """There is no room for another subscription; the text says what there is too much of."""


@dataclass(slots=True)
class Subscription:
    """One subscriber: what it wants and what waits for it.

    Args:
        pattern_count: how many patterns it has.
        last_pull: seconds, on the caller's clock, of the last sign of life.
        dropped: events lost since the last pull.
    """

    keys: frozenset[str]
    pattern_count: int
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


class EventStore:
    """Latest events and subscriptions."""

    def __init__(self) -> None:
        self._latest: dict[str, Event] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._by_key: dict[str, dict[str, Subscription]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._pattern_count = 0

    def publish(self, event: Event) -> list[str]:
        """Keep and queue an event; gives back the ids of the subscribers it was queued for."""
        key = str(EventKey(source=event.source, event_name=event.event_name))
        self._latest[key] = event
        reached = dict(self._by_key.get(key, {}))
        reached.update((id_, self._subscriptions[id_]) for id_, any_of in self._patterns.items() if any_of.match(key))
        for subscription in reached.values():
            subscription.put(key, event)
        return list(reached)

    def latest(self, keys: Iterable[EventKey]) -> tuple[Event | None, ...]:
        """The latest event of each key."""
        return tuple(self._latest.get(str(key)) for key in keys)

    def subscribe(self, id_: str, keys: Iterable[EventKey], patterns: tuple[str, ...], now: float) -> list[str]:
        """Open a subscription; the latest event of each of its keys is queued at once.

        Returns:
            The ids of subscriptions that had to give way because they were silent.

        Raises:
            CrowdedError: there are too many, and nobody who is silent; nothing has changed.
        """
        given_way = self._make_room(id_, len(patterns), now)
        self.unsubscribe(id_)
        wanted = Subscription(frozenset(map(str, keys)), len(patterns), now)
        self._subscriptions[id_] = wanted
        self._pattern_count += wanted.pattern_count
        if patterns:  # one expression for all of them, compiled once: a publish runs it, and does no more
            self._patterns[id_] = re.compile("|".join(map(translate, dict.fromkeys(patterns))))
        for key in sorted(wanted.keys):
            self._by_key.setdefault(key, {})[id_] = wanted
            if (event := self._latest.get(key)) is not None:
                wanted.put(key, event)
        return given_way

    def unsubscribe(self, id_: str) -> None:
        """Close a subscription; closing twice is no error."""
        gone = self._subscriptions.pop(id_, None)
        if gone is None:
            return
        self._patterns.pop(id_, None)
        self._pattern_count -= gone.pattern_count
        for key in gone.keys:
            interested = self._by_key[key]
            del interested[id_]
            if not interested:
                del self._by_key[key]

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
            self.unsubscribe(id_)
        return dead

    def _make_room(self, id_: str, pattern_count: int, now: float) -> list[str]:
        if self._crowd(id_, pattern_count) is None:
            return []
        given_way = self.drop_silent(now, CROWDED_S)
        if (crowd := self._crowd(id_, pattern_count)) is not None:
            raise CrowdedError(crowd)
        return given_way

    def _crowd(self, id_: str, pattern_count: int) -> str | None:
        """What there would be too much of, with another subscription in the place of ``id_``; None for nothing."""
        before = self._subscriptions.get(id_)
        if len(self._subscriptions) + (before is None) > MOST_SUBSCRIPTIONS:
            return f"{MOST_SUBSCRIPTIONS} subscriptions are open"
        kept = self._pattern_count - (0 if before is None else before.pattern_count)
        if kept + pattern_count > MOST_PATTERNS_IN_ALL:
            return f"its subscriptions have {kept} patterns, and may have {MOST_PATTERNS_IN_ALL}"
        return None
