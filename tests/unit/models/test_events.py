from __future__ import annotations

import pickle
from typing import Any

import pytest

from ocs_ray.errors import BadInputError, MissingKeyError
from ocs_ray.models.events import CurrentState, EventKey, ObserveEvent, SystemEvent
from ocs_ray.models.identifiers import Id
from ocs_ray.models.keys import int_key
from ocs_ray.models.times import UTCTime

NOW = UTCTime("2021-09-17T09:17:08Z")
KEY = int_key("a")


@pytest.mark.parametrize(
    ("text", "source", "name"),
    [
        ("ESW.demo.moved", "ESW.demo", "moved"),
        ("esw.demo.filter.moved", "ESW.demo.filter", "moved"),
        ("ESW.demo.ObserveEvent.PresetStart", "ESW.demo", "ObserveEvent.PresetStart"),
        ("ESW.ObserveEvent.PresetStart", "ESW.ObserveEvent", "PresetStart"),
        ("ESW.ObserveEvent.ObserveEvent.PresetStart", "ESW.ObserveEvent", "ObserveEvent.PresetStart"),
    ],
)
def test_given_the_text_of_a_key_when_parsed_then_source_and_name_are_told_apart(
    text: str, source: str, name: str
) -> None:
    key = EventKey.parse(text)
    assert (key.source, key.event_name) == (source, name)
    assert EventKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "moved", "ESW.moved", "ESX.a.moved", "ESW.a."])
def test_given_text_that_is_no_key_when_parsed_then_it_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        EventKey.parse(text)


@pytest.mark.parametrize("kind", [SystemEvent, ObserveEvent])
def test_given_an_event_then_it_has_a_key_and_parameters(kind: Any) -> None:
    event = kind("esw.a", "moved", KEY.set(1), event_id=Id("1"), event_time=NOW)
    assert event == kind(source="ESW.a", event_name="moved", event_id="1", event_time=NOW).add(KEY.set(1))
    assert event.event_key == EventKey("ESW.a", "moved")
    assert event[KEY].head() == 1
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(MissingKeyError, match=r"event 'ESW.a.moved' does not contain"):
        _ = event[int_key("b")]


def test_given_a_current_state_then_it_has_parameters_too() -> None:
    state = CurrentState("TCS.a", "idle", KEY.set(2))
    assert state[KEY].head() == 2
    with pytest.raises(MissingKeyError, match="current state 'idle' does not contain"):
        _ = state[int_key("b")]


def test_given_a_bad_part_when_an_event_is_made_then_the_part_is_named() -> None:
    with pytest.raises(BadInputError) as refused:
        SystemEvent("ESW.a", "x", event_id="1", event_time="today")  # type: ignore[arg-type]
    assert refused.value.where == "SystemEvent.event_time"
