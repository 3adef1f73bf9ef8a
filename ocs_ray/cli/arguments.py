"""Options and arguments several verbs share."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from ocs_ray.cli import completion


def _finite(factor: float | None) -> float | None:
    if factor is not None and not math.isfinite(factor):
        raise typer.BadParameter("a time factor is a number above 0")
    return factor


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="Leave the cluster up afterwards.")]
SCALE = typer.Option("--time-factor", min=0.0001, callback=_finite, help="1.0 is real time, 0.05 twenty times faster.")
TimeFactor = Annotated[float | None, SCALE]
MODE_HELP = "Observing mode, for example IRIS_ImagerOnly."
Mode = Annotated[str, typer.Argument(metavar="MODE", help=MODE_HELP, autocompletion=completion.modes)]
ModeOption = Annotated[
    str, typer.Option("--mode", metavar="MODE", help="Observing mode.", autocompletion=completion.modes)
]
Sequencer = Annotated[
    str,
    typer.Argument(
        metavar="SEQUENCER",
        help="IRIS.IRIS_ImagerOnly, or IRIS.IRIS_ImagerAndIFS.imager with a variation.",
        autocompletion=completion.sequencers,
    ),
]
Machine = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE", help="Its prefix, for example IRIS.machine1.", autocompletion=completion.machines
    ),
]
