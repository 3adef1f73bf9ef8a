"""From a pydantic error to one sentence for people: where in the JSON, what is wrong, what to do.

People who write a sequence by hand should never read pydantic's words, so every error of a decode passes here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from ocs_ray.errors import BadInputError

MAX_SHOWN_CHARS = 60
MAX_LISTED_NAMES = 40

_EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "string_sub_type": "text",
    "string_unicode": "text of valid unicode",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of 64 bits",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "null",
    "dict_type": "an object",
    "mapping_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dataclass_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_TAGS = ("_type", "kind")  # CSW's and ours
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Problem(NamedTuple):
    """One thing that is wrong: its path below the decoded value, the sentence, the advice."""

    path: str
    problem: str
    remedy: str


def shown(value: object) -> str:
    """A JSON value in a few characters, safe for hostile ones (no deep repr, no megabytes)."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(str(value) if len(value) <= MAX_SHOWN_CHARS else value[:MAX_SHOWN_CHARS] + "...")
        case int():
            return str(value) if abs(value) < 10**MAX_SHOWN_CHARS else "a huge number"
        case float():
            return repr(value)
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case _:
            return f"a Python {type(value).__name__}"


def advice(wrong: object, allowed: Iterable[str]) -> str:
    """The nearest allowed name first, then all of them when they are few enough to read."""
    names = list(allowed)
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(wrong.lower(), by_lower, n=1) if isinstance(wrong, str) else []
    guess = f"did you mean '{by_lower[near[0]]}'?" if near else ""
    if near and len(names) > MAX_LISTED_NAMES:
        return guess
    listed = "allowed: " + ", ".join(names)
    return f"{guess} {listed}" if guess else listed


def step(key: str | int) -> str:
    """One step of a path: ``[3]``, ``.units``, or ``['odd key']``."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.match(key) else f"[{key[:MAX_SHOWN_CHARS]!r}]"


def as_pydantic(error: BadInputError) -> PydanticCustomError:
    """Carry a BadInputError through pydantic; its ``where`` becomes a path below the field."""
    context: dict[str, Any] = {"problem": error.problem, "remedy": error.remedy, "path": error.where}
    return PydanticCustomError("bad_input", "{problem}", context)


def first_problem(error: ValidationError, value: object, known_fields: Sequence[str] = ()) -> Problem:
    """The first problem of a pydantic error, in plain words.

    Args:
        value: what was decoded; union labels are told from real JSON keys by walking it.
        known_fields: names to choose from where the first unknown field was found.
    """
    details = error.errors(include_url=False)
    located = [(_json_path(detail, value), detail) for detail in details]
    (path, labels), detail = located[0]
    if labels:  # branches of an untagged union: the branch that got deepest is the one that was meant
        (path, _), detail = max(located, key=lambda item: item[0][0].count(".") + item[0][0].count("["))
    return _in_words(path, detail, known_fields)


def _json_path(detail: ErrorDetails, value: object) -> tuple[str, int]:
    """Path of an error, and how many union labels had to be skipped on the way."""
    path, labels, tag_allowed = "", 0, True
    node: Any = value
    loc = detail["loc"]
    for n, key in enumerate(loc):
        is_last_and_missing = n == len(loc) - 1 and detail["type"] == "missing"
        if tag_allowed and any(_has(node, tag) and node[tag] == key for tag in _TAGS):
            tag_allowed = False  # the tag of a tagged union, not a key of the object
        elif _has(node, key):
            path, node, tag_allowed = path + step(key), node[key], True
        elif not is_last_and_missing:
            labels += 1
    return path, labels


def _tag_name(context: Mapping[str, Any]) -> str:
    return "_type" if "_type" in str(context["discriminator"]) else "kind"


def _has(node: Any, key: int | str) -> bool:
    if isinstance(node, Mapping):
        return key in node
    return isinstance(node, list | tuple) and isinstance(key, int) and key < len(cast("Sequence[Any]", node))


def _in_words(path: str, detail: ErrorDetails, known_fields: Sequence[str]) -> Problem:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    last = str(detail["loc"][-1]) if detail["loc"] else ""
    match kind:
        case "bad_input":
            below = str(context["path"])
            joint = "." if below and below[0] not in ".[" else ""
            return Problem(path + joint + below, str(context["problem"]), str(context["remedy"]))
        case "missing" | "missing_argument":
            return Problem(path, f"the field '{last}' is missing", f"add '{last}'")
        case "extra_forbidden" | "unexpected_keyword_argument":
            return Problem(
                path, f"unknown field {shown(last)}", advice(last, known_fields) if known_fields else "remove it"
            )
        case "union_tag_invalid":
            tag = _tag_name(context)
            if tag == "_type" and _has(found, "kind"):  # pydantic looks for the Python name first
                return Problem(f"{path}.kind", "unknown field 'kind'", f"remove it, the type is in {tag}")
            allowed = _QUOTED.findall(str(context["expected_tags"]))
            return Problem(f"{path}.{tag}", f"unknown {tag} {shown(context['tag'])}", advice(context["tag"], allowed))
        case "union_tag_not_found":
            return Problem(path, f"the field '{_tag_name(context)}' is missing", f"add '{_tag_name(context)}'")
        case "enum" | "literal_error":
            allowed = _QUOTED.findall(str(context["expected"]))
            return Problem(path, f"{shown(found)} is not an allowed value", advice(found, allowed))
        case _ if kind in _EXPECTED:
            return Problem(path, f"found {shown(found)} where {_EXPECTED[kind]} is expected", "")
        case _ if kind in _BOUNDS:
            limit, word = _BOUNDS[kind]
            return Problem(path, f"found {shown(found)}, it must be {word} {context[limit]}", "")
        case "value_error" | "assertion_error":
            return Problem(path, str(context.get("error", "")) or "this value cannot be used", "")
        case _:
            words = detail["msg"].replace("Input should be", "expected").replace("Input should", "it should")
            return Problem(path, f"found {shown(found)}: {words[:1].lower()}{words[1:]}", "")
