"""The verbs of ``ocs`` with their arguments; the work of a verb is imported when it runs."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated

import typer

import ocs_ray
from ocs_ray.cli import config_verbs, script_verbs


def _finite(factor: float | None) -> float | None:
    if factor is not None and not math.isfinite(factor):
        raise typer.BadParameter("a time factor is a number above 0")
    return factor


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="Leave the cluster up afterwards.")]
SCALE = typer.Option("--time-factor", min=0.0001, callback=_finite, help="1.0 is real time, 0.05 twenty times faster.")
TimeFactor = Annotated[float | None, SCALE]
Mode = Annotated[str, typer.Argument(metavar="MODE", help="Observing mode, for example IRIS_ImagerOnly.")]


def up(
    cluster: Annotated[
        Path | None, typer.Option("--cluster", metavar="FILE", help="Cluster file; default: cluster/local.yaml.")
    ] = None,
    obsmodes: Annotated[
        Path | None, typer.Option("--obsmodes", metavar="FOLDER", help="Catalogue of observing modes.")
    ] = None,
    time_factor: TimeFactor = None,
    as_json: AsJson = False,
) -> int:
    """Start the cluster: agents for all machines, the services, the Sequence Manager, simulated devices."""
    from ocs_ray.cli import cluster_verbs

    return cluster_verbs.up(cluster, obsmodes, time_factor, as_json)


def down() -> int:
    """End the cluster of this project, and nothing else."""
    from ocs_ray.cli import cluster_verbs

    return cluster_verbs.down()


def status(as_json: AsJson = False) -> int:
    """Show machines, sequence components, sequencers, devices and running observing modes."""
    from ocs_ray.cli import cluster_verbs

    return cluster_verbs.status(as_json)


def provision(
    counts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE.yaml | PREFIX=N ...]",
            help="How many sequence components on which machine; default: 'provision:' of the cluster file.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Start sequence components on machines; those that run are replaced."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.provision(counts or [], as_json)


def configure(mode: Mode, as_json: AsJson = False) -> int:
    """Start the sequencers of an observing mode and hold its resources."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.configure(mode, as_json)


def shutdown(mode: Mode, as_json: AsJson = False) -> int:
    """End the sequencers of an observing mode and release its resources."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.shutdown(mode, as_json)


def modes(as_json: AsJson = False) -> int:
    """List the observing modes, and which could be configured now."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.modes(as_json)


def observe(
    sequence: Annotated[Path, typer.Argument(metavar="SEQUENCE.json", help="The commands to run, as CSW's JSON.")],
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="Observing mode.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="SEQUENCER", help="IRIS for IRIS.<mode>, or a prefix; default: ESW.<mode>."),
    ] = None,
    time_factor: TimeFactor = None,
    keep_up: KeepUp = False,
    as_json: AsJson = False,
) -> int:
    """Run a sequence and watch it; what is not up yet is brought up, and taken down afterwards."""
    from ocs_ray.cli import observe as observation

    return observation.observe(sequence, mode, to, time_factor, keep_up, as_json)


def demo(
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="Observing mode.")] = "IRIS_ImagerAndIFS",
    time_factor: Annotated[float, SCALE] = 0.05,
    keep_up: KeepUp = False,
    as_json: AsJson = False,
) -> int:
    """Observe the bundled example of an observing mode."""
    from ocs_ray.cli import observe as observation

    return observation.demo(mode, time_factor, keep_up, as_json)


VERBS = (up, down, status, provision, configure, shutdown, modes, observe, demo)


def make_app() -> typer.Typer:
    """The command line."""
    app = typer.Typer(
        name="ocs",
        help="Run an observatory: provision machines, configure an observing mode, observe.",
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_everywhere)
    for verb in VERBS:
        app.command()(verb)
    app.add_typer(script_verbs.make_app(), name="script")
    app.add_typer(config_verbs.make_app(), name="config")
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"ocs_ray {ocs_ray.__version__}")
        raise typer.Exit


def _everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from (as OCS_DEBUG=1).")] = False,
) -> None:
    if debug:
        os.environ["OCS_DEBUG"] = "1"
