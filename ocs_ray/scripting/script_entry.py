"""How a file says which of its functions is the script. Source: esw ScriptDefinition: script, reusableScript."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_context import Body, ScriptContext


class Script:
    """A script file's entry: the function marked with ``@script``.

    Args:
        body: registers the handlers.
    """

    def __init__(self, body: Body) -> None:
        self._body = body

    @property
    def body(self) -> Callable[..., Any]:
        """The marked function."""
        return self._body

    async def start(self, ctx: ScriptContext) -> RunningScript:
        """Run the body once: it registers the handlers."""
        outcome = self._body(ctx)
        if inspect.isawaitable(outcome):
            await outcome
        return RunningScript(ctx.life, lambda: (ctx.handlers,))


class ReusableScript:
    """Handlers several scripts share; ``await ctx.load_scripts(this)`` adds them to a script.

    Args:
        body: registers the handlers.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self.__doc__ = body.__doc__

    def __call__(self, ctx: ScriptContext) -> Awaitable[None] | None:
        """Register the handlers; ``load_scripts`` does it."""
        return self._body(ctx)


def script(body: Body) -> Script:
    """Mark the one function of a file that is its script; it is called once, at load, with the ScriptContext."""
    return Script(body)


def reusable_script(body: Body) -> ReusableScript:
    """Mark a function that adds handlers to the script it is loaded into; it may stand in any file."""
    return ReusableScript(body)
