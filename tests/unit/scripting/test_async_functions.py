"""A plain function where an ``async def`` belongs is told when it is registered, not after it has run."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.scripting import ComponentType, EventKey, Result, ScriptContext, utc_time_now
from ocs_ray.scripting.async_functions import must_be_async

KEY, SECOND = EventKey("TCS.test", "a"), timedelta(seconds=1)
REGISTRATIONS: dict[str, Callable[[ScriptContext], Callable[[Any], Any]]] = {
    "on_setup": lambda ctx: ctx.on_setup("move"),
    "on_observe": lambda ctx: ctx.on_observe("move"),
    "on_wait": lambda ctx: ctx.on_wait("move"),
    "on_any_command": lambda ctx: ctx.on_any_command,
    "on_error": lambda ctx: ctx.on_setup("move")(waits).on_error,
    "on_new_sequence": lambda ctx: ctx.on_new_sequence,
    "on_stop": lambda ctx: ctx.on_stop,
    "on_diagnostic_mode": lambda ctx: ctx.on_diagnostic_mode,
    "on_global_error": lambda ctx: ctx.on_global_error,
    "on_hold": lambda ctx: ctx.on_hold,
    "on_event": lambda ctx: ctx.on_event(KEY),
    "publish_event_every": lambda ctx: ctx.publish_event_every(SECOND),
    "on_location_change": lambda ctx: ctx.on_location_change("IRIS.wheel", ComponentType.Assembly),
    "schedule_once": lambda ctx: ctx.schedule_once(utc_time_now()),
    "schedule_periodically_from_now": lambda ctx: ctx.schedule_periodically_from_now(SECOND, SECOND),
}


async def waits(*_: Any) -> None: ...


def plain(*_: Any): ...


def says_none(*_: Any) -> None: ...


def says_result(*_: Any) -> Result:
    return Result()


def says_awaitable(*_: Any) -> Awaitable[None]:
    return waits()


@functools.wraps(waits)
def wraps_one(*_: Any):
    return waits()


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_given_a_plain_function_when_registered_then_function_line_and_remedy_are_named(name: str, play: Any) -> None:
    async def story(stage: Any) -> None:
        where = "a timer" if name.startswith("schedule") else name
        with pytest.raises(BadInputError) as raised:
            REGISTRATIONS[name](stage.ctx)(plain)
        assert str(raised.value).startswith(f"{where}: plain ({__file__}:")
        assert raised.value.remedy == "write: async def plain(...)"
        REGISTRATIONS[name](stage.ctx)(waits)

    play(story)


@pytest.mark.parametrize("function", [plain, says_none, says_result])
def test_given_a_function_one_cannot_wait_for_then_it_is_refused(function: Any) -> None:
    with pytest.raises(BadInputError, match="is a plain function"):
        must_be_async(function, "on_stop")


@pytest.mark.parametrize(
    "function", [waits, says_awaitable, wraps_one, functools.partial(waits, 1), lambda *_: waits(1)]
)
def test_given_what_returns_something_to_wait_for_then_it_is_taken(function: Any) -> None:
    assert must_be_async(function, "on_stop") is function
