"""Expected: case 17 of scramjet.md section 9, the seed's own example; section 5 for objects, text and bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.core.retention import surplus
from ocs_ray.errors import BadInputError
from ocs_ray.models.instance_records import Channel, ChannelRules
from ocs_ray.models.prefix import Prefix
from ocs_ray.packages.argument_binding import bind, parse_words
from ocs_ray.packages.instance_channels import InstanceChannels, read_channel
from ocs_ray.packages.program_loading import find_entry
from ocs_ray.packages.program_output import encode_item, is_asynchronous, items_of


def output_of(program: Callable[..., Any], words: list[str], folder: Path) -> bytes:
    """What `ocs inst output` would print: bind, run, encode, append, read."""
    injected = {"ctx": object(), "input": iter(())}
    channels = InstanceChannels(folder, "i", ChannelRules(), surplus)

    async def run() -> None:
        async for item in items_of(bind(program, parse_words(words), injected=injected).call(), injected):
            channels[Channel.OUTPUT].append(encode_item(item))

    asyncio.run(run())
    channels.end(0.0, 1e12)
    return read_channel(folder, "i", Channel.OUTPUT).read().data


def plain(start: int, length: int) -> range:
    return range(start, start + length)


def generator(start: int = 0, length: int = 1000) -> Iterator[int]:
    yield from range(start, start + length)


async def coroutine(start: int, length: int) -> list[int]:
    await asyncio.sleep(0)
    return list(range(start, start + length))


async def async_generator(input: Any, start: int, length: int) -> AsyncIterator[int]:
    assert list(input) == []
    for n in range(start, start + length):
        yield n


class WithRun:
    def __init__(self, start: int, length: int) -> None:
        self._numbers = range(start, start + length)

    async def run(self, ctx: object) -> AsyncIterator[int]:
        assert ctx is not None
        for n in self._numbers:
            yield n


class Iterated:
    def __init__(self, start: int, length: int) -> None:
        self._numbers = range(start, start + length)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)


@pytest.mark.parametrize("program", [plain, generator, coroutine, async_generator, WithRun, Iterated])
def test_given_the_seed_s_example_when_run_with_3000_10_then_the_output_is_exactly_the_seed_s(
    program: Callable[..., Any], tmp_path: Path
) -> None:  # case 17
    expected = b"3000\n3001\n3002\n3003\n3004\n3005\n3006\n3007\n3008\n3009\n"
    assert output_of(program, ["3000", "10"], tmp_path) == expected


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("a\nb", b'"a\\nb"\n'),
        (b"raw", b"raw"),
        (bytearray(b"raw"), b"raw"),
        (1.5, b"1.5\n"),
        (None, b"null\n"),
        (True, b"true\n"),
        ({"a": [1]}, b'{"a":[1]}\n'),
        (Prefix("IRIS.imager"), b'"IRIS.imager"\n'),
    ],
)
def test_given_an_item_when_written_then_it_is_a_json_line_and_bytes_stay(item: object, line: bytes) -> None:  # case 17
    assert encode_item(item) == line


def test_given_something_json_has_not_when_written_then_the_error_says_what(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="a object cannot be written as JSON"):
        encode_item(object())


@pytest.mark.parametrize(
    ("result", "items"), [(7, [7]), ("text", ["text"]), (None, []), ({"a": 1}, [{"a": 1}]), ([], [])]
)
def test_given_what_a_function_returns_when_drained_then_one_item_or_its_elements(
    result: object, items: list[object]
) -> None:  # case 17
    async def drained() -> list[object]:
        return [item async for item in items_of(result)]

    assert asyncio.run(drained()) == items


def test_given_programs_when_asked_then_only_those_of_an_event_loop_are_asynchronous() -> None:
    kinds = [plain, generator, coroutine, async_generator, WithRun, Iterated]
    assert [is_asynchronous(kind) for kind in kinds] == [False, False, True, True, True, False]


def test_given_this_module_when_its_entry_is_sought_then_several_are_too_many() -> None:
    import sys

    with pytest.raises(BadInputError, match="several"):
        find_entry(sys.modules[__name__], "index.py")
