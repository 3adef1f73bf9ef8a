"""JSON that says which of our types it is, so that a reply or an error is the same object on both sides of HTTP.

``{"$type": "sequencer_messages.SequencerStatus", "value": {...}}``; plain JSON stands for itself, tuples say ``tuple``.
Only the types of this room and the errors of ``ocs_ray.errors`` are known; whatever else it names is refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from functools import lru_cache
from types import ModuleType
from typing import Any, Final, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from ocs_ray import errors
from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.models import (
    agent_messages,
    alarm_messages,
    alarms,
    commands,
    component_messages,
    component_modes,
    config_messages,
    editor_messages,
    event_messages,
    events,
    gateway_settings,
    identifiers,
    instance_messages,
    instance_records,
    locations,
    manager_messages,
    manager_replies,
    package_messages,
    package_names,
    package_records,
    prefix,
    procedure,
    procedure_messages,
    responses,
    sequencer_messages,
    sequencer_replies,
    steps,
    times,
    wire,
)
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import first_problem, shown

_MODULES: Final[tuple[ModuleType, ...]] = (
    agent_messages,
    alarm_messages,
    alarms,
    commands,
    component_messages,
    component_modes,
    config_messages,
    editor_messages,
    event_messages,
    events,
    gateway_settings,
    identifiers,
    instance_messages,
    instance_records,
    locations,
    manager_messages,
    manager_replies,
    package_messages,
    package_names,
    package_records,
    prefix,
    procedure,
    procedure_messages,
    responses,
    sequencer_messages,
    sequencer_replies,
    steps,
    times,
)
_BASES: Final = (BaseModel, Enum, ValidatedText)
TYPES: Final[Mapping[str, type]] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": found
    for module in _MODULES
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, _BASES) and found.__module__ == module.__name__
}
"""``module.Class`` -> class."""
_NAMES: Final[Mapping[type, str]] = {found: name for name, found in TYPES.items()}
ERRORS: Final[Mapping[str, type[OcsError]]] = {
    name: found for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, OcsError)
}
"""Name -> class of every error."""


def encode(value: object) -> Any:
    """The objects of a value's JSON.

    Raises:
        TypeError: a value of a type that is none of ours.
    """
    match value:
        case _ if type(value) in _NAMES:
            return {"$type": _NAMES[type(value)], "value": wire.encode(value)}
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case bytes():
            return {"$type": "bytes", "value": base64.b64encode(value).decode()}
        case tuple():
            return {"$type": "tuple", "items": [encode(item) for item in cast("tuple[object, ...]", value)]}
        case list():
            return [encode(item) for item in cast("list[object]", value)]
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {"$type": "dict", "value": {str(key): encode(item) for key, item in items}}
        case _:
            raise TypeError(f"{type(value).__name__} is nothing a component answers with")


def decode(parsed: Any) -> Any:
    """The value that was encoded.

    Raises:
        BadInputError: a type nobody knows, or a value that does not fit it.
    """
    if isinstance(parsed, list):
        return [decode(item) for item in cast("list[Any]", parsed)]
    if not isinstance(parsed, dict):
        return parsed
    said = cast("dict[str, Any]", parsed)
    match said.get("$type"):
        case "bytes":
            return base64.b64decode(str(said["value"]))
        case "tuple":
            return tuple(decode(item) for item in said["items"])
        case "dict":
            return {key: decode(item) for key, item in said["value"].items()}
        case str() as name if name in TYPES:
            return _value(TYPES[name], said.get("value"), name)
        case other:
            raise BadInputError("$", f"{shown(other)} is no type of this version", "use the gateway's own version")


def encode_error(failure: OcsError) -> dict[str, Any]:
    """An error as its class and fields."""
    shown_fields = {each.name: getattr(failure, each.name) for each in fields(failure)}
    return {"class": type(failure).__name__, "fields": shown_fields}


def decode_error(parsed: Any) -> OcsError | None:
    """The error that was encoded; None for what is none of ours."""
    if not isinstance(parsed, Mapping):
        return None
    said = cast("Mapping[str, Any]", parsed)
    found, given = ERRORS.get(str(said.get("class"))), said.get("fields")
    if found is None or not isinstance(given, Mapping):
        return None
    wanted = [each.name for each in fields(found)]
    if set(cast("Mapping[str, Any]", given)) != set(wanted):
        return None
    return found(*(given[name] for name in wanted))


def _value(expected: type, value: Any, name: str) -> Any:
    try:
        # from text, not from objects: only there are bytes base64
        return _adapter(expected).validate_json(json.dumps(value), by_alias=True, by_name=False)
    except ValidationError as error:
        path, problem, remedy = first_problem(error, value)
        raise BadInputError(f"{name}{path}", problem, remedy) from None


@lru_cache(maxsize=512)
def _adapter(expected: type) -> TypeAdapter[Any]:
    return TypeAdapter(expected)
