"""Every way a sequence can be wrong is told in one sentence, with its place in the document."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from pydantic import BaseModel

from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import ControlCommand, Sequence, SequenceCommand
from ocs_ray.models.coordinates import Coord
from ocs_ray.models.locations import Registration
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Error, SubmitResponse
from ocs_ray.models.wire import decode, decode_text, encode_text, parse_json

JARGON = re.compile(r"pydantic|https?://|Input should|type=|_error|validat|NoneType|dict\b|instance", re.IGNORECASE)


def parameter(tag: str = "IntKey", **changed: Any) -> dict[str, Any]:
    return {tag: {"keyName": "encoder", "values": [1, 2], "units": "NoUnits"} | changed}


def night(*params: Any, **changed: Any) -> list[Any]:
    good = {"_type": "Wait", "source": "ESW.night", "commandName": "wait", "paramSet": []}
    return [good, {"_type": "Setup", "source": "ESW.night", "commandName": "preset", "paramSet": [*params]} | changed]


def without(raw: Any, *path: Any) -> Any:
    changed = copy.deepcopy(raw)
    node = changed
    for place in path[:-1]:
        node = node[place]
    del node[path[-1]]
    return changed


def eq_coord(**changed: Any) -> dict[str, Any]:
    base = {"_type": "EqCoord", "tag": "BASE", "ra": 1, "dec": 2, "frame": "ICRS", "catalogName": "none"}
    return base | {"pm": {"pmx": 0.0, "pmy": 0.0}} | changed


BAD: dict[str, tuple[Any, str, str, str]] = {  # what is wrong -> JSON, path, problem, remedy (a part of it)
    "unknown _type": (
        night(_type="Setpu"),
        "$[1]._type",
        "unknown _type 'Setpu'",
        "did you mean 'Setup'? allowed: Setup",
    ),
    "_type of another kind": (night(_type="Started"), "$[1]._type", "unknown _type 'Started'", "Setup, Observe, Wait"),
    "_type missing": (without(night(), 1, "_type"), "$[1]", "the field '_type' is missing", "add '_type'"),
    "kind for _type": (night(kind="Setup"), "$[1].kind", "unknown field 'kind'", "allowed: _type, source"),
    "kind against _type": (night(kind="Robot"), "$[1].kind", "unknown field 'kind'", "the type is in _type"),
    "unknown field": (night(commandname="x"), "$[1].commandname", "unknown field 'commandname'", "'commandName'"),
    "field named like the tag": (night(Setup=1), "$[1].Setup", "unknown field 'Setup'", "allowed"),
    "odd field name": (night(**{"a b": 1}), "$[1]['a b']", "unknown field 'a b'", "allowed: _type, source"),
    "missing field": (without(night(), 1, "source"), "$[1]", "the field 'source' is missing", "add 'source'"),
    "missing paramSet": (without(night(), 1, "paramSet"), "$[1]", "the field 'paramSet' is missing", "add"),
    "dash in prefix": (
        night(source="ESW.a-b"),
        "$[1].source",
        "the component name in 'ESW.a-b' holds a '-'",
        "use '_'",
    ),
    "no dot in prefix": (night(source="ESW"), "$[1].source", "'ESW' is not a prefix: it has no '.'", "SUBSYSTEM.name"),
    "unknown subsystem": (night(source="IRSI.a"), "$[1].source", "unknown subsystem 'IRSI' in 'IRSI.a'", "'IRIS'"),
    "prefix is a number": (night(source=5), "$[1].source", "found 5 where text is expected", ""),
    "null obs id": (night(maybeObsId=None), "$[1].maybeObsId", "null is not allowed here", "leave the field out"),
    "bad obs id": (night(maybeObsId="2020-1"), "$[1].maybeObsId", "'2020-1' is not an observation id", "2020A-001-123"),
    "empty name": (night(commandName=""), "$[1].commandName", "a command name is empty", ""),
    "command is text": (["preset"], "$[0]", "found 'preset' where an object is expected", ""),
    "sequence is an object": ({}, "$", "found an object where a list is expected", ""),
    "paramSet is an object": (night(paramSet={}), "$[1].paramSet", "found an object where a list of parameters", ""),
    "parameter is a number": (night(5), "$[1].paramSet[0]", "found 5 where a parameter is expected", "IntKey"),
    "no key type": (night({}), "$[1].paramSet[0]", "a parameter has exactly one key type, found none", "IntKey"),
    "two key types": (
        night(parameter() | parameter("LongKey")),
        "$[1].paramSet[0]",
        "a parameter has exactly one key type, found 'IntKey' and 'LongKey'",
        "IntKey",
    ),
    "unknown key type": (night(parameter("IntKy")), "$[1].paramSet[0].IntKy", "unknown key type 'IntKy'", "'IntKey'"),
    "same name twice": (
        night(parameter(), parameter("LongKey")),
        "$[1].paramSet[1].LongKey.keyName",
        "'encoder' is given twice, first in parameter 0",
        "once",
    ),
    "unknown units": (
        night(parameter("LongKey", keyName="a"), parameter(units="degre")),
        "$[1].paramSet[1].IntKey.units",
        "unknown units 'degre'",
        "did you mean 'degree'?",
    ),
    "units are a number": (night(parameter(units=5)), "$[1].paramSet[0].IntKey.units", "found 5 for units", "NoUnits"),
    "units missing": (
        night(without(parameter(), "IntKey", "units")),
        "$[1].paramSet[0].IntKey",
        "the field 'units' is missing",
        "add",
    ),
    "unknown part": (
        night(parameter(unit="x")),
        "$[1].paramSet[0].IntKey.unit",
        "unknown field 'unit'",
        "did you mean 'units'?",
    ),
    "body is a list": (night({"IntKey": []}), "$[1].paramSet[0].IntKey", "found a list where an object", "keyName"),
    "bad key name": (night(parameter(keyName="a/b")), "$[1].paramSet[0].IntKey.keyName", "'a/b' holds one of", "other"),
    "values are no list": (night(parameter(values=1)), "$[1].paramSet[0].IntKey.values", "found 1 where a list", ""),
    "value of another type": (
        night(parameter(values=[1, "2"])),
        "$[1].paramSet[0].IntKey.values[1]",
        "found '2' where a whole number from -2147483648 to 2147483647 is expected",
        "",
    ),
    "value out of range": (
        night(parameter("ByteKey", values=[128])),
        "$[1].paramSet[0].ByteKey.values[0]",
        "128 is outside -128 to 127",
        "",
    ),
    "true for a number": (night(parameter(values=[True])), "$[1].paramSet[0].IntKey.values[0]", "found true where", ""),
    "number for true": (
        night(parameter("BooleanKey", values=[1])),
        "$[1].paramSet[0].BooleanKey.values[0]",
        "found 1 where true or false is expected",
        "",
    ),
    "two characters": (
        night(parameter("CharKey", values=["ab"])),
        "$[1].paramSet[0].CharKey.values[0]",
        "found 'ab' where one character",
        "",
    ),
    "no such day": (
        night(parameter("UTCTimeKey", values=["2021-02-30T00:00:00Z"])),
        "$[1].paramSet[0].UTCTimeKey.values[0]",
        "'2021-02-30T00:00:00Z' does not exist",
        "",
    ),
    "ragged matrix": (
        night(parameter("DoubleMatrixKey", values=[[[1, 2], [3]]])),
        "$[1].paramSet[0].DoubleMatrixKey.values[0][1]",
        "ragged matrix: row 1 has 1 values, row 0 has 2",
        "same number",
    ),
    "text in an array": (
        night(parameter("LongArrayKey", values=[[1], [2, "3"]])),
        "$[1].paramSet[0].LongArrayKey.values[1][1]",
        "found '3' where a whole number",
        "",
    ),
    "unknown coordinates": (
        night(parameter("CoordKey", values=[eq_coord(_type="EqCord")])),
        "$[1].paramSet[0].CoordKey.values[0]._type",
        "unknown _type 'EqCord'",
        "did you mean 'EqCoord'?",
    ),
    "coordinates of another kind": (
        night(parameter("AltAzCoordKey", values=[eq_coord()])),
        "$[1].paramSet[0].AltAzCoordKey.values[0]._type",
        "found EqCoord where AltAzCoord is expected",
        "CoordKey",
    ),
    "unknown frame": (
        night(parameter("CoordKey", values=[eq_coord(frame="ICSR")])),
        "$[1].paramSet[0].CoordKey.values[0].frame",
        "'ICSR' is not an allowed value",
        "did you mean 'ICRS'? allowed: ICRS, FK5",
    ),
    "fraction of an angle": (
        night(parameter("EqCoordKey", values=[eq_coord(ra=0.5)])),
        "$[1].paramSet[0].EqCoordKey.values[0].ra",
        "found 0.5 where a whole number is expected",
        "",
    ),
    "unknown part of the motion": (
        night(parameter("EqCoordKey", values=[eq_coord(pm={"pmx": 1, "pmy": 2, "pmz": 3})])),
        "$[1].paramSet[0].EqCoordKey.values[0].pm.pmz",
        "unknown field 'pmz'",
        "",
    ),
}


@pytest.mark.parametrize(("raw", "path", "problem", "remedy"), BAD.values(), ids=BAD.keys())
def test_given_a_bad_sequence_when_read_then_path_problem_and_remedy_are_told(
    raw: Any, path: str, problem: str, remedy: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        decode(Sequence, raw, "night.json")
    assert refused.value.where == f"night.json: {path}"
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy
    assert not JARGON.search(f"{refused.value.problem} {refused.value.remedy}".replace("_type", ""))


def test_given_no_document_name_when_refused_then_the_place_is_the_path_alone() -> None:
    with pytest.raises(BadInputError) as refused:
        decode(Sequence, night(source="ESW"))
    assert str(refused.value).startswith("$[1].source: 'ESW' is not a prefix")


@pytest.mark.parametrize(
    ("model", "raw", "path", "problem", "remedy"),
    [
        (ControlCommand, night()[0], "$._type", "unknown _type 'Wait'", "allowed: Setup, Observe"),
        (SubmitResponse, {"_type": "Completed", "runId": "1"}, "$", "the field 'result' is missing", "add"),
        (
            SubmitResponse,
            {"_type": "Completed", "runId": "1", "result": {}},
            "$.result",
            "'paramSet' is missing",
            "add",
        ),
        (SubmitResponse, {"_type": "Error", "runId": "1", "message": None}, "$.message", "found null where text", ""),
        (
            SubmitResponse,
            {"_type": "Invalid", "runId": "1", "issue": {"_type": "HCDIsBusyIssue", "reason": "x"}},
            "$.issue._type",
            "'HCDIsBusyIssue' is not an allowed value",
            "did you mean 'HCDBusyIssue'?",
        ),
        (SubmitResponse, {"_type": "Error", "runId": "", "message": ""}, "$.runId", "an id is empty", ""),
        (Coord, {"_type": "AltAzCoord", "tag": "BASE", "alt": 1}, "$", "the field 'az' is missing", "add 'az'"),
        (list[Prefix], ["ESW.a", "ESW"], "$[1]", "'ESW' is not a prefix", ""),
        (dict[str, SequenceCommand], {"a": night()[0] | {"x": 1}}, "$.a.x", "unknown field 'x'", "allowed: _type"),
        (
            Registration,
            {
                "_type": "HttpRegistration",
                "connection": {"prefix": "ESW.a", "componentType": "HCD", "connectionType": "http"},
                "port": 70000,
                "path": "",
                "networkType": {"_type": "Inside"},
                "metadata": {},
            },
            "$.port",
            "found 70000, it must be at most 65535",
            "",
        ),
    ],
)
def test_given_another_bad_value_when_read_then_path_problem_and_remedy_are_told(
    model: Any, raw: Any, path: str, problem: str, remedy: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        decode(model, raw)
    assert refused.value.where == path
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy


class Loose(BaseModel):
    """A model somebody else may write, with a union that no field tells apart."""

    either: int | list[int] | dict[str, int]
    rest: float = 0.0


def test_given_an_untagged_union_when_no_branch_fits_then_one_sentence_tells_the_deepest_place() -> None:
    with pytest.raises(BadInputError) as refused:
        decode(Loose, {"either": [1, "x"]})
    assert refused.value.where == "$.either[1]"
    assert refused.value.problem == "found 'x' where a whole number is expected"


GOOD = b'{"_type":"Wait","source":"ESW.a","commandName":"w","paramSet":[]}'


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ('[\n  {"_type": Setup}\n]', "night.json: line 2, column 13", "this is not JSON: expecting value"),
        ("", "night.json: line 1, column 1", "this is not JSON: expecting value"),
        (b"[" + GOOD + b";]", "night.json: line 1, column 67", "this is not JSON"),
        ("[NaN]", "night.json", "this is not JSON: it holds NaN"),
        (b"\xff\xfe", "night.json", "this is not UTF-8 text (byte 0)"),
        ("[" + "9" * 5000 + "]", "night.json", "this JSON holds a number of thousands of digits"),
        ("[" * 100_000, "night.json", "this JSON is nested too deep"),
        ('{"a":' * 100_000, "night.json", "this JSON is nested too deep"),
        ("[" * 100_000 + "]" * 100_000, "night.json", "this JSON is nested too deep"),
        (b"[" + GOOD[:-1] + b',"source":"ESW.b"}]', "night.json: $[0]", "the key 'source' is given twice"),
        (
            '[{"_type":"Wait","source":"ESW.a","commandName":"w","paramSet":[{"IntKey":{},"IntKey":{}}]}]',
            "night.json: $[0].paramSet[0]",
            "the key 'IntKey' is given twice",
        ),
    ],
)
def test_given_text_that_is_no_strict_json_when_read_then_the_place_is_told(
    text: str | bytes, where: str, problem: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        decode_text(Sequence, text, "night.json")
    assert refused.value.where == where
    assert problem in refused.value.problem


def test_given_no_document_name_when_the_json_is_broken_then_line_and_column_stand_alone() -> None:
    with pytest.raises(BadInputError) as refused:
        parse_json("[1,")
    assert refused.value.where == "line 1, column 4"


def test_given_bytes_with_a_byte_order_mark_when_read_then_it_is_passed_over() -> None:
    assert len(decode_text(Sequence, b"\xef\xbb\xbf[" + GOOD + b"]")) == 1


def test_given_objects_nested_without_end_when_read_then_it_is_refused_and_not_a_crash() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    for raw in (nested, night(parameter("IntArrayKey", values=nested)), night(x=nested), night(source=nested)):
        with pytest.raises(BadInputError):
            decode(Sequence, raw)


def test_given_a_message_with_half_a_character_when_written_then_the_json_is_ascii_and_reads_back() -> None:
    strange = Error("1", "no such file: /data/\udcff")  # as Python gives file names that are not UTF-8
    assert decode_text(SubmitResponse, encode_text(strange)) == strange
