from __future__ import annotations

import pickle
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models import keys
from ocs_ray.models.coordinates import AltAzCoord, EqCoord
from ocs_ray.models.keys import Key, KeyType
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.models.units import Units

EQ = EqCoord.of(ra_degrees=1, dec_degrees=2)
ALT_AZ = AltAzCoord.of(alt_degrees=1, az_degrees=2)


def constructor(key_type: KeyType) -> Any:
    words = {"UTCTimeKey": "utc_time_key", "TAITimeKey": "tai_time_key"}
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key_type.value)
    return getattr(keys, words.get(key_type.value, snake.removeprefix("_")))


@pytest.mark.parametrize("key_type", list(KeyType))
def test_given_each_key_type_then_its_constructor_makes_a_key_of_it(key_type: KeyType) -> None:
    key = constructor(key_type)("name")
    assert (key.name, key.key_type, key.units) == ("name", key_type, key_type.default_units)
    assert str(key) == f"{key_type} 'name'"
    assert pickle.loads(pickle.dumps(key)) == key


def test_given_time_keys_then_their_units_are_their_time_scale() -> None:
    # source: csw KeyType.scala, UTCTimeKey and TAITimeKey have default units
    assert keys.utc_time_key("t").set(UTCTime("2021-01-01T00:00:00Z")).units is Units.utc
    assert keys.tai_time_key("t").set(TAITime("2021-01-01T00:00:00Z")).units is Units.tai


def test_given_units_when_set_then_the_later_ones_win() -> None:
    key = keys.int_key("a", Units.encoder)
    assert key.set(1).units is Units.encoder
    assert key.set(1, units=Units.count).units is Units.count


ALLOWED: list[tuple[Key[Any], tuple[Any, ...], tuple[Any, ...]]] = [
    (keys.byte_key("k"), (-128, 127), (-128, 127)),
    (keys.short_key("k"), (-32768, 32767), (-32768, 32767)),
    (keys.int_key("k"), (-(2**31), 2**31 - 1), (-(2**31), 2**31 - 1)),
    (keys.long_key("k"), (-(2**63), 2**63 - 1), (-(2**63), 2**63 - 1)),
    (keys.float_key("k"), (1, 0.5), (1.0, 0.5)),
    (keys.double_key("k"), (1e300,), (1e300,)),
    (keys.char_key("k"), ("x", "é"), ("x", "é")),
    (keys.boolean_key("k"), (True, False), (True, False)),
    (keys.string_key("k"), ("", "µ😀"), ("", "µ😀")),
    (keys.int_array_key("k"), ([1, 2], (3,), []), ((1, 2), (3,), ())),
    (keys.double_matrix_key("k"), ([[1, 2.5], [3, 4]],), (((1.0, 2.5), (3.0, 4.0)),)),
    (keys.utc_time_key("k"), ("2021-01-01T00:00:00Z",), (UTCTime("2021-01-01T00:00:00Z"),)),
    (keys.coord_key("k"), (EQ, ALT_AZ), (EQ, ALT_AZ)),
    (keys.eq_coord_key("k"), (EQ,), (EQ,)),
]


@pytest.mark.parametrize(("key", "given", "kept"), ALLOWED, ids=[f"{key.key_type}" for key, _, _ in ALLOWED])
def test_given_values_of_the_type_when_set_then_they_are_kept_as_plain_python(
    key: Key[Any], given: tuple[Any, ...], kept: tuple[Any, ...]
) -> None:
    parameter = key.set(*given)
    assert parameter.values == kept
    assert [type(value) for value in parameter.values] == [type(value) for value in kept]
    assert hash(parameter) == hash(key.set(*given))


