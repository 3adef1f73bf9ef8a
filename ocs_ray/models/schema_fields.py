"""Which field names a type has at the place of an error, so that a misspelt one can be set right.

pydantic does not say; its schema does, followed along the error's location.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

_WRAPPERS = frozenset(("model", "default", "nullable", "function-before", "function-after", "function-wrap"))


def field_names(schema: Any, error: ValidationError) -> list[str]:
    """Names of the fields allowed where the first unknown field was found; empty when there was none."""
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        if detail["type"] == "extra_forbidden":
            return _names(schema, detail["loc"][:-1])
    return []


def _names(schema: Any, loc: tuple[int | str, ...]) -> list[str]:
    definitions: dict[str, Any] = {}
    steps: Iterator[int | str] = iter(loc)
    while True:
        kind = schema["type"]
        if kind == "definitions":
            definitions = {each["ref"]: each for each in schema["definitions"]}
            schema = schema["schema"]
        elif kind == "definition-ref":
            schema = definitions[schema["schema_ref"]]
        elif kind in _WRAPPERS:
            schema = schema["schema"]
        elif kind == "model-fields":
            by_alias = {field.get("validation_alias", name): field for name, field in schema["fields"].items()}
            key = next(steps, None)
            if key is None:
                return [str(name) for name in by_alias]
            schema = by_alias[key]["schema"]
        else:
            inside = _inside(schema, kind, next(steps, None))
            if inside is None:
                return []
            schema = inside


def _inside(schema: Any, kind: str, key: int | str | None) -> Any:
    match kind:
        case "tagged-union":
            return schema["choices"].get(key)
        case "list":
            return schema.get("items_schema")
        case "tuple":
            return schema["items_schema"][0]
        case "dict":
            return schema.get("values_schema")
        case _:
            return None
