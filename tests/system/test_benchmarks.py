"""Every benchmark, with tiny sizes: it works, and says what it found in the common form. No figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ALONE, SHARING
from benchmarks.report import numbers_without_unit

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
REPO = Path(__file__).parents[2]
FORM = {"question", "asked", "machine", "versions", "date"}


def run(module: str, *arguments: str) -> str:
    """What a benchmark prints on standard output."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPO, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def check(found: dict[str, Any]) -> None:
    assert set(found) >= FORM
    figures = {key: value for key, value in found.items() if key not in {*FORM, "benchmark"}}
    assert figures
    assert list(numbers_without_unit(figures)) == []


@pytest.fixture(scope="module")
def shared() -> dict[str, dict[str, Any]]:
    """All that can share a Ray, on one."""
    said = [json.loads(line) for line in run("smoke").splitlines() if line.startswith("{")]
    return {found["benchmark"]: found for found in said}


@pytest.mark.parametrize("name", SHARING)
def test_given_a_ray_when_a_benchmark_is_run_then_it_says_its_figures(
    shared: dict[str, dict[str, Any]], name: str
) -> None:
    check(shared[name])


@pytest.mark.parametrize("name", ALONE)
def test_given_a_benchmark_with_a_cluster_of_its_own_when_run_then_it_says_its_figures(name: str) -> None:
    said = run(name, "--smoke")
    check(json.loads(said[said.index("{\n") :]))


def test_given_all_files_then_none_is_left_out() -> None:
    files = {path.stem for path in (REPO / "benchmarks").glob("*.py") if "QUESTION = " in path.read_text()}
    assert files == {*SHARING, *ALONE}
