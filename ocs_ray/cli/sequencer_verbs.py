"""``ocs sequencer``: the procedure of one sequencer, with its arguments; the work is imported when a verb runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import typer

from ocs_ray.cli.arguments import AsJson, Sequencer

WAIT_S: Final = 60.0
"""Longest ``--wait`` waits when nothing else is said, in seconds."""
Wait = Annotated[bool, typer.Option("--wait", help="Come back when it has been carried out.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.0,
        help=f"Wait so long at most, and then fail; {WAIT_S:g} with --wait.",
    ),
]
HELP: Final = {
    "hold": "Hold at the next checkpoint of the step, or at its end; sequencers it waits for are held too.",
    "resume": "Let a held procedure go on.",
    "stop": "End the run at the next checkpoint of its step; the run answers Cancelled.",
    "abort": "The same with the abort handlers, for a run that must end now.",
    "reset": "Make ready for another run after a stop, an error or an end.",
    "suspend": "Hold for an external cause, such as weather.",
    "unsuspend": "Go on when the external cause is over.",
    "complete": "End the run well after its present step; the steps that are left are dropped.",
    "start": "Start the sequence that was loaded.",
    "clear": "Clear an aborted or failed procedure; 'reset' does this and makes it ready.",
}
"""Command -> what it does."""


def make_app() -> typer.Typer:
    """``ocs sequencer`` with a verb for every command of the procedure, ``state`` and ``follow``."""
    app = typer.Typer(name="sequencer", help="Hold, resume or stop what a sequencer runs.", no_args_is_help=True)
    for name, text in HELP.items():
        app.command(name=name, help=text)(_sends(name))
    app.command(name="state")(_state)
    app.command(name="follow")(_follow)
    return app


def _sends(name: str) -> Callable[[str, bool, float | None, bool], int]:
    def send(sequencer: Sequencer, wait: Wait = False, timeout: Timeout = None, as_json: AsJson = False) -> int:
        from ocs_ray.cli import procedure_verbs

        wait_s = WAIT_S if wait and timeout is None else timeout
        return procedure_verbs.send(sequencer, name, wait_s, as_json)

    return send


def _state(sequencer: Sequencer, as_json: AsJson = False) -> int:
    """Show where the procedure stands, what it waits for, and how it came there."""
    from ocs_ray.cli import procedure_verbs

    return procedure_verbs.state(sequencer, as_json)


def _follow(
    sequencer: Sequencer, as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False
) -> int:
    """Print every change as it comes, until Ctrl-C."""
    from ocs_ray.cli import procedure_verbs

    return procedure_verbs.follow(sequencer, as_json)
