"""CSW's JSON, frozen: what we read we write again. The data is ours and covers every type; see test_csw_shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models import commands, events, identifiers, keys, locations, params, prefix, responses, times, units
from ocs_ray.models.wire import decode, decode_text, encode, encode_text

DATA = Path(__file__).parent / "data"
TYPES: dict[str, Any] = {
    "CommandIssue": responses.CommandIssue,
    "CommandName": identifiers.CommandName,
    "ComponentId": prefix.ComponentId,
    "ComponentType": prefix.ComponentType,
    "Connection": locations.Connection,
    "ConnectionType": locations.ConnectionType,
    "ControlCommand": commands.ControlCommand,
    "CurrentState": events.CurrentState,
    "Event": events.Event,
    "EventKey": events.EventKey,
    "ExposureId": identifiers.ExposureId,
    "KeyType": keys.KeyType,
    "Location": locations.Location,
    "LocationServiceError": locations.LocationServiceError,
    "ObsId": identifiers.ObsId,
    "OnewayResponse": responses.OnewayResponse,
    "Parameter": params.Parameter,
    "Prefix": prefix.Prefix,
    "Registration": locations.Registration,
    "Result": responses.Result,
    "Sequence": commands.Sequence,
    "SequenceCommand": commands.SequenceCommand,
    "SubmitResponse": responses.SubmitResponse,
    "Subsystem": prefix.Subsystem,
    "TAITime": times.TAITime,
    "TrackingEvent": locations.TrackingEvent,
    "UTCTime": times.UTCTime,
    "Units": units.Units,
    "UnitsOfLaterVersions": units.Units,
    "ValidateResponse": responses.ValidateResponse,
}


def frozen(name: str) -> dict[str, list[Any]]:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


COMMANDS, LOCATIONS = frozen("csw_commands.json"), frozen("csw_locations.json")
CASES = [
    pytest.param(TYPES[name], value, id=f"{name}-{n}")
    for name, values in (COMMANDS | LOCATIONS).items()
    for n, value in enumerate(values)
]


@pytest.mark.parametrize(("model", "value"), CASES)
def test_given_frozen_json_when_decoded_and_encoded_then_it_is_equal(model: Any, value: Any) -> None:
    read = decode(model, value)
    assert encode(read) == value
    assert json.loads(encode_text(read)) == value
    assert decode_text(model, json.dumps(value)) == read


def test_given_the_frozen_data_then_every_type_name_of_the_contract_is_in_it() -> None:
    assert set(COMMANDS) | set(LOCATIONS) == set(TYPES)


def test_given_the_frozen_data_then_it_covers_every_key_type_unit_issue_subsystem_and_component_type() -> None:
    assert {tag for parameter in COMMANDS["Parameter"] for tag in parameter} == set(keys.KeyType)
    assert {*COMMANDS["Units"], *COMMANDS["UnitsOfLaterVersions"]} == set(units.Units)
    assert {issue["_type"] for issue in COMMANDS["CommandIssue"]} == set(responses.IssueType)
    assert set(LOCATIONS["Subsystem"]) == set(prefix.Subsystem)
    assert set(LOCATIONS["ComponentType"]) == set(prefix.ComponentType)


def test_given_csw_s_counts_then_none_is_missing() -> None:
    # source: csw KeyType.scala 30 entries, CommandIssue.scala 19, Subsystem.scala 33 and Container, ComponentType 7
    assert len(keys.KeyType) == 30
    assert len(responses.IssueType) == 19
    assert len(prefix.Subsystem) == 34
    assert len(prefix.ComponentType) == 7


def test_given_a_command_without_obs_id_when_encoded_then_the_field_is_absent_and_not_null() -> None:
    assert "maybeObsId" not in encode(commands.Setup("ESW.a", "x"))
    assert encode(commands.Setup("ESW.a", "x", "2020A-001-123"))["maybeObsId"] == "2020A-001-123"


def test_given_a_sequence_when_encoded_then_it_is_the_bare_array() -> None:
    assert encode(commands.Sequence.of(commands.Wait("ESW.a", "w"))) == [
        {"_type": "Wait", "source": "ESW.a", "commandName": "w", "paramSet": []}
    ]


def test_given_a_parameter_without_fraction_in_a_float_key_when_decoded_then_it_is_a_float() -> None:
    raw = {"FloatKey": {"keyName": "t", "values": [90], "units": "NoUnits"}}
    value = decode(params.Parameter, raw).head()
    assert value == 90
    assert type(value) is float


def test_given_names_in_another_case_when_decoded_then_they_are_written_canonically() -> None:
    # source: csw CommonCodecs.scala, enumCodec reads with withNameInsensitive and writes entryName
    raw = {"intkey": {"keyName": "a", "values": [1], "units": "nounits"}}
    assert encode(decode(params.Parameter, raw)) == {"IntKey": {"keyName": "a", "values": [1], "units": "NoUnits"}}
    read = decode(prefix.ComponentId, {"prefix": "esw.a", "componentType": "hcd"})
    assert encode(read) == {"prefix": "ESW.a", "componentType": "HCD"}
