"""What a program gives back becomes items, and items become lines.

Source: reference scramjet.md, section 5, output: objects and text are JSON lines, bytes go out as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, cast

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from ocs_ray.errors import BadInputError
from ocs_ray.packages.argument_binding import bind

RUN_METHOD: Final = "run"
_ONE_ITEM: Final[tuple[Any, ...]] = (str, bytes, bytearray, memoryview, dict, BaseModel)


def encode_item(item: Any) -> bytes:
    """An item as it stands in the output: ``3000`` is ``3000\\n``, ``"a"`` is ``"a"\\n`` with its quotes; bytes stay.

    Raises:
        BadInputError: JSON has no such thing.
    """
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(cast("bytes", item))
    try:
        return to_json(item, inf_nan_mode="null") + b"\n"
    except (PydanticSerializationError, ValueError, RecursionError) as failure:
        problem = f"a {type(item).__name__} cannot be written as JSON: {failure}"
        raise BadInputError("output", problem, "yield numbers, text, lists, dicts, pydantic models or bytes") from None


def is_asynchronous(function: Callable[..., Any]) -> bool:
    """Whether it belongs on an event loop; anything else may hold up its thread and gets one of its own."""
    if inspect.isclass(function):
        function = getattr(function, RUN_METHOD, function)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


async def items_of(result: Any, injected: dict[str, Any] | None = None) -> AsyncIterator[Any]:
    """Everything a call gives back, one by one: of a generator its items, of a coroutine what it returns.

    None gives nothing. An object with a method ``run`` (of a class, say) is run; any iterable gives its elements.

    Args:
        injected: ``ctx`` and ``input``, for a ``run`` that asks for them by name.
    """
    if inspect.isawaitable(result):
        result = await result
    run = getattr(result, RUN_METHOD, None)
    if hasattr(result, "__aiter__"):
        async for item in cast("AsyncIterator[Any]", result):
            yield item
    elif callable(run) and not isinstance(result, _ONE_ITEM):
        async for item in items_of(bind(run, injected=injected).call()):
            yield item
    elif hasattr(result, "__iter__") and not isinstance(result, _ONE_ITEM):
        for item in cast("Iterable[Any]", result):
            yield item
    elif result is not None:
        yield result
