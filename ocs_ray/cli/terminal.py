"""Where output goes: tables and documents to stdout, progress beside a document and problems to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from rich.console import Console

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


def problem(text: str) -> None:
    """Why this command does not end well."""
    note(f"ocs: {text}")


def say(text: str) -> None:
    """One line of the result."""
    print(text, flush=True)


def put_document(content: dict[str, Any]) -> None:
    """The one JSON document of a command that was asked for ``--json``."""
    print(json.dumps(content, ensure_ascii=False, indent=2), flush=True)
