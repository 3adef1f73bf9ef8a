from __future__ import annotations

from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.observe_events import CoordinateSystem, ObserveEventName, observe_event, observe_event_params
from ocs_ray.models.times import UTCTime
from ocs_ray.models.wire import encode

OBS, EXPOSURE = "2020A-001-123", "2020A-001-123-WFOS-IMG-SCI1-0001"
GIVEN: dict[str, Any] = {
    "obs_id": OBS,
    "exposure_id": EXPOSURE,
    "filename": "/data/a.fits",
    "reason": "clouds",
    "coordinate_system": CoordinateSystem.XY,
    "p": 1.5,
    "q": -2,
}
CARRIES = {  # source: csw SequencerObserveEvent.scala; obsId where nothing else is said
    "ExposureStart ExposureEnd ReadoutEnd ReadoutFailed PrepareStart ExposureAborted": "exposure_id",
    "DataWriteStart DataWriteEnd": "exposure_id filename",
    "ObservePaused ObserveResumed": "",
    "DowntimeStart": "obs_id reason",
    "OffsetStart": "obs_id coordinate_system p q",
    "PresetStart PresetEnd GuidestarAcqStart GuidestarAcqEnd ScitargetAcqStart ScitargetAcqEnd": "obs_id",
    "ObservationStart ObservationEnd ObserveStart ObserveEnd OffsetEnd InputRequestStart InputRequestEnd": "obs_id",
}
EVENTS = [(name, fields.split()) for names, fields in CARRIES.items() for name in names.split()]


def build(name: ObserveEventName, fields: dict[str, Any]) -> Any:
    moment = UTCTime("2021-09-17T09:17:08Z")
    return observe_event(name, source="ESW.sequencer", event_id="id-1", event_time=moment, **fields)


@pytest.mark.parametrize(("name", "fields"), EVENTS)
def test_given_each_observe_event_when_built_then_name_and_parameters_are_csw_s(name: str, fields: list[str]) -> None:
    event = build(ObserveEventName[name], {field: GIVEN[field] for field in fields})
    camel = {"obs_id": "obsId", "exposure_id": "exposureId", "coordinate_system": "coordinateSystem"}
    assert event.event_name == f"ObserveEvent.{name}"
    assert {p.key_name: p.head() for p in event.param_set} == {camel.get(f, f): GIVEN[f] for f in fields}


def test_given_all_events_then_the_table_above_names_each_once() -> None:
    assert sorted(name for name, _ in EVENTS) == sorted(name.name for name in ObserveEventName)


def test_given_an_aborted_exposure_when_built_then_it_is_not_a_pause() -> None:
    # source: esw ObserveEventDsl publishes ObservePaused here, which is a bug that must not be copied
    assert build(ObserveEventName.ExposureAborted, {"exposure_id": EXPOSURE}).event_name.endswith("ExposureAborted")


def test_given_an_offset_when_encoded_then_it_is_in_arcseconds() -> None:
    event = build(ObserveEventName.OffsetStart, {f: GIVEN[f] for f in ("obs_id", "coordinate_system", "p", "q")})
    assert encode(event)["paramSet"][2:] == [
        {"DoubleKey": {"keyName": "p", "values": [1.5], "units": "arcsec"}},
        {"DoubleKey": {"keyName": "q", "values": [-2.0], "units": "arcsec"}},
    ]


def test_given_an_obs_id_when_the_event_needs_none_then_it_is_added_all_the_same() -> None:
    assert [p.key_name for p in observe_event_params(ObserveEventName.ObservePaused, obs_id=OBS)] == ["obsId"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "the field 'obs_id' is missing"),
        ({"obs_id": OBS}, "the field 'reason' is missing"),
        ({"obs_id": OBS, "reason": "x", "filename": "y"}, "has no field 'filename'"),
        ({"obs_id": "2020", "reason": "x"}, "is not an observation id"),
        ({"obs_id": OBS, "reason": 5}, "found 5 where text"),
    ],
)
def test_given_other_fields_than_the_event_s_when_built_then_that_is_told(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInputError) as refused:
        observe_event_params(ObserveEventName.DowntimeStart, **fields)
    assert problem in refused.value.problem


def test_given_an_exposure_id_of_another_form_when_built_then_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="is not an exposure id"):
        observe_event_params(ObserveEventName.ExposureStart, exposure_id="exposure 1")
