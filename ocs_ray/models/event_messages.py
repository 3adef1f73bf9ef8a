"""What the event service understands. Source: csw EventPublisher.scala, EventSubscriber.scala; pulling is ours.

A subscriber pulls with one outstanding call, so a subscriber that died costs nothing and nobody is ever blocked by a
slow one.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeFloat

from ocs_ray.models.events import Event, EventKey
from ocs_ray.models.message import Message

MOST_KEYS: Final = 100
"""Keys, and patterns, of one subscription: every publish pays for them. Who wants more opens another one."""
LONGEST_PATTERN: Final = 128

Pattern = Annotated[str, Field(max_length=LONGEST_PATTERN)]


class Publish(Message):
    """Make an event known to all subscribers and keep it as the latest of its key."""

    kind: Literal["Publish"] = "Publish"
    event: Event


class GetEvent(Message):
    """The latest event of each key, None where nothing was published yet."""

    kind: Literal["GetEvent"] = "GetEvent"
    keys: tuple[EventKey, ...]


class Subscribe(Message):
    """Open a subscription; the latest event of each key comes first.

    Args:
        subscription_id: chosen by the subscriber, unique.
        keys: events of interest, at most 100.
        patterns: glob patterns over ``<source>.<event name>``, for example ``*.ObserveEvent.*``; at most 100.
    """

    kind: Literal["Subscribe"] = "Subscribe"
    subscription_id: Annotated[str, Field(max_length=100)]
    keys: Annotated[tuple[EventKey, ...], Field(max_length=MOST_KEYS)] = ()
    patterns: Annotated[tuple[Pattern, ...], Field(max_length=MOST_KEYS)] = ()


class NextEvents(Message):
    """Everything that came since the last call; waits up to ``timeout_s`` seconds for the first."""

    kind: Literal["NextEvents"] = "NextEvents"
    subscription_id: str
    timeout_s: NonNegativeFloat = 10.0


class Unsubscribe(Message):
    """Close a subscription."""

    kind: Literal["Unsubscribe"] = "Unsubscribe"
    subscription_id: str


class EventBatch(Message):
    """Events in the order of publication; ``dropped`` counts those a slow subscriber lost among them."""

    events: tuple[Event, ...]
    dropped: int = 0
