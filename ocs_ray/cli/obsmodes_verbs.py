"""``ocs obsmodes check``, ``import``, ``reload`` with their arguments; the work is imported when a verb runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocs_ray.cli.arguments import AsJson


def make_app() -> typer.Typer:
    """The verbs about the catalogue of observing modes."""
    app = typer.Typer(name="obsmodes", help="Work on the catalogue of observing modes.", no_args_is_help=True)
    app.command()(check)
    app.command(name="import")(import_)
    app.command()(reload)
    return app


def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="CATALOGUE", help="Folder or file; default: the one `ocs up` would use."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Look at all modes of a catalogue, their scripts and examples, and list all that is wrong. Scripts are loaded."""
    from ocs_ray.cli import catalogue_verbs

    return catalogue_verbs.check(path, as_json)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.conf", help="A file of ESW's, with esw-sm.obsModes.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT.yaml", help="Default: FILE.yaml in the working folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make a one-file catalogue from ESW's; it names no scripts, which is enough for a simulation."""
    from ocs_ray.cli import catalogue_verbs

    return catalogue_verbs.import_hocon(file, out, force, as_json)


def reload(as_json: AsJson = False) -> int:
    """Let the Sequence Manager read its catalogue anew; modes that run are left as they are."""
    from ocs_ray.cli import catalogue_verbs

    return catalogue_verbs.reload(as_json)
