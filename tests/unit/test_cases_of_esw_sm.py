"""docs/reference/esw-sm-cases.md names tests for every case and weakness that can have any; each names its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "esw-sm-cases.md"
OF_THE_HTTP_LAYER = {53}
NEVER_ANSWERED = 13
REAL = ("cluster/", "system/")
Named = tuple[str, str]


class Row(NamedTuple):
    """One case: tests as (function, file), and what the last column says."""

    on_ray: list[Named]
    in_memory: list[Named]
    note: str


def told() -> dict[int, Row]:
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(case): Row(_tests(on_ray), _tests(in_memory), note.strip()) for case, on_ray, in_memory, note in rows}


def _tests(cell: str) -> list[Named]:
    return re.findall(r"`(\w+)` \(([\w/.]+)\)", cell)


def mended() -> dict[int, list[Named]]:
    """Weakness -> its tests."""
    rows = re.findall(r"^\| W(\d+) \| .*? \| (.*?) \| .*? ?\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(weakness): _tests(cell) for weakness, cell in rows}


def numbers_of(file: str, kind: str = r"[Cc]ases?") -> dict[str, set[int]]:
    """Test -> the numbers it names: ``# case 3``, ``# esw_sm cases 3, 4``, ``Case 55``."""
    source = (REPO / "tests" / file).read_text(encoding="utf-8")
    found: dict[str, set[int]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            text = "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
            named = " ".join(re.findall(rf"\b{kind} (\d[\d, and]*)", text))
            found[node.name] = {int(number) for number in re.findall(r"\d+", named)}
    return found


def test_given_the_55_cases_of_the_manager_then_each_has_a_test_or_says_why_not() -> None:
    cases = told()
    assert sorted(cases) == list(range(1, 56))
    assert [n for n, row in cases.items() if not row.in_memory and not row.on_ray and not row.note] == []
    assert [n for n, row in cases.items() if not row.on_ray and not row.note] == []
    assert {n for n, row in cases.items() if not row.on_ray and not row.in_memory} == {35} | OF_THE_HTTP_LAYER


def test_given_a_test_that_is_named_then_it_is_there_in_its_column_and_names_the_case() -> None:
    wrong = [
        (case, function, file)
        for case, row in told().items()
        for on_ray, listed in ((True, row.on_ray), (False, row.in_memory))
        for function, file in listed
        if file.startswith(REAL) is not on_ray or case not in numbers_of(file).get(function, ())
    ]
    assert wrong == []


def test_given_the_15_weaknesses_then_each_has_tests_that_name_it_but_the_one_that_cannot_occur() -> None:
    weaknesses = mended()
    assert sorted(weaknesses) == list(range(1, 16))
    assert [number for number, tests in weaknesses.items() if not tests] == [NEVER_ANSWERED]
    wrong = [
        (number, function, file)
        for number, tests in weaknesses.items()
        for function, file in tests
        if number not in numbers_of(file, "weakness(?:es)?").get(function, ())
    ]
    assert wrong == []
