"""Reading a YAML file into a model, with errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ocs_ray.errors import BadInputError

compose: Any = cast(Any, yaml).compose  # PyYAML carries no types
M = TypeVar("M", bound=BaseModel)
Keys = Sequence[str | int]
"""The way to a part of a file: keys of mappings, indices of lists."""


def read_text(path: Path, what: str) -> str:
    """The text of a file a person named.

    Args:
        what: what the file should be, for the message: ``cluster file``.

    Raises:
        BadInputError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInputError(where=str(path), problem=f"there is no such {what}", remedy="check the path") from None
    except (OSError, UnicodeDecodeError) as failure:
        raise BadInputError(
            where=str(path), problem=f"the {what} cannot be read: {failure}", remedy="check the path and its rights"
        ) from None


def read_mapping(path: Path, what: str) -> tuple[dict[str, Any], yaml.Node]:
    """The content of a YAML file whose top is a mapping, and its nodes, which know their lines.

    Raises:
        BadInputError: unreadable, not YAML, or not a mapping.
    """
    text = read_text(path, what)
    try:
        node = cast("yaml.Node | None", compose(text, Loader=yaml.SafeLoader))
        data: object = yaml.safe_load(text)
    except yaml.MarkedYAMLError as failure:
        line = failure.problem_mark.line + 1 if failure.problem_mark else 0
        raise BadInputError(
            where=f"{path}:{line}", problem=f"not YAML: {failure.problem}", remedy="correct it"
        ) from None
    if node is None or not isinstance(data, dict):
        raise BadInputError(
            where=f"{path}:1", problem=f"a {what} is a mapping of keys to values", remedy="see the docs"
        )
    if twice := next(_repeated_keys(node), None):
        problem = f"the key '{twice.value}' stands twice"  # PyYAML would take the last and say nothing
        raise BadInputError(where=f"{path}:{twice.start_mark.line + 1}", problem=problem, remedy="remove one")
    return cast("dict[str, Any]", data), node


def validated(model: type[M], data: object, node: yaml.Node, path: Path) -> M:
    """``data`` as a model.

    Raises:
        BadInputError: names the file, the line and the key of the first fault.
    """
    try:
        return model.model_validate(data)
    except ValidationError as failure:
        raise faults_of(failure, node, path)[0] from None


def faults_of(failure: ValidationError, node: yaml.Node, path: Path, above: Keys = ()) -> list[BadInputError]:
    """All that is wrong, with file, line and key each.

    Args:
        above: the keys that lead to the part of the file that was validated.
    """

    def told(fault: ErrorDetails) -> BadInputError:
        keys = [*above, *(key for key in fault["loc"] if key != "[key]")]
        where = ".".join(map(str, keys))
        problem = fault["msg"].removeprefix("Value error, ")
        return BadInputError(
            where=f"{path}:{line_of(node, keys)}",
            problem=f"{where}: {problem}" if where else problem,
            remedy="correct it and try again",
        )

    return [told(fault) for fault in failure.errors(include_url=False)]


def line_of(node: yaml.Node, keys: Keys) -> int:
    """Line, from 1, of the deepest part of ``keys`` that the file has."""
    line = node.start_mark.line + 1
    for key in keys:
        child = _child(node, key)
        if child is None:
            break
        node, line = child
    return line


def _child(node: yaml.Node, key: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return value, name.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            if key in (index, value.value):  # a list may stand for a mapping without values
                return value, value.start_mark.line + 1
    return None


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        seen: set[tuple[str, str]] = set()
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode):
                if (name.tag, name.value) in seen:
                    yield name
                seen.add((name.tag, name.value))
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)
