"""Whatever can be made with keys comes back from its JSON as it was."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import Observe, Sequence, Setup, Wait
from ocs_ray.models.coordinates import (
    AltAzCoord,
    Angle,
    CometCoord,
    EqCoord,
    EqFrame,
    MinorPlanetCoord,
    ProperMotion,
    SolarSystemCoord,
    SolarSystemObject,
)
from ocs_ray.models.identifiers import ObsId
from ocs_ray.models.keys import Key, KeyType
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.models.units import Units
from ocs_ray.models.value_rules import LARGEST_FLOAT
from ocs_ray.models.wire import decode, decode_text, encode, encode_text

CHECKS = settings(derandomize=True, deadline=None, database=None, max_examples=100)


def made(kind: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


angles = st.integers(-(2**63), 2**63 - 1).map(Angle)
tags = st.text(max_size=8)
doubles = st.floats(allow_nan=False, allow_infinity=False)
whole = {"Byte": 8, "Short": 16, "Int": 32, "Long": 64}
coordinates: dict[str, st.SearchStrategy[Any]] = {
    "EqCoord": made(
        EqCoord,
        tag=tags,
        ra=angles,
        dec=angles,
        frame=st.sampled_from(EqFrame),
        catalog_name=tags,
        pm=made(ProperMotion, pmx=doubles, pmy=doubles),
    ),
    "SolarSystemCoord": made(SolarSystemCoord, tag=tags, body=st.sampled_from(SolarSystemObject)),
    "MinorPlanetCoord": made(
        MinorPlanetCoord,
        tag=tags,
        epoch=doubles,
        inclination=angles,
        long_ascending_node=angles,
        arg_of_perihelion=angles,
        mean_distance=doubles,
        eccentricity=doubles,
        mean_anomaly=angles,
    ),
    "CometCoord": made(
        CometCoord,
        tag=tags,
        epoch_of_perihelion=doubles,
        inclination=angles,
        long_ascending_node=angles,
        arg_of_perihelion=angles,
        perihelion_distance=doubles,
        eccentricity=doubles,
    ),
    "AltAzCoord": made(AltAzCoord, tag=tags, alt=angles, az=angles),
}


@st.composite
def time_texts(draw: st.DrawFn) -> str:
    moment = draw(st.datetimes()).replace(microsecond=0)
    digits = draw(st.text("0123456789", max_size=9))
    return f"{moment.isoformat()}{'.' if digits else ''}{digits}Z"


def numbers(name: str) -> st.SearchStrategy[Any]:
    if name in whole:
        return st.integers(-(2 ** (whole[name] - 1)), 2 ** (whole[name] - 1) - 1)
    largest = LARGEST_FLOAT if name == "Float" else None
    return st.floats(-largest, largest) if largest else doubles


@st.composite
def matrices(draw: st.DrawFn, name: str) -> list[Any]:
    columns = draw(st.integers(0, 3))
    return draw(st.lists(st.lists(numbers(name), min_size=columns, max_size=columns), max_size=3))


def values_of(key_type: KeyType) -> st.SearchStrategy[Any]:
    name = key_type.value.removesuffix("Key")
    special: dict[str, st.SearchStrategy[Any]] = {
        "Choice": st.text(),
        "String": st.text(),
        "Char": st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]),
        "Boolean": st.booleans(),
        "UTCTime": time_texts().map(UTCTime),
        "TAITime": time_texts().map(TAITime),
        "Coord": st.one_of(*coordinates.values()),
        **coordinates,
    }
    if name in special:
        return special[name]
    if name.endswith("Array"):
        return st.lists(numbers(name.removesuffix("Array")), max_size=3)
    return matrices(name.removesuffix("Matrix")) if name.endswith("Matrix") else numbers(name)


VALUES = {key_type: st.lists(values_of(key_type), min_size=1, max_size=3) for key_type in KeyType}
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)
key_types = st.sampled_from(KeyType)


@st.composite
def parameters(draw: st.DrawFn, key_type: KeyType | None = None) -> Parameter[Any]:
    kind = key_type or draw(key_types)
    key: Key[Any] = Key(draw(names), kind, draw(st.sampled_from(Units)))
    return key.set(*draw(VALUES[kind]))


@st.composite
def commands(draw: st.DrawFn) -> Setup | Observe | Wait:
    kind = draw(st.sampled_from([Setup, Observe, Wait]))
    source = Prefix.of(draw(st.sampled_from(Subsystem)), draw(names))
    numbers_ = st.integers(1, 999)
    obs_id = draw(st.none() | st.builds(lambda p, o: ObsId(f"2020A-{p}-{o}"), numbers_, numbers_))
    return kind(source, draw(names), obs_id, *draw(st.lists(parameters(), max_size=4)))


@CHECKS
@given(st.lists(commands(), max_size=3))
def test_given_any_sequence_when_written_and_read_then_it_is_the_same(listed: list[Setup | Observe | Wait]) -> None:
    sequence = Sequence(listed)
    assert decode(Sequence, encode(sequence)) == sequence
    assert decode_text(Sequence, encode_text(sequence)) == sequence
    assert decode_text(Sequence, encode_text(sequence).encode()) == sequence
    assert json.loads(encode_text(sequence)) == encode(sequence)
    assert pickle.loads(pickle.dumps(sequence)) == sequence


@settings(CHECKS, max_examples=8)
@given(st.data())
def test_given_every_key_type_when_written_and_read_then_the_parameter_is_the_same(data: st.DataObject) -> None:
    for key_type in KeyType:
        parameter = data.draw(parameters(key_type))
        back = decode_text(Parameter, encode_text(parameter))
        assert back == parameter
        assert [type(value) for value in back] == [type(value) for value in parameter]


def refusal(raw: Any) -> BadInputError | None:
    try:
        decode(Sequence, raw)
    except BadInputError as refused:
        return refused
    return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@CHECKS
@given(commands(), json_values, st.data())
def test_given_a_command_with_one_part_replaced_by_anything_when_read_then_it_is_read_or_refused_with_its_place(
    command: Setup, anything: Any, data: st.DataObject
) -> None:
    raw: Any = [encode(command)]
    node: Any = raw
    for _ in range(data.draw(st.integers(0, 6))):
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not places:
            break
        place = data.draw(st.sampled_from(places))
        if not isinstance(node[place], dict | list):
            node[place] = anything
            break
        node = node[place]
    refused = refusal(raw)
    assert refused is None or (refused.where.startswith("$[0]") and refused.problem)
