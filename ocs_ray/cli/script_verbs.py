"""``ocs script check``. ``verbs.make_app`` adds these: ``app.add_typer(script_verbs.make_app(), name="script")``.

Little is imported up here, as in ``verbs``; the work of a verb is imported when it runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ocs_ray.scripting.script_check import ScriptReport

OK, UNUSABLE = 0, 2


def make_app() -> typer.Typer:
    """The verbs about scripts."""
    app = typer.Typer(name="script", help="Work on scripts.", no_args_is_help=True)
    app.callback()(_everywhere)  # without it typer would take the only verb for the whole app
    app.command()(check)
    return app


def _everywhere() -> None:
    """Work on scripts."""


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A script, for example obsmodes/MyMode/esw.py.")],
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="FOLDER", help="Catalogue of observing modes; default: two folders up."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> int:
    """Load a script without an observatory: list its handlers, report undefined names and errors with file and line."""
    from ocs_ray.scripting.script_check import check_script

    report = check_script(str(file), str(root or file.resolve().parent.parent))
    if as_json:
        print(json.dumps(document(report)))
    else:
        print("\n".join(lines(report)))
    return UNUSABLE if report.problems else OK


def document(report: ScriptReport) -> dict[str, object]:
    """The report as JSON has it."""
    problems = [{"file": file, "line": line, "problem": text} for file, line, text in report.problems]
    return {
        "file": report.file,
        "handlers": list(report.handlers),
        "states": list(report.states),
        "problems": problems,
    }


def lines(report: ScriptReport) -> list[str]:
    """The report for people."""
    if report.problems:
        return [str(problem) for problem in report.problems]
    handlers = ", ".join(report.handlers) or "no handler at all"
    states = f"; states: {', '.join(report.states)}" if report.states else ""
    return [f"{report.file}: it can be loaded and handles {handlers}{states}"]
