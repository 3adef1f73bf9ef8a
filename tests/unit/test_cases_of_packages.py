"""docs/reference/package-cases.md names files for every case, and each of them names the case in a comment."""

from __future__ import annotations

import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "package-cases.md"


def cases_in(source: str) -> set[int]:
    found: set[int] = set()
    for comment in re.findall(r"# .*?\bcases? ([\d, andto]+)", source):
        numbers = [int(number) for number in re.findall(r"\d+", comment)]
        found |= set(range(numbers[0], numbers[-1] + 1)) if "to" in comment and numbers else set(numbers)
    return found


def test_given_the_cases_of_packages_then_each_has_a_file_that_names_it() -> None:
    rows = re.findall(r"^\| (\d+) \| .*? \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    assert [int(case) for case, _ in rows] == list(range(1, 31))
    for case, files in rows:
        named = re.findall(r"`([\w/.]+)`", files)
        assert named, f"case {case} has no file"
        for file in named:
            assert int(case) in cases_in((REPO / "tests" / file).read_text()), (case, file)
