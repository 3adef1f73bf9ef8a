"""Names a module uses and nobody defines. Source: the rules are Python's own, as ``symtable`` tells them."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from typing import Final, NamedTuple

MODULE_NAMES: Final = frozenset(
    (
        "__annotations__",
        "__builtins__",
        "__class__",
        "__doc__",
        "__file__",
        "__loader__",
        "__module__",
        "__name__",
        "__package__",
        "__path__",
        "__qualname__",
        "__spec__",
    )
)


class Undefined(NamedTuple):
    """A name and the first line that uses it."""

    line: int
    name: str


def undefined_names(source: str, file: str) -> list[Undefined]:
    """The names used in a module that neither it nor Python defines, by line.

    With a star import nobody can know, and nothing is said; nor of annotations that are never evaluated.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source, file)
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        return []
    top = symtable.symtable(source, file, "exec")
    scopes = list(_scopes(top))
    defined = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    defined |= {child.get_name() for child in top.get_children()}
    for scope in scopes:
        defined |= {s.get_name() for s in scope.get_symbols() if s.is_declared_global() and s.is_assigned()}
    used = {s.get_name() for scope in scopes for s in scope.get_symbols() if s.is_referenced() and s.is_global()}
    used |= {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    missing = used - defined - set(dir(builtins)) - MODULE_NAMES
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in missing:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return sorted(Undefined(line, name) for name, line in lines.items())


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)
