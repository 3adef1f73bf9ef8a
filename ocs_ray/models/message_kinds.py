"""Every message by its ``kind``, for doors that take messages as JSON. Nothing that is not listed here gets through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final, TypeVar, cast

from pydantic import ValidationError

from ocs_ray.errors import BadInputError
from ocs_ray.models import (
    agent_messages,
    alarm_messages,
    component_messages,
    component_modes,
    config_messages,
    editor_messages,
    event_messages,
    instance_messages,
    manager_messages,
    package_messages,
    procedure_messages,
    sequencer_messages,
)
from ocs_ray.models.message import Message
from ocs_ray.models.wire_problems import advice, first_problem, shown

M = TypeVar("M", bound=Message)
_MODULES: Final[tuple[ModuleType, ...]] = (
    agent_messages,
    alarm_messages,
    component_messages,
    component_modes,
    config_messages,
    editor_messages,
    event_messages,
    instance_messages,
    manager_messages,
    package_messages,
    procedure_messages,
    sequencer_messages,
)


def _kinds() -> Iterator[tuple[str, type[Message]]]:
    for module in _MODULES:
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Message) and found.__module__ == module.__name__:
                kind = found.model_fields.get("kind")
                if kind is not None and isinstance(kind.default, str):
                    yield kind.default, found


MESSAGES: Final[Mapping[str, type[Message]]] = dict(_kinds())
"""kind -> class. A test holds that no two messages of these modules have the same kind."""


def message_from(parsed: Any) -> Message:
    """The message of a JSON object.

    Args:
        parsed: what ``wire.parse_json`` gives; bytes are base64 in it.

    Raises:
        BadInputError: no object, no or an unknown ``kind``, or a field that does not fit; with its place.
    """
    if not isinstance(parsed, Mapping):
        raise BadInputError(
            "$", f"found {shown(cast('object', parsed))} where a message is expected", "send an object with its kind"
        )
    kind: Any = cast("Mapping[str, Any]", parsed).get("kind")
    found = MESSAGES.get(kind) if isinstance(kind, str) else None
    if found is None:
        hint = advice(kind, list(MESSAGES)) if isinstance(kind, str) else "name the kind of the message"
        raise BadInputError("$.kind", f"{shown(kind)} is not the kind of a message", hint)
    return message_of(found, parsed)


def message_of(expected: type[M], parsed: Any, where: str = "$") -> M:
    """A message of one class from the objects of its JSON.

    Raises:
        BadInputError: a field does not fit; with its place.
    """
    try:
        # from text, not from objects: only there are bytes base64 and lists tuples
        text = json.dumps(parsed, allow_nan=False)
    except ValueError:  # 1e999 is JSON, and infinite all the same
        raise BadInputError(where, "this holds a number that is too big", "JSON has finite numbers only") from None
    except RecursionError:
        raise BadInputError(where, "this JSON is nested too deep", "") from None
    try:
        return expected.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        path, problem, remedy = first_problem(error, parsed)
        raise BadInputError(where + path, problem, remedy) from None
