"""A night as a picture: one row for each observing mode, one bar for everything that took time. SVG, by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, NamedTuple

COLOURS: Final[Mapping[str, str]] = {
    "configured": "#d9e2ec",
    "Completed": "#2f855a",
    "Cancelled": "#dd6b20",
    "Error": "#c53030",
    "held": "#d69e2e",
}
"""What a bar shows -> its colour, which is told apart in grey as well; drawn in this order, the last on top."""
WIDTH, LEFT, ROW, BAR, TOP = 1200, 170, 34, 20, 44  # pixels
TICKS: Final = 8


class Bar(NamedTuple):
    """Something that took time.

    Args:
        row: the mode it belongs to.
        what: a key of ``COLOURS``.
        begin_s: since the begin of the night, in seconds.
        end_s: the same.
        note: shown when one points at it.
    """

    row: str
    what: str
    begin_s: float
    end_s: float
    note: str = ""


def picture(bars: Iterable[Bar], title: str) -> str:
    """The picture as SVG; rows in the order they first appear, time from 0 to the last end."""
    ordered = sorted(bars, key=lambda bar: list(COLOURS).index(bar.what))
    rows = list(dict.fromkeys(bar.row for bar in sorted(ordered, key=lambda bar: bar.begin_s)))
    whole_s = max((bar.end_s for bar in ordered), default=0.0) or 1.0
    height = TOP + ROW * len(rows) + 60

    def x(at_s: float) -> float:
        return round(LEFT + at_s / whole_s * (WIDTH - LEFT - 20), 2)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="16">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        lines.append(f'<text x="12" y="{y + 15}">{escape(row)}</text>')
        lines += [_drawn(bar, x(bar.begin_s), x(bar.end_s), y) for bar in ordered if bar.row == row]
    bottom = TOP + ROW * len(rows)
    for tick in range(TICKS + 1):
        at_s = whole_s * tick / TICKS
        at = x(at_s)
        lines.append(f'<line x1="{at}" y1="{TOP - 6}" x2="{at}" y2="{bottom}" stroke="#bbb" stroke-width="0.5"/>')
        lines.append(f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{at_s:.0f} s</text>')
    for number, (what, colour) in enumerate(COLOURS.items()):
        left = LEFT + 130 * number
        lines.append(f'<rect x="{left}" y="{bottom + 30}" width="14" height="14" fill="{colour}"/>')
        lines.append(f'<text x="{left + 20}" y="{bottom + 42}">{escape(what)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _drawn(bar: Bar, left: float, right: float, y: int) -> str:
    tall = BAR if bar.what == "configured" else BAR - 6
    note = escape(f"{bar.what} {bar.begin_s:.2f}-{bar.end_s:.2f} s {bar.note}".strip())
    return (
        f'<rect x="{left}" y="{y + (BAR - tall) // 2}" width="{max(round(right - left, 2), 1)}" height="{tall}" '
        f'fill="{COLOURS[bar.what]}"><title>{note}</title></rect>'
    )
