"""``ocs inst ...``: instances of script packages. ``verbs.make_app`` adds these; the words are transform-hub's.

Little is imported up here, as in ``verbs``; the work of a verb is imported when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Which = Annotated[str, typer.Argument(metavar="ID", help="An instance: its id, the beginning of it, or - (last).")]
Offset = Annotated[int, typer.Option("--offset", help="Begin at this byte; a negative one counts from the end.")]
Tail = Annotated[int | None, typer.Option("--tail", min=0, help="Begin this many lines before the end.")]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for what comes, to the end of the instance.")]
Run = Annotated[int, typer.Option("--run", min=0, help="An earlier run of one that was restarted; 0 is the last.")]
File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="What to send; default: standard input.")]
End = Annotated[bool, typer.Option("-e", "--end", help="Nothing follows.")]


def make_app() -> typer.Typer:
    """The verbs about instances."""
    app = typer.Typer(name="inst", help="Instances of script packages.", no_args_is_help=True)
    app.command("list")(list_all)
    app.command("ls", hidden=True)(list_all)
    app.command("info")(info)
    for channel in ("output", "log", "stdout", "stderr"):
        app.command(channel, help=f"Write its {channel} to standard output.")(_reader(channel))
    app.command("input")(give_input)
    app.command("stdin")(give_stdin)
    app.command("health")(health)
    app.command("stop")(stop)
    app.command("kill")(kill)
    app.command("restart")(restart)
    app.command("gc")(collect)
    app.command("use")(use)
    event = typer.Typer(name="event", help="Events to and from an instance.", no_args_is_help=True)
    event.command("emit")(emit)
    event.command("invoke", hidden=True)(emit)
    event.command("on")(on)
    app.add_typer(event, name="event")
    return app


def list_all(
    package: Annotated[str, typer.Option("-n", "--package", help="Only those of this package.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those whose output has expired.")] = False,
    as_json: AsJson = False,
) -> int:
    """The instances, alive and ended."""
    from ocs_ray.cli import instance_work

    return instance_work.list_all(package, everything, as_json)


def info(which: Which, as_json: AsJson = False) -> int:
    """One instance."""
    from ocs_ray.cli import instance_work

    return instance_work.info(which, as_json)


def _reader(channel: str) -> Callable[..., int]:
    def read(which: Which, offset: Offset = 0, tail: Tail = None, follow: Follow = True, run: Run = 0) -> int:
        from ocs_ray.cli import instance_work

        return instance_work.read(which, channel, offset, tail, follow, run)

    return read


def give_input(
    which: Which,
    file: File = None,
    content_type: Annotated[str, typer.Option("-t", "--content-type", help="What it is: application/x-ndjson.")] = "",
    end: End = False,
) -> int:
    """Send to its input."""
    from ocs_ray.cli import instance_work

    return instance_work.give(which, file, "input", content_type, end)


def give_stdin(which: Which, file: File = None, end: End = False) -> int:
    """Send to its standard input."""
    from ocs_ray.cli import instance_work

    return instance_work.give(which, file, "stdin", "", end)


def health(which: Which, as_json: AsJson = False) -> int:
    """How it feels, and what it uses."""
    from ocs_ray.cli import instance_work

    return instance_work.health(which, as_json)


def stop(
    which: Which,
    timeout_ms: Annotated[int, typer.Argument(metavar="[TIMEOUT_MS]", min=0, help="Then it is killed.")] = 7000,
    can_keep_alive: Annotated[bool, typer.Option("--can-keep-alive", help="It may ask for more time.")] = False,
    as_json: AsJson = False,
) -> int:
    """Ask it to stop, and wait until it has ended."""
    from ocs_ray.cli import instance_work

    return instance_work.stop(which, timeout_ms / 1000, can_keep_alive, as_json)


def kill(
    which: Which,
    remove: Annotated[
        bool, typer.Option("--remove-immediately", "--removeImmediately", help="Drop what it wrote, too.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """End it now."""
    from ocs_ray.cli import instance_work

    return instance_work.kill(which, remove, as_json)


def restart(which: Which, as_json: AsJson = False) -> int:
    """End it and start it again: same id, same package, same arguments."""
    from ocs_ray.cli import instance_work

    return instance_work.restart(which, as_json)


def collect(as_json: AsJson = False) -> int:
    """Forget instances whose output has expired."""
    from ocs_ray.cli import instance_work

    return instance_work.collect(as_json)


def use(which: Which) -> int:
    """Let - mean this instance."""
    from ocs_ray.cli import instance_work

    return instance_work.use(which)


def emit(
    which: Which,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    message: Annotated[str | None, typer.Argument(metavar="[JSON]", help="What goes with it.")] = None,
) -> int:
    """Send it an event."""
    from ocs_ray.cli import instance_work

    return instance_work.emit(which, name, message)


def on(
    which: Which,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    next_one: Annotated[bool, typer.Option("-n", "--next", help="Wait for the next one.")] = False,
    stream: Annotated[bool, typer.Option("-s", "--stream", help="All that come, to its end.")] = False,
) -> int:
    """The last event of this name; waits for the first."""
    from ocs_ray.cli import instance_work

    return instance_work.on(which, name, next_one, stream)
