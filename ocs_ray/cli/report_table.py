"""How every table for people looks."""

from __future__ import annotations

from rich.table import Table


def table(title: str, *columns: str) -> Table:
    """An empty table: no lines, and a cell that is too long goes on below itself."""
    heading = f"\n{title}" if title else None
    shown = Table(title=heading, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    return shown
