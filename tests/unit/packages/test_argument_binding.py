"""Expected: cases 15 and 18 of scramjet.md section 9; section 7 for what is injected by name."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.errors import BadInputError
from ocs_ray.packages.argument_binding import bind, parse_word, parse_words


def function(initial_number: int, length: int = 10) -> list[int]:
    return list(range(initial_number, initial_number + length))


def generator(initial_number: int, length: int = 10) -> Iterator[int]:
    yield from range(initial_number, initial_number + length)


async def async_generator(initial_number: int, length: int = 10) -> AsyncIterator[int]:
    for n in range(initial_number, initial_number + length):
        yield n


class Program:
    def __init__(self, initial_number: int, length: int = 10) -> None:
        self.numbers = (initial_number, length)


EVERY_KIND = [function, generator, async_generator, Program]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3000", 3000),
        ('"3000"', "3000"),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("null", None),
        ("plain", "plain"),
        ("True", "True"),
        ("007", "007"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("[1, 2]", "[1, 2]"),
        ('{"a": 1}', '{"a": 1}'),
        ("", ""),
        ('"open', '"open'),
        ("9" * 5000, "9" * 5000),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_given_a_word_when_parsed_then_it_is_a_json_scalar_or_itself(word: str, value: object) -> None:  # case 15
    parsed = parse_word(word)
    assert (parsed, type(parsed)) == (value, type(value))


@given(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
def test_given_any_json_scalar_when_written_and_parsed_then_it_comes_back(value: Any) -> None:  # case 15
    assert parse_word(json.dumps(value)) == value or len(json.dumps(value)) > 400


@given(st.text())
def test_given_any_word_when_parsed_then_it_never_fails(word: str) -> None:  # case 15
    assert not isinstance(parse_word(word), list | dict)


def test_given_the_seed_s_arguments_when_bound_then_they_are_whole_numbers() -> None:  # case 15
    bound = bind(generator, parse_words(["3000", "10"]))
    assert bound.values == {"initial_number": 3000, "length": 10}
    assert list(bound.call()) == list(range(3000, 3010))


@pytest.mark.parametrize("program", EVERY_KIND)
def test_given_too_many_arguments_when_bound_then_the_error_has_the_signature(program: Any) -> None:  # case 18
    with pytest.raises(BadInputError) as caught:
        bind(program, [1, 2, 3])
    assert "it got 3 arguments: too many positional arguments" in str(caught.value)
    assert f"{program.__name__}{inspect.signature(program)}" in str(caught.value)
    assert "initial_number: 'int', length: 'int' = 10" in str(caught.value)


@pytest.mark.parametrize("program", EVERY_KIND)
def test_given_too_few_arguments_when_bound_then_the_missing_one_is_named(program: Any) -> None:  # case 18
    with pytest.raises(BadInputError, match=r"missing a required argument: 'initial_number'.*signature"):
        bind(program)


@pytest.mark.parametrize("program", EVERY_KIND)
def test_given_an_unknown_name_when_bound_then_it_is_named(program: Any) -> None:  # case 18
    with pytest.raises(BadInputError, match=r"no argument called 'lenght'.*signature"):
        bind(program, [1], {"lenght": 2})


def test_given_an_argument_twice_when_bound_then_it_is_an_error() -> None:  # case 18
    with pytest.raises(BadInputError, match="multiple values for argument 'initial_number'"):
        bind(function, [1], {"initial_number": 2})


def test_given_a_function_nobody_can_read_when_bound_then_it_is_an_error() -> None:  # case 18
    with pytest.raises(BadInputError, match="written in Python"):
        bind(map)


INJECTED = {"ctx": "CTX", "input": "INPUT"}


def all_of(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    return (*args, *sorted(kwargs.items()))


@pytest.mark.parametrize(
    ("text", "args", "named", "result"),
    [
        ("lambda input, a, ctx, b=2: (input, a, ctx, b)", [1], {}, ("INPUT", 1, "CTX", 2)),
        ("lambda a, b=2, *, ctx: (a, b, ctx)", [1], {}, (1, 2, "CTX")),
        ("lambda a=1, input=None, /, b=2: (a, input, b)", [], {}, (1, "INPUT", 2)),
        ("lambda a=1, input=None, /, b=2: (a, input, b)", [7, 8], {}, (7, "INPUT", 8)),
        ("lambda input, *rest, ctx: (input, rest, ctx)", [1, 2], {}, ("INPUT", (1, 2), "CTX")),
        ("lambda **rest: tuple(sorted(rest.items()))", [], {"a": 1}, (("a", 1),)),
        ("lambda *input: input", [1, 2], {}, (1, 2)),
        ("lambda a, b: (a, b)", [1], {"b": 2}, (1, 2)),
        ("lambda: ()", [], {}, ()),
    ],
)
def test_given_ctx_and_input_in_the_signature_when_bound_then_they_go_in_by_name_and_the_rest_in_order(
    text: str, args: list[Any], named: dict[str, Any], result: tuple[Any, ...]
) -> None:  # case 18
    bound = bind(eval(text), args, named, INJECTED)
    assert bound.call() == result
    assert "CTX" not in bound.values.values()


def test_given_an_argument_named_ctx_when_bound_then_nobody_else_can_give_it() -> None:  # case 18
    with pytest.raises(BadInputError, match="no argument called 'ctx'"):
        bind(lambda ctx, a: None, [1], {"ctx": 2}, INJECTED)
