"""``ocs config get|put|list|history|set-active``. ``verbs.make_app`` adds these.

Little is imported up here, as in ``verbs``; the work of a verb is imported when it runs.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

OK = 0
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
PathName = Annotated[str, typer.Argument(metavar="PATH", help="Below the configuration folder: iris/filters.conf.")]


def make_app() -> typer.Typer:
    """The verbs about configuration files."""
    app = typer.Typer(name="config", help="Configuration files of the observatory.", no_args_is_help=True)
    app.command("get")(get)
    app.command("put")(put)
    app.command("list")(list_all)
    app.command("history")(history)
    app.command("set-active")(set_active)
    return app


def get(
    path: PathName,
    version: Annotated[str | None, typer.Option("--version", help="Default: the active one.")] = None,
) -> int:
    """Write a file to standard output."""
    from ocs_ray.cli import cluster_session
    from ocs_ray.client import Configuration
    from ocs_ray.errors import BadInputError

    content = cluster_session.ask(lambda: Configuration().get_bytes(path, version))
    if content is None:
        which = f"version {version}" if version else "active version"
        raise BadInputError(where=path, problem=f"there is no {which}", remedy="see what there is: ocs config list")
    sys.stdout.buffer.write(content)
    return OK


def put(
    path: PathName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to keep.")],
    as_json: AsJson = False,
) -> int:
    """Keep a file as a version; the first is active at once, a later one after set-active."""
    from ocs_ray.cli import cluster_session, terminal
    from ocs_ray.client import Configuration
    from ocs_ray.errors import BadInputError

    try:
        content = file.read_bytes()
    except OSError as failure:
        raise BadInputError(where=str(file), problem=failure.strerror or str(failure), remedy="") from None
    kept = cluster_session.ask(lambda: Configuration().put(path, content))
    if as_json:
        terminal.put_document(kept.model_dump())
    else:
        how = "active" if kept.active else f"not active yet: ocs config set-active {path} {kept.version}"
        terminal.say(f"{path}: version {kept.version} ({how})")
    return OK


def list_all(as_json: AsJson = False) -> int:
    """All files with their active versions."""
    from ocs_ray.cli import cluster_session, terminal
    from ocs_ray.client import Configuration

    entries = cluster_session.ask(lambda: Configuration().list())
    if as_json:
        terminal.put_document({"files": [entry.model_dump() for entry in entries]})
    else:
        rows = ((entry.path, entry.active or "none", entry.versions) for entry in entries)
        terminal.console().print(_table(("path", "active", "versions"), rows))
    return OK


def history(path: PathName, as_json: AsJson = False) -> int:
    """All versions of a file, the oldest first."""
    from ocs_ray.cli import cluster_session, terminal
    from ocs_ray.client import Configuration

    versions = cluster_session.ask(lambda: Configuration().history(path))
    if as_json:
        terminal.put_document({"path": path, "versions": [version.model_dump() for version in versions]})
    else:
        rows = ((v.number, v.version, _time(v.stored_at), v.size_bytes, "active" if v.active else "") for v in versions)
        terminal.console().print(_table(("", "version", "stored (UTC)", "bytes", ""), rows))
    return OK


def set_active(path: PathName, version: Annotated[str, typer.Argument(metavar="VERSION")]) -> int:
    """Make a version the active one."""
    from ocs_ray.cli import cluster_session, terminal
    from ocs_ray.client import Configuration

    cluster_session.ask(lambda: Configuration().set_active(path, version))
    terminal.say(f"{path}: version {version} is active")
    return OK


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _table(columns: tuple[str, ...], rows: Any) -> Table:
    from rich.table import Table

    shown = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    return shown
