"""docs/reference/esw-cases.md names a test for every case, and every test it names is there and names its case."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "esw-cases.md"
OF_THE_SEQUENCE_COMPONENT = range(79, 86)


def told() -> dict[int, list[tuple[str, str]]]:
    """Case -> tests, as (function, file)."""
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    return {int(case): re.findall(r"`(\w+)` \(([\w/.]+)\)", tests) for case, tests in rows}


def names_case(source: str, function: str, case: int) -> bool:
    """Whether a test says which case it holds: in its name, or in a comment ``# case 3``, ``# cases 21 to 24``."""
    if function.startswith(f"test_{case}_"):
        return True
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            text = "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
            for comment in re.findall(r"# .*?\bcases? ([\d, andto]+)", text):
                numbers = [int(number) for number in re.findall(r"\d+", comment)]
                if case in numbers or ("to" in comment and numbers[0] <= case <= numbers[-1]):
                    return True
    return False


def test_given_the_cases_of_the_sequencer_and_of_scripts_then_each_has_a_test_that_names_it() -> None:
    cases = told()
    assert sorted(cases) == [case for case in range(1, 94) if case not in OF_THE_SEQUENCE_COMPONENT]
    missing = [
        (case, function, file)
        for case, tests in cases.items()
        for function, file in tests or [("none", PAGE.name)]
        if not (REPO / "tests" / file).is_file()
        or not names_case((REPO / "tests" / file).read_text(encoding="utf-8"), function, case)
    ]
    assert missing == []
