"""From the words of a command line to the parameters of a program, before anything of it runs.

Source: reference scramjet.md, section 7: words are JSON scalars; ``input`` and ``ctx`` go in by name, the rest in
order.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from ocs_ray.errors import BadInputError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
INJECTED: Final = ("ctx", "input")
"""Parameters of these names are given by the platform, wherever they stand; no argument fills them."""
_LONGEST_NUMBER: Final = 400


class Bound(NamedTuple):
    """A call that is ready to be made.

    Args:
        values: parameter -> value as bound, defaults too, what is injected left out; for the instance's record.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values: dict[str, Any]

    def call(self) -> Any:
        """Make the call; of a generator function nothing runs yet."""
        return self.function(*self.args, **self.kwargs)


def parse_word(word: str) -> Json:
    """One word of a command line: ``3000`` is a number, ``"3000"`` in quotes and any plain word are text.

    Also ``true``, ``false`` and ``null``. Lists and objects stay text: ``--args`` takes those as JSON.
    """
    if len(word) > _LONGEST_NUMBER and not word.startswith('"'):
        return word
    try:
        value = json.loads(word, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return word
    if isinstance(value, list | dict) or (isinstance(value, float) and not math.isfinite(value)):
        return word
    return value


def parse_words(words: Sequence[str]) -> list[Json]:
    """``parse_word`` for all of them."""
    return [parse_word(word) for word in words]


def bind(
    function: Callable[..., Any],
    args: Sequence[Json] = (),
    named: Mapping[str, Json] | None = None,
    injected: Mapping[str, Any] | None = None,
) -> Bound:
    """Match arguments to the parameters of a function, generator, async generator or class.

    Args:
        args: in order, as JSON values; see ``parse_words`` for those of a command line.
        named: by name (``--args '{"length": 10}'``).
        injected: values for parameters called ``ctx`` and ``input``, as far as the function has them.
    Raises:
        BadInputError: too many, too few, unknown or twice; the remedy is the Python signature.
    """
    given, extra = dict(named or {}), dict(injected or {})
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as failure:
        problem = f"nobody can say which arguments it takes: {failure}"
        raise BadInputError(_name(function), problem, "start a function written in Python") from None
    parameters = signature.parameters
    ours = {name: extra[name] for name in INJECTED if name in extra and _takes(parameters.get(name))}
    open_ones = [p for name, p in parameters.items() if name not in ours]
    _refuse_unknown(function, signature, open_ones, given)
    try:
        bound = inspect.Signature(open_ones).bind(*args, **given)
    except TypeError as failure:
        count = f"{len(args)} {'argument' if len(args) == 1 else 'arguments'}"
        raise _refusal(function, signature, f"it got {count}: {failure}") from None
    bound.apply_defaults()
    values = dict(bound.arguments)
    together = {name: ours[name] if name in ours else values[name] for name in parameters}
    whole = inspect.BoundArguments(signature, together)  # pyright: ignore[reportArgumentType]  # keeps the order
    return Bound(function, whole.args, whole.kwargs, values)


def signature_text(function: Callable[..., Any]) -> str:
    """``count(start=0, length=1000)``, as it would be written in Python."""
    return f"{_name(function)}{inspect.signature(function)}"


def _takes(parameter: inspect.Parameter | None) -> bool:
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter is not None and parameter.kind not in stars


def _refuse_unknown(
    function: Callable[..., Any],
    signature: inspect.Signature,
    parameters: list[inspect.Parameter],
    given: dict[str, Json],
) -> None:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return
    unknown = sorted(set(given) - {p.name for p in parameters if p.kind in by_name})
    if unknown:
        raise _refusal(function, signature, f"it has no argument called {', '.join(map(repr, unknown))}")


def _refusal(function: Callable[..., Any], signature: inspect.Signature, problem: str) -> BadInputError:
    name = _name(function)
    return BadInputError(name, problem, f"its signature is {name}{signature}")


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _no_json(constant: str) -> float:
    raise ValueError(constant)  # NaN and Infinity are no JSON, so they are plain words
