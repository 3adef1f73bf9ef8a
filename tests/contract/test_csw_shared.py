"""csw-contract's own files and ESW's sample sequences, where the workshop's shared folder lies beside the checkout.

The same checks run on our own data in test_csw_contract, so nothing goes unchecked elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models import commands, events, identifiers, keys, locations, params, prefix, responses, times, units
from ocs_ray.models.wire import decode, decode_text, encode, encode_text

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TYPES: dict[str, Any] = {
    "CommandIssue": responses.CommandIssue,
    "CommandName": identifiers.CommandName,
    "ComponentId": prefix.ComponentId,
    "ComponentType": prefix.ComponentType,
    "Connection": locations.Connection,
    "ConnectionType": locations.ConnectionType,
    "ControlCommand": commands.ControlCommand,
    "CurrentState": events.CurrentState,
    "KeyType": keys.KeyType,
    "Location": locations.Location,
    "LocationServiceError": locations.LocationServiceError,
    "OnewayResponse": responses.OnewayResponse,
    "Parameter": params.Parameter,
    "Prefix": prefix.Prefix,
    "Registration": locations.Registration,
    "Result": responses.Result,
    "SubmitResponse": responses.SubmitResponse,
    "Subsystem": prefix.Subsystem,
    "TAITime": times.TAITime,
    "TrackingEvent": locations.TrackingEvent,
    "UTCTime": times.UTCTime,
    "Units": units.Units,
    "ValidateResponse": responses.ValidateResponse,
}


def contract_values() -> list[tuple[str, Any]]:
    found = [json.loads(file.read_text("utf-8")) for file in sorted((SHARED / "contract").glob("*-models.json"))]
    return [(name, value) for models in found for name, values in models.items() for value in values]


CONTRACT = [(name, value) for name, value in contract_values() if name != "UnitsMap"]
SYMBOLS = [pair for name, value in contract_values() if name == "UnitsMap" for pair in value["data"].items()]
SEQUENCES = sorted((SHARED / "sample-sequences").glob("*.json"))


def test_given_the_shared_folder_then_it_was_checked_or_its_absence_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    if not SHARED.is_dir():
        with capsys.disabled():
            print(
                f"\n{SHARED} is absent: csw-contract's own files were not checked, our frozen copies of its rules were"
            )
        return
    assert len(CONTRACT) > 200
    assert len(SEQUENCES) == 9


@pytest.mark.parametrize(("name", "value"), [pytest.param(n, v, id=f"{n}-{i}") for i, (n, v) in enumerate(CONTRACT)])
def test_given_a_value_of_csw_contract_when_decoded_and_encoded_then_it_is_equal(name: str, value: Any) -> None:
    read = decode(TYPES[name], value, name)
    assert encode(read) == value
    assert json.loads(encode_text(read)) == value


@pytest.mark.parametrize(("name", "symbol"), SYMBOLS)
def test_given_csw_s_units_map_then_every_symbol_is_the_same(name: str, symbol: str) -> None:
    assert units.Units(name).symbol == symbol


@pytest.mark.parametrize("file", SEQUENCES, ids=lambda file: file.stem)
def test_given_a_sample_sequence_when_decoded_and_encoded_then_it_is_equal(file: Path) -> None:
    read = decode_text(commands.Sequence, file.read_bytes(), file.name)
    assert encode(read) == json.loads(file.read_text("utf-8"))
    assert json.loads(encode_text(read)) == json.loads(file.read_text("utf-8"))
