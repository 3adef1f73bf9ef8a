"""What a package says its script handles, beside what the script registers."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final, NamedTuple

ANY_COMMAND: Final = "on_any_command"
_REGISTRATIONS: Final = {"on_setup": "Setup", "on_observe": "Observe", "on_wait": "Wait"}


class Difference(NamedTuple):
    """Where the two do not agree.

    Args:
        missing: named, but not registered.
        unnamed: commands that are registered, but not named. A hook need not be named.
    """

    missing: tuple[str, ...]
    unnamed: tuple[str, ...]


def compare(named: Iterable[str], registered: Iterable[str], of_other_states: Iterable[str] = ()) -> Difference:
    """Compare names as a script report has them: ``Setup preset``, ``on_any_command``, ``on_stop``.

    Args:
        of_other_states: what an FSM script registers once it is in another state; any of it may be named.
    """
    wanted, there = set(named), set(registered)
    commands = {name for name in there if " " in name or name == ANY_COMMAND}
    missing = wanted - there - set(of_other_states)
    return Difference(tuple(sorted(missing)), tuple(sorted(commands - wanted)))


def commands_in(source: str) -> tuple[str, ...]:
    """The commands a source registers by name anywhere, also where running it does not get to."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            kind, first = _REGISTRATIONS.get(node.func.attr), node.args[0]
            if kind is not None and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(f"{kind} {first.value}")
    return tuple(sorted(found))
