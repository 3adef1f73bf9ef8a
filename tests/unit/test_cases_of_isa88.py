"""docs/reference/isa88-cases.md names a test for every case, and every test it names is there and names its case."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "isa88-cases.md"
CASES = range(1, 31)


def told() -> dict[int, list[tuple[str, str]]]:
    """Case -> tests, as (function, file)."""
    rows = re.findall(r"^\| (\d+) \| .*? \| (.*?) \| .*? ?\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(case): re.findall(r"`(\w+)` \(([\w/.]+)\)", tests) for case, tests in rows}


def cases_of(file: str) -> dict[str, set[int]]:
    """Test -> the cases its comments name: ``# case 3``, ``# cases 6, 7``; none in a file not about this reference."""
    path = TESTS / file
    source = path.read_text(encoding="utf-8") if path.is_file() else ""
    found: dict[str, set[int]] = {}
    if "isa88" in source:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                text = "\n".join(source.splitlines()[begin - 1 : node.end_lineno])
                named = " ".join(re.findall(r"#.*?\bcases? (\d[\d, and]*)", text))
                found[node.name] = {int(number) for number in re.findall(r"\d+", named)}
    return found


def test_given_the_cases_of_the_procedure_then_each_has_a_test_that_names_it() -> None:
    cases = told()
    assert sorted(cases) == list(CASES)
    missing = [
        (case, function, file)
        for case, tests in cases.items()
        for function, file in tests or [("none", PAGE.name)]
        if case not in cases_of(file).get(function, set())
    ]
    assert missing == []
