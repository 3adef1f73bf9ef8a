"""Where output goes: tables and documents to stdout, progress beside a document and problems to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PIPE_WIDTH: Final = 200
"""Columns where nobody's window sets a limit; a table takes what it needs of them."""


def console() -> Console:
    """Standard output: as wide as the terminal; a pipe gets every column whole."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def is_live(screen: Console) -> bool:
    """Whether the terminal can redraw what it shows."""
    return sys.stdout.isatty() and not screen.is_dumb_terminal


def note(text: str) -> None:
    """One line beside the result."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def working(text: str) -> Iterator[None]:
    """Say beside the result what takes its time; a terminal also sees that it goes on."""
    if not sys.stderr.isatty():
        note(f"{text} ...")
        yield
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        shown.add_task(text, total=None)
        yield


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar beside the result for what has a size: the function takes a stage, and how much of how much is done.

    Where nobody watches, each stage is a line.
    """
    if not sys.stderr.isatty():
        stages: list[str] = []

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages.append(stage)
                note(f"{text}: {stage} ...")

        yield tell
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(text, total=None)

        def move(stage: str, done: int, total: int) -> None:
            shown.update(task, description=f"{text}: {stage}", completed=done, total=total or None)

        yield move


def problem(text: str) -> None:
    """Why this command does not end well."""
    note(f"ocs: {text}")


def say(text: str) -> None:
    """One line of the result."""
    print(text, flush=True)


def put_document(content: dict[str, Any]) -> None:
    """The one JSON document of a command that was asked for ``--json``."""
    print(json.dumps(content, ensure_ascii=False, indent=2), flush=True)
