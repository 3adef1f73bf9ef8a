"""The form of every benchmark: sizes in, one JSON object out."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil

UNITS: Final = ("_s", "_ms", "_us", "_per_s", "_mib", "_kib", "_bytes", "_percent", "_ratio")
"""Endings of keys that say what a number is; ``_per_s`` is per second."""
COUNTED: Final = ("samples", "count", "actors", "steps", "processes", "sequencers", "machines", "observations")
"""Last words of keys whose number counts things."""
PACKAGES: Final = ("ocs_ray", "ray", "pydantic")

S = TypeVar("S")


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that ``share`` of the values do not exceed (nearest rank).

    Args:
        ordered: not empty, ascending.
        share: in (0, 1].
    """
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p99 and the largest of what was timed, in milliseconds.

    Args:
        seconds: each sample, in seconds.
    """
    ordered = sorted(seconds)
    return {
        "p50_ms": round(statistics.median(ordered) * 1e3, 3),
        "p99_ms": round(percentile(ordered, 0.99) * 1e3, 3),
        "max_ms": round(ordered[-1] * 1e3, 3),
        "samples": len(ordered),
    }


def ratio(ours: Iterable[float], floor: Iterable[float]) -> float:
    """The median of each pair's own ratio: what else the machine does changes from one to the next."""
    return round(statistics.median(mine / bare for mine, bare in zip(ours, floor, strict=True)), 2)


def p50_ratio(ours: Mapping[str, float], floor: Mapping[str, float]) -> float:
    """How many times the floor's median ours is; both from ``spread``."""
    return round(ours["p50_ms"] / floor["p50_ms"], 2)


def numbers_without_unit(figures: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where a number stands that no key above it gives a unit to."""
    for key, value in figures.items():
        where = f"{path}/{key}"
        if key.endswith(UNITS) or key.rpartition("_")[2] in COUNTED:
            continue
        if isinstance(value, Mapping):
            yield from numbers_without_unit(value, where)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield where


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that is with other work."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "system": platform.platform(terse=True),
        "load_1_min": round(os.getloadavg()[0], 1),
    }


def reported(question: str, sizes: Any, measure: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Measure, and say it in the common form.

    Args:
        question: what is asked, in a sentence.
        sizes: a dataclass: how many of everything.
        measure: gives the figures.
    """
    before = machine()
    figures = measure(sizes)
    return {
        "question": question,
        "asked": dataclasses.asdict(sizes),
        **figures,
        "machine": {**before, "load_1_min_after": machine()["load_1_min"]},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "date": datetime.now(UTC).date().isoformat(),
    }


def sizes_from(arguments: list[str] | None, question: str, full: S, smoke: S) -> S:
    """What the command line asks for: ``--smoke`` for a look whether it works, ``--rounds 3`` for any size by name.

    Args:
        arguments: without the program's name; None for those of this process.
        full: a dataclass of numbers, tuples of numbers, words and switches.
    """
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does it work?")
    for field in dataclasses.fields(full):  # type: ignore[arg-type]
        default = getattr(full, field.name)
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(default, bool):
            parser.add_argument(option, action="store_true", default=None)
        elif isinstance(default, tuple):
            parser.add_argument(option, type=type(default[0]), nargs="+")
        else:
            parser.add_argument(option, type=type(default))
    given = vars(parser.parse_args(arguments))
    sizes = smoke if given.pop("smoke") else full
    wanted = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if v is not None}
    return dataclasses.replace(sizes, **wanted)  # type: ignore[type-var]


def run(question: str, measure: Callable[[S], dict[str, Any]], full: S, smoke: S) -> None:
    """A benchmark as a program: prints its JSON object and nothing else on standard output."""
    sizes = sizes_from(None, question, full, smoke)
    print(json.dumps(reported(question, sizes, measure), indent=2, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a report")
