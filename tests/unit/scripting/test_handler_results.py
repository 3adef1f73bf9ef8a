"""What a handler of a command may return."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ocs_ray.models.keys import int_key
from ocs_ray.models.responses import Completed
from ocs_ray.scripting import Observe, Result, ScriptContext, Setup

MOVE = Setup("ESW.test", "move")
FOUND = Result(int_key("n").set(7))


class Found:
    """Something of the script's own."""


class MyResult(Result):
    """A Result of the script's own: other processes cannot read it."""


WRONG: dict[str, Callable[[], Any]] = {
    "int": lambda: 5,
    "str": lambda: "done",
    "dict": lambda: {"n": 7},
    "Completed": lambda: Completed("run", FOUND),
    "lock": threading.Lock,
    "Found": Found,
    "MyResult": lambda: MyResult(int_key("n").set(7)),
}


@pytest.mark.parametrize("returned", [None, FOUND, Result()])
def test_given_a_handler_that_returns_a_result_or_nothing_then_the_step_succeeds_with_it(
    returned: Result | None, play: Any
) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_setup("move")
            async def move(command: Setup) -> Result | None:
                return returned

        assert await (await stage.start(body)).run_step(MOVE) == (None, 1, returned)

    play(story)


@pytest.mark.parametrize("kind", WRONG)
def test_given_a_handler_that_returns_anything_else_then_the_step_fails_and_handler_type_and_remedy_are_named(
    kind: str, play: Any
) -> None:
    async def story(stage: Any) -> None:
        def body(ctx: ScriptContext) -> None:
            @ctx.on_setup("move")
            async def move(command: Setup) -> Any:
                return WRONG[kind]()

            @ctx.on_any_command
            async def other(command: Any) -> Any:
                return WRONG[kind]()

        running = await stage.start(body)
        failure, attempts, result = await running.run_step(MOVE)
        assert str(failure) == (
            f"the handler of Setup move returned {kind}: return a Result, such as Result(KEY.set(value)), or nothing"
        )
        assert (attempts, result) == (1, None)
        outcome = await running.run_step(Observe("ESW.test", "look"))
        assert f"Observe look returned {kind}" in str(outcome.failure)

    play(story)
