"""An observation as a live display: steps, sub-sequencers, events, all redrawn several times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ocs_ray.cli.observation_picture import Change, Picture, in_flight, key_data
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.sequencer_messages import SequencerSnapshot
from ocs_ray.models.steps import Step, StepStatus

REDRAWS_PER_S: Final = 8
EVENTS_SHOWN: Final = 8
ATTENTION: Final = "bold black on yellow"
STYLES: Final = {
    StepStatus.PENDING: ("·", ".", "dim"),
    StepStatus.IN_FLIGHT: ("▶", ">", "bold cyan"),
    StepStatus.SUCCESS: ("✓", "+", "green"),
    StepStatus.FAILURE: ("✗", "x", "bold red"),
    StepStatus.CANCELLED: ("∅", "-", "yellow"),
}
"""Status -> symbol, symbol where there is only ASCII, style."""


class LiveView:
    """Keeps the terminal up to date until it is left.

    Args:
        picture: what is shown.
        console: where.
        elapsed_s: seconds since the command began.
    """

    def __init__(self, picture: Picture, console: Console, elapsed_s: Callable[[], float]) -> None:
        self._picture, self._console, self._elapsed_s = picture, console, elapsed_s
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=REDRAWS_PER_S,
            transient=True,  # the final table takes its place
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tell(self, change: Change) -> None:
        """The next redraw shows it."""

    def pause(self) -> None:
        """Take the display away, so that a question stands alone."""
        self._live.stop()

    def resume(self) -> None:
        """Show it again."""
        self._live.start(refresh=True)

    def _draw(self) -> RenderableType:
        unicode = self._console.encoding.lower().startswith("utf")
        return render(self._picture, self._elapsed_s(), time.time(), self._console.height, unicode=unicode)


def render(picture: Picture, elapsed_s: float, now: float, height: int, *, unicode: bool = True) -> RenderableType:
    """The whole display.

    Args:
        elapsed_s: seconds since the command began.
        now: Unix time in seconds, for the step in flight.
        height: lines of the terminal; a long step list is cut to the steps around the one in flight.
    """
    fixed = 6 + len(picture.others) + min(len(picture.events), EVENTS_SHOWN)
    parts: list[RenderableType] = [_header(picture, elapsed_s), Text()]
    parts.append(_steps(picture, now, max(3, height - fixed), unicode))
    if picture.run_id is not None and picture.others:
        parts += [Text(), _others(picture)]
    if picture.events:
        parts += [Text(), _events(picture.events[-EVENTS_SHOWN:])]
    return Group(*parts)


def visible(total: int, current: int, room: int) -> range:
    """Which of ``total`` lines to show in ``room`` lines so that line ``current`` is among them."""
    first = min(max(0, current - room // 2), max(0, total - room))
    return range(first, min(total, first + room))


def _header(picture: Picture, elapsed_s: float) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(picture.mode.name, "bold")
    head.append(f"  {picture.target}  ")
    if picture.run_id is not None:
        head.append(f"run {picture.run_id[:8]}  ", "dim")
    head.append(f"{elapsed_s:.1f} s")
    if picture.time_factor is not None:
        head.append(f"  time factor {picture.time_factor:g}", "dim")
    if (unusual := picture.unusual(picture.target)) is not None:
        head.append(f"  {unusual.state} ", ATTENTION)
        head.append(" ".join(filter(None, ("", unusual.reason, unusual.late))), "yellow")
    if picture.phase:
        head.append(f"  {picture.phase} ...", "cyan")
    return head


def _steps(picture: Picture, now: float, room: int, unicode: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for justify in ("right", "left", "left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True, overflow="ellipsis")
    steps = picture.steps
    total = len(steps) or len(picture.commands)
    shown = visible(total, _current(steps), room)
    for n in shown:
        step = steps[n] if steps else None
        status = step.status if step else StepStatus.PENDING
        symbol, ascii_symbol, style = STYLES[status]
        name = step.command.command_name if step else picture.commands[n]
        number = f"{n + 1}/{total}"
        table.add_row(number, symbol if unicode else ascii_symbol, name, status, _took(step, now), style=style)
    return table


def _current(steps: tuple[Step, ...]) -> int:
    if (found := in_flight(steps)) is not None:
        return found[0] - 1
    return sum(1 for step in steps if step.status.is_finished)


def _took(step: Step | None, now: float) -> str:
    if step is None or step.started_at is None:
        return ""
    return f"{(step.ended_at or now) - step.started_at:.1f} s"


def _others(picture: Picture) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(5):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for prefix in picture.others:
        snapshot = picture.sequencers.get(prefix)
        if snapshot is None:
            table.add_row(prefix, "Idle", "", "", "", style="dim")
        else:
            unusual = picture.unusual(prefix)
            state = Text(f" {unusual.state} ", ATTENTION) if unusual is not None else Text()
            table.add_row(prefix, snapshot.state, state, *_activity(snapshot))
    return table


def _activity(snapshot: SequencerSnapshot) -> tuple[str, str]:
    running = in_flight(snapshot.steps)
    done = sum(1 for step in snapshot.steps if step.status.is_done)
    count = f"{done}/{len(snapshot.steps)}" if snapshot.steps else ""
    return (running[1].command.command_name if running else ""), count


def _events(events: list[ObserveEvent]) -> Group:
    """One line an event; what does not fit is cut at the end, where the least telling parameters are."""
    names = [event.event_name.removeprefix("ObserveEvent.") for event in events]
    width = max(map(len, names))
    lines = (
        f"{event.event_time.datetime:%H:%M:%S}  {name:<{width}}  {event.source} {key_data(event)}"
        for event, name in zip(events, names, strict=True)
    )
    return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))
