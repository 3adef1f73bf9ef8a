"""docs/reference/package-cases.md names tests for every case; each of them is there and names the case in a comment."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "package-cases.md"
NARROWER = {30}
Named = tuple[str, str]


def told() -> dict[int, tuple[list[Named], str]]:
    """Case -> its tests as (function, file), and what differs from the case."""
    rows = re.findall(r"^\| (\d+) \| .*? \| (.*?) \|(.*?)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(case): (re.findall(r"`(\w+)` \(([\w/.]+)\)", cell), note.strip()) for case, cell, note in rows}


def cases_of(file: str) -> dict[str, set[int]]:
    """Test -> the cases its comments name: ``# case 3``, ``# cases 3, 4``; those above it and on its decorators too."""
    source = (REPO / "tests" / file).read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, set[int]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            text = "\n".join(lines[first - 1 : node.end_lineno])
            named = " ".join(re.findall(r"# .*?\bcases? (\d[\d, and]*)", text))
            found[node.name] = {int(number) for number in re.findall(r"\d+", named)}
    return found


def test_given_the_30_cases_of_packages_then_each_has_a_test_and_only_the_known_ones_are_narrower() -> None:
    cases = told()
    assert sorted(cases) == list(range(1, 31))
    assert [case for case, (tests, _) in cases.items() if not tests] == []
    assert {case for case, (_, note) in cases.items() if note} == NARROWER


def test_given_a_test_of_packages_that_is_named_then_it_is_there_and_names_the_case() -> None:
    wrong = [
        (case, function, file)
        for case, (tests, _) in told().items()
        for function, file in tests
        if case not in cases_of(file).get(function, ())
    ]
    assert wrong == []
