"""The event service's memory: latest, patterns, slow subscribers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ocs_ray.core import event_store
from ocs_ray.core.event_store import CROWDED_S, MOST_PATTERNS_IN_ALL, QUEUE_LENGTH, CrowdedError, EventStore
from ocs_ray.models.event_messages import MOST_KEYS, Subscribe
from ocs_ray.models.events import EventKey, SystemEvent
from ocs_ray.models.identifiers import Id
from ocs_ray.models.keys import int_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.times import UTCTime

COUNT = int_key("count")
WHEEL = EventKey(source=Prefix("IRIS.wheel"), event_name="position")


def event(count: int, name: str = "position", source: str = "IRIS.wheel") -> SystemEvent:
    stamp = UTCTime("2026-01-01T00:00:00Z")
    plain = SystemEvent(source=Prefix(source), event_name=name, event_id=Id(str(count)), event_time=stamp)
    return plain.add(COUNT.set(count))


def counts(store: EventStore, id_: str) -> list[int]:
    batch = store.pull(id_, now=0.0)
    assert batch is not None
    return [found[COUNT].head() for found in batch.events]


def test_given_events_before_when_subscribed_then_the_latest_comes_first() -> None:
    store = EventStore()
    store.publish(event(1))
    store.publish(event(2))
    store.subscribe("me", [WHEEL], (), now=0.0)
    store.publish(event(3))
    assert counts(store, "me") == [2, 3]
    assert counts(store, "me") == []


def test_given_a_pattern_when_events_come_then_only_matching_ones_arrive() -> None:
    store = EventStore()
    store.subscribe("me", [], ("*.ObserveEvent.*",), now=0.0)
    assert store.publish(event(1)) == []
    assert store.publish(event(2, "ObserveEvent.ObserveStart", "ESW.mode")) == ["me"]
    assert counts(store, "me") == [2]


def test_given_a_subscriber_that_never_pulls_when_too_much_waits_then_it_gets_the_latest_only_and_is_told() -> None:
    store = EventStore()
    other = EventKey(source=Prefix("IRIS.wheel"), event_name="other")
    store.subscribe("slow", [WHEEL, other], (), now=0.0)
    store.subscribe("quick", [WHEEL], (), now=0.0)
    store.publish(event(-1, "other"))
    for n in range(QUEUE_LENGTH + 3):
        store.publish(event(n))
        if n % 5000 == 0:
            store.pull("quick", now=0.0)
    batch = store.pull("slow", now=0.0)
    assert batch is not None
    assert [found[COUNT].head() for found in batch.events] == [-1, QUEUE_LENGTH + 2]
    assert batch.dropped == QUEUE_LENGTH + 2
    quick = store.pull("quick", now=0.0)
    assert quick is not None
    assert quick.dropped == 0
    store.publish(event(7))
    store.publish(event(8))
    assert counts(store, "slow") == [7, 8]


def test_given_a_subscriber_that_went_silent_when_cleaned_up_then_its_subscription_is_closed() -> None:
    store = EventStore()
    store.subscribe("dead", [WHEEL], (), now=0.0)
    store.subscribe("alive", [WHEEL], (), now=0.0)
    store.pull("alive", now=50.0)
    assert store.drop_silent(now=61.0, silent_s=60.0) == ["dead"]
    assert store.pull("dead", now=61.0) is None
    assert store.pull("alive", now=61.0) is not None


def test_given_no_event_yet_when_asked_for_the_latest_then_none() -> None:
    store = EventStore()
    store.publish(event(7))
    found = store.latest([WHEEL, EventKey(source=Prefix("IRIS.wheel"), event_name="other")])
    assert found[1] is None
    assert found[0] is not None
    assert found[0][COUNT].head() == 7


def test_given_a_closed_subscription_when_pulled_then_it_is_said() -> None:
    store = EventStore()
    store.subscribe("me", [WHEEL], (), now=0.0)
    store.unsubscribe("me")
    store.unsubscribe("me")
    assert store.pull("me", now=0.0) is None


# -- what subscriptions may cost -------------------------------------------------------------------------------------


def test_given_patterns_when_many_then_each_counts_as_it_stands_and_capitals_matter() -> None:
    store = EventStore()
    store.subscribe("me", [], ("TCS.*", "IRIS.wheel.p?s*", "[!I]*"), now=0.0)
    assert store.publish(event(1)) == ["me"]
    assert store.publish(event(2, "Position")) == []
    assert store.publish(event(3, source="TCS.mount")) == ["me"]
    assert store.publish(event(4, source="WFOS.wheel")) == ["me"]


def test_given_an_event_wanted_by_key_and_by_pattern_when_published_then_it_comes_once() -> None:
    store = EventStore()
    store.subscribe("me", [WHEEL], ("*.position",), now=0.0)
    assert store.publish(event(1)) == ["me"]
    assert counts(store, "me") == [1]
    store.unsubscribe("me")
    assert store.publish(event(2)) == []


def test_given_a_full_house_when_another_subscribes_then_refused_until_somebody_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_store, "MOST_SUBSCRIPTIONS", 2)
    store = EventStore()
    store.subscribe("a", [WHEEL], (), now=0.0)
    store.subscribe("b", [WHEEL], (), now=0.0)
    with pytest.raises(CrowdedError, match="2 subscriptions are open"):
        store.subscribe("c", [WHEEL], (), now=CROWDED_S)
    assert store.subscribe("b", [WHEEL], (), now=CROWDED_S) == []  # it is there already
    assert store.subscribe("c", [WHEEL], (), now=CROWDED_S + 1) == ["a"]
    assert store.publish(event(1)) == ["b", "c"]


def test_given_all_the_patterns_there_may_be_when_another_comes_then_keys_still_have_room() -> None:
    store = EventStore()
    most = tuple(f"*.n{number}" for number in range(MOST_KEYS))
    for number in range(MOST_PATTERNS_IN_ALL // MOST_KEYS):
        store.subscribe(f"s{number}", [], most, now=0.0)
    with pytest.raises(CrowdedError, match=f"{MOST_PATTERNS_IN_ALL} patterns"):
        store.subscribe("more", [], ("*",), now=0.0)
    store.subscribe("s0", [], most, now=0.0)  # its own make room for it
    store.subscribe("key", [WHEEL], (), now=0.0)
    assert store.publish(event(1)) == ["key"]
    store.unsubscribe("s1")
    store.subscribe("more", [], ("*",), now=0.0)
    assert store.publish(event(2)) == ["key", "more"]


def test_given_a_subscription_when_it_asks_for_too_much_then_the_message_itself_is_refused() -> None:
    for given in (
        {"patterns": ["*"] * (MOST_KEYS + 1)},
        {"keys": [WHEEL] * (MOST_KEYS + 1)},
        {"patterns": ["*" * 200]},
    ):
        with pytest.raises(ValidationError, match=r"at most 1\d\d"):
            Subscribe.model_validate({"subscription_id": "me", **given})
