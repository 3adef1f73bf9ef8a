"""Handlers and callbacks are ``async def``: one that is not is told when it is registered, not after it has run."""

from __future__ import annotations

import inspect
from typing import Any, Final, TypeVar

from ocs_ray.errors import BadInputError

F = TypeVar("F")

AWAITED: Final = ("Awaitable", "Coroutine", "Future", "Task", "Any")
"""A plain function annotated with one of these returns something one can wait for."""


def must_be_async(function: F, where: str) -> F:
    """The same function.

    One that says by its annotation that it returns an ``Awaitable`` is taken at its word; so is a ``lambda``.

    Raises:
        BadInputError: it is a plain ``def`` that does not say so.
    """
    body: Any = inspect.unwrap(function) if inspect.isfunction(function) else function
    if not inspect.isfunction(body) or inspect.iscoroutinefunction(body) or body.__name__ == "<lambda>":
        return function
    if not any(word in str(body.__annotations__.get("return", "")) for word in AWAITED):
        place = f"{body.__code__.co_filename}:{body.__code__.co_firstlineno}"
        problem = f"{body.__name__} ({place}) is a plain function"
        raise BadInputError(where=where, problem=problem, remedy=f"write: async def {body.__name__}(...)")
    return function
