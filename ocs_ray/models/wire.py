"""JSON in and out, for every type of this room. One error for all bad input, with its place in the document."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeVar, cast, overload

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from ocs_ray.errors import BadInputError
from ocs_ray.models.parameter import Parameter, parameter_to_wire
from ocs_ray.models.schema_fields import field_names
from ocs_ray.models.wire_problems import first_problem, shown, step

T = TypeVar("T")

ROOT: Final = "$"


@overload
def decode(type: type[T], obj: object, where: str = "") -> T: ...
@overload
def decode(type: Any, obj: object, where: str = "") -> Any: ...
def decode(type: Any, obj: object, where: str = "") -> Any:
    """A value of ``type`` from the objects of its JSON.

    Args:
        type: a class of this room, a union of them such as SequenceCommand, or ``list[...]`` of them.
        obj: what ``json.loads`` gives.
        where: the document, for the message, for example a file name.
    Raises:
        BadInputError: the first thing that is wrong; ``where`` is its path, ``night.json: $[3].paramSet[1].IntKey``.
    """
    adapter = _adapter(type) if isinstance(type, Hashable) else TypeAdapter[Any](type)
    try:
        return adapter.validate_python(obj, by_alias=True, by_name=False)
    except ValidationError as error:
        known = field_names(adapter.core_schema, error)
        path, problem, remedy = first_problem(error, obj, known)
        raise BadInputError(_place(where, path), problem, remedy) from None
    except RecursionError:
        raise _too_deep(where) from None


@overload
def decode_text(type: type[T], text: str | bytes, where: str = "") -> T: ...
@overload
def decode_text(type: Any, text: str | bytes, where: str = "") -> Any: ...
def decode_text(type: Any, text: str | bytes, where: str = "") -> Any:
    """A value of ``type`` from JSON text; arguments and errors as for ``decode``.

    Raises:
        BadInputError: also for text that is no JSON (with line and column), that gives a key twice, or that is
            nested too deep.
    """
    return decode(type, parse_json(text, where), where)


def parse_json(text: str | bytes, where: str = "") -> Any:
    """The objects of a JSON text, strictly: no NaN, no key twice.

    Raises:
        BadInputError: as for ``decode_text``.
    """
    repeated: list[_RepeatedKey] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        marked = _RepeatedKey(pairs)
        repeated.append(marked)
        return marked

    def refuse(constant: str) -> NoReturn:
        raise BadInputError(where, f"this is not JSON: it holds {constant}", "JSON has finite numbers only")

    try:
        clear = text if isinstance(text, str) else bytes(text).decode("utf-8-sig")
        parsed = json.loads(clear, object_pairs_hook=keep, parse_constant=refuse)
    except json.JSONDecodeError as error:
        place = (
            f"{where}: line {error.lineno}, column {error.colno}"
            if where
            else f"line {error.lineno}, column {error.colno}"
        )
        raise BadInputError(place, f"this is not JSON: {_plain(error.msg)}", "") from None
    except UnicodeDecodeError as error:
        raise BadInputError(where, f"this is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError:
        raise BadInputError(where, "this JSON holds a number of thousands of digits", "") from None
    if repeated:
        path, key = _find_repeated(parsed)
        raise BadInputError(_place(where, path), f"the key {shown(key)} is given twice", "remove one of them")
    return parsed


def encode(obj: object) -> Any:
    """The objects of a value's JSON: dicts, lists, text, numbers."""
    match obj:
        case BaseModel():
            return obj.__pydantic_serializer__.to_python(obj, mode="json", by_alias=True)
        case Parameter():
            return to_jsonable_python(parameter_to_wire(cast("Parameter[Any]", obj)), by_alias=True)
        case list() | tuple():
            return [encode(item) for item in cast("Sequence[object]", obj)]
        case Mapping():
            return {str(key): encode(value) for key, value in cast("Mapping[object, object]", obj).items()}
        case _:
            return to_jsonable_python(obj, by_alias=True)


def encode_text(obj: object) -> str:
    """A value's JSON, without blanks."""
    if isinstance(obj, BaseModel):
        try:
            return obj.__pydantic_serializer__.to_json(obj, by_alias=True).decode()
        except PydanticSerializationError:  # text with half a character, such as a strange file name in a message
            return json.dumps(encode(obj), allow_nan=False, separators=(",", ":"))
    return json.dumps(encode(obj), allow_nan=False, separators=(",", ":"))


class _RepeatedKey(dict[str, Any]):
    """An object in which a key stands twice; found again in the parsed document to tell where."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen = set[str]()
        self.key = next(key for key, _ in pairs if key in seen or seen.add(key))


def _find_repeated(parsed: Any) -> tuple[str, str]:
    todo: list[tuple[str, Any]] = [("", parsed)]
    while todo:
        path, node = todo.pop()
        if isinstance(node, _RepeatedKey):
            return path, node.key
        if isinstance(node, dict):
            todo.extend((path + step(key), inner) for key, inner in cast("dict[str, Any]", node).items())
        elif isinstance(node, list):
            todo.extend((path + step(n), inner) for n, inner in enumerate(cast("list[Any]", node)))
    raise AssertionError("a repeated key was reported but is not in the document")


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _place(where: str, path: str) -> str:
    return f"{where}: {ROOT}{path}" if where else f"{ROOT}{path}"


def _too_deep(where: str) -> BadInputError:
    return BadInputError(where, "this JSON is nested too deep", "")


@lru_cache(maxsize=256)
def _adapter(type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type)
