"""What the values of each key type look like, the same for values from JSON and values from Python.

A rule takes the values and gives the tuple to keep, or raises a BadInputError whose ``where`` is the path below
the list of values (``[2][0]``). Rules are built from rules: a matrix is rectangular rows of numbers.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias, cast

from pydantic import TypeAdapter, ValidationError

from ocs_ray.errors import BadInputError
from ocs_ray.models.coordinates import (
    AltAzCoord,
    CometCoord,
    Coord,
    Coordinate,
    EqCoord,
    MinorPlanetCoord,
    SolarSystemCoord,
)
from ocs_ray.models.key_types import KeyType
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.models.wire_problems import first_problem, shown

Rule: TypeAlias = Callable[[Iterable[Any]], tuple[Any, ...]]

LARGEST_FLOAT: Final = 3.4028234663852886e38
LARGEST_DOUBLE: Final = 1.7976931348623157e308
LAST_CHAR: Final = "\uffff"  # a Java char holds no more


def _whole_numbers(bits: int) -> Rule:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def rule(values: Iterable[Any]) -> tuple[Any, ...]:
        kept = tuple(values)
        for n, value in enumerate(kept):
            if type(value) is not int or not low <= value <= high:
                return kept[:n] + tuple(one(m, value) for m, value in enumerate(kept[n:], n))
        return kept

    def one(n: int, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise _unexpected(n, value, f"a whole number from {low} to {high}")
        if not low <= int(value) <= high:
            raise BadInputError(f"[{n}]", f"{shown(int(value))} is outside {low} to {high}", "")
        return int(value)  # a numpy integer becomes a plain one

    return rule


def _fractions(largest: float) -> Rule:
    def rule(values: Iterable[Any]) -> tuple[Any, ...]:
        kept = tuple(values)
        for n, value in enumerate(kept):
            if type(value) is not float or not -largest <= value <= largest:
                return kept[:n] + tuple(one(m, value) for m, value in enumerate(kept[n:], n))
        return kept

    def one(n: int, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise _unexpected(n, value, "a number")
        try:
            number = float(value)
        except OverflowError:  # a whole number of hundreds of digits
            number = math.inf
        if -largest <= number <= largest:
            return number
        # NaN comes here too; JSON can carry neither
        raise BadInputError(f"[{n}]", f"{shown(value)} is not a finite number up to {largest:.4g}", "")

    return rule


def _each(check: Callable[[int, Any], Any]) -> Rule:
    return lambda values: tuple(check(n, value) for n, value in enumerate(values))


def _boolean(n: int, value: Any) -> bool:
    if value is True or value is False:
        return value
    raise _unexpected(n, value, "true or false")


def _text(n: int, value: Any) -> str:
    if not isinstance(value, str):
        raise _unexpected(n, value, "text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadInputError(f"[{n}]", f"{shown(value)} holds half a character (a lone surrogate)", "") from None
    return value if type(value) is str else str(value)


def _char(n: int, value: Any) -> str:
    text = _text(n, value) if isinstance(value, str) else ""
    if len(text) != 1 or text > LAST_CHAR:
        raise _unexpected(n, value, "one character (of the basic plane)")
    return text


def _time(scale: type[UTCTime] | type[TAITime]) -> Rule:
    other = TAITime if scale is UTCTime else UTCTime

    def check(n: int, value: Any) -> Any:
        if isinstance(value, other):
            raise BadInputError(f"[{n}]", f"{shown(value)} is {other.noun} where {scale.noun} is expected", "")
        try:
            return scale(value)
        except BadInputError as refused:
            raise BadInputError(f"[{n}]", refused.problem, refused.remedy) from None

    return _each(check)


def _coordinate(kind: type[Coordinate] | None) -> Rule:
    expected = kind or Coordinate

    def check(n: int, value: Any) -> Any:
        if isinstance(value, expected):
            return value
        if not isinstance(value, Mapping):
            raise _unexpected(n, value, f"coordinates of type {kind.__name__}" if kind else "coordinates")
        try:
            coordinate = _coord_adapter().validate_python(value, by_alias=True, by_name=False)
        except ValidationError as error:
            path, problem, remedy = first_problem(error, cast("object", value))
            raise BadInputError(f"[{n}]{path}", problem, remedy) from None
        if isinstance(coordinate, expected):
            return coordinate
        problem = f"found {type(coordinate).__name__} where {expected.__name__} is expected"
        raise BadInputError(f"[{n}]._type", problem, "use a CoordKey to mix several kinds of coordinates")

    return _each(check)


@cache
def _coord_adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Coord)


def _rows(rule: Rule) -> Rule:
    def check(n: int, value: Any) -> tuple[Any, ...]:
        row = value.tolist() if hasattr(value, "tolist") else value  # numpy arrays have tolist
        if not isinstance(row, list | tuple):
            raise _unexpected(n, value, "a list")
        try:
            return rule(cast("Sequence[Any]", row))
        except BadInputError as refused:
            raise BadInputError(f"[{n}]{refused.where}", refused.problem, refused.remedy) from None

    return _each(check)


def _rectangular(rows: Rule) -> Rule:
    def rule(values: Iterable[Any]) -> tuple[Any, ...]:
        matrix = rows(values)
        for n, row in enumerate(matrix):
            if len(row) != len(matrix[0]):
                problem = f"ragged matrix: row {n} has {len(row)} values, row 0 has {len(matrix[0])}"
                raise BadInputError(f"[{n}]", problem, "give every row the same number of values")
        return matrix

    return rule


def _unexpected(n: int, value: Any, expected: str) -> BadInputError:
    return BadInputError(f"[{n}]", f"found {shown(value)} where {expected} is expected", "")


def _all_rules() -> dict[KeyType, Rule]:
    numeric = {
        "Byte": _whole_numbers(8),
        "Short": _whole_numbers(16),
        "Int": _whole_numbers(32),
        "Long": _whole_numbers(64),
        "Float": _fractions(LARGEST_FLOAT),
        "Double": _fractions(LARGEST_DOUBLE),
    }
    rules: dict[KeyType, Rule] = {
        KeyType.ChoiceKey: _each(_text),
        KeyType.StringKey: _each(_text),
        KeyType.CharKey: _each(_char),
        KeyType.BooleanKey: _each(_boolean),
        KeyType.UTCTimeKey: _time(UTCTime),
        KeyType.TAITimeKey: _time(TAITime),
        KeyType.CoordKey: _coordinate(None),
    }
    for kind in (EqCoord, SolarSystemCoord, MinorPlanetCoord, CometCoord, AltAzCoord):
        rules[KeyType(f"{kind.__name__}Key")] = _coordinate(kind)
    for name, rule in numeric.items():
        rules[KeyType(f"{name}Key")] = rule
        rules[KeyType(f"{name}ArrayKey")] = _rows(rule)
        rules[KeyType(f"{name}MatrixKey")] = _rows(_rectangular(_rows(rule)))
    return rules


RULES: Final[Mapping[KeyType, Rule]] = _all_rules()