REFUSED: list[tuple[Key[Any], tuple[Any, ...], str, str]] = [
    (keys.byte_key("k"), (0, 128), "[1]", "128 is outside -128 to 127"),
    (keys.short_key("k"), (-32769,), "[0]", "is outside -32768 to 32767"),
    (keys.int_key("k"), (2**31,), "[0]", "is outside -2147483648 to 2147483647"),
    (keys.long_key("k"), (2**63,), "[0]", "is outside"),
    (keys.int_key("k"), (True,), "[0]", "found true where a whole number"),
    (keys.int_key("k"), (1.0,), "[0]", "found 1.0 where a whole number"),
    (keys.int_key("k"), ("1",), "[0]", "found '1' where a whole number"),
    (keys.float_key("k"), (False,), "[0]", "found false where a number"),
    (keys.float_key("k"), (1e39,), "[0]", "is not a finite number"),
    (keys.double_key("k"), (float("nan"),), "[0]", "nan is not a finite number"),
    (keys.double_key("k"), (1.0, float("-inf")), "[1]", "-inf is not a finite number"),
    (keys.double_key("k"), (10**400,), "[0]", "is not a finite number"),
    (keys.char_key("k"), ("ab",), "[0]", "found 'ab' where one character"),
    (keys.char_key("k"), ("😀",), "[0]", "where one character"),
    (keys.char_key("k"), ("",), "[0]", "where one character"),
    (keys.boolean_key("k"), (1,), "[0]", "found 1 where true or false"),
    (keys.string_key("k"), ("a", 5), "[1]", "found 5 where text"),
    (keys.string_key("k"), ("\ud800",), "[0]", "half a character"),
    (keys.int_array_key("k"), (5,), "[0]", "found 5 where a list"),
    (keys.int_array_key("k"), ([1], [2, "x"]), "[1][1]", "found 'x' where a whole number"),
    (keys.byte_matrix_key("k"), ([[1, 2], [3]],), "[0][1]", "ragged matrix: row 1 has 1 values, row 0 has 2"),
    (keys.byte_matrix_key("k"), ([[1]], [[1], [999]]), "[1][1][0]", "999 is outside"),
    (keys.utc_time_key("k"), (TAITime("2021-01-01T00:00:00Z"),), "[0]", "is a TAI time where a UTC time"),
    (keys.tai_time_key("k"), ("soon",), "[0]", "'soon' is not a time"),
    (keys.eq_coord_key("k"), (EQ, ALT_AZ), "[1]", "where coordinates of type EqCoord is expected"),
    (keys.coord_key("k"), ("Venus",), "[0]", "found 'Venus' where coordinates"),
    (keys.choice_key("k", "H", "J"), ("H", "K"), "[1]", "'K' is not one of the choices"),
    (keys.int_key("k"), (), "", "no value is given"),
]


@pytest.mark.parametrize(("key", "given", "place", "problem"), REFUSED)
def test_given_a_value_of_another_type_when_set_then_place_and_problem_are_told(
    key: Key[Any], given: tuple[Any, ...], place: str, problem: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        key.set(*given)
    assert refused.value.where == f"{key.key_type} 'k'{place}"
    assert problem in refused.value.problem


def test_given_choices_when_another_is_set_then_the_allowed_ones_are_listed() -> None:
    with pytest.raises(BadInputError) as refused:
        keys.choice_key("filter", "H", "J", "K").set("h")
    assert refused.value.remedy == "did you mean 'H'? allowed: H, J, K"


def test_given_no_choices_when_set_then_any_name_is_allowed() -> None:
    assert keys.choice_key("filter").set("anything").head() == "anything"


@pytest.mark.parametrize("name", ["a[0]", "a]", "a/b", "", "\n", 5])
def test_given_a_name_that_cannot_name_a_key_when_made_then_it_is_refused(name: Any) -> None:
    with pytest.raises(BadInputError):  # source: csw Key.scala, the require in its constructor
        keys.int_key(name)


class NumpyLike:
    """An array as numpy gives it, without numpy."""

    def tolist(self) -> list[int]:
        return [1, 2]


def test_given_an_array_object_when_set_then_its_values_are_taken() -> None:
    assert keys.int_array_key("k").set(NumpyLike()).head() == (1, 2)  # type: ignore[arg-type]
