"""The verbs of a cluster and of an observation with their arguments; the work of a verb is imported when it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import ocs_ray
from ocs_ray.cli import (
    config_verbs,
    instance_verbs,
    obsmodes_verbs,
    operating_verbs,
    package_verbs,
    script_verbs,
    sequencer_verbs,
    server_choice,
    token_verbs,
)
from ocs_ray.cli.arguments import SCALE, AsJson, KeepUp, ModeOption, TimeFactor


def up(
    cluster: Annotated[
        Path | None, typer.Option("--cluster", metavar="FILE", help="Cluster file; default: cluster/local.yaml.")
    ] = None,
    obsmodes: Annotated[
        Path | None,
        typer.Option("-o", "--obsmodes", metavar="CATALOGUE", help="Observing modes: a folder, a YAML file, a .conf."),
    ] = None,
    time_factor: TimeFactor = None,
    simulation: Annotated[
        bool,
        typer.Option("--simulation", help="Agents of ESW, TCS, IRIS; scripts that complete every command at once."),
    ] = False,
    gateway_port: Annotated[
        int | None,
        typer.Option(
            "--gateway-port",
            metavar="N",
            min=0,
            max=65535,
            help="Port of HTTP, 0 for any; default: 8090 or the next free.",
        ),
    ] = None,
    gateway: Annotated[bool, typer.Option("--gateway/--no-gateway", help="Serve HTTP and WebSockets.")] = True,
    as_json: AsJson = False,
) -> int:
    """Start the cluster: agents for all machines, the services, the Sequence Manager, simulated devices."""
    from ocs_ray.cli import cluster_verbs
    from ocs_ray.cli.gateway_choice import GatewayChoice

    choice = GatewayChoice(wanted=gateway, port=gateway_port)
    return cluster_verbs.up(cluster, obsmodes, time_factor, simulation, choice, as_json)


def down() -> int:
    """End the cluster of this project, and nothing else."""
    from ocs_ray.cli import cluster_verbs

    return cluster_verbs.down()


def status(as_json: AsJson = False) -> int:
    """Show machines, sequence components, sequencers, devices and running observing modes."""
    from ocs_ray.cli import cluster_verbs

    return cluster_verbs.status(as_json)


def observe(
    sequence: Annotated[Path, typer.Argument(metavar="SEQUENCE.json", help="The commands to run, as CSW's JSON.")],
    mode: ModeOption,
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
    mode: ModeOption = "IRIS_ImagerAndIFS",
    time_factor: Annotated[float, SCALE] = 0.05,
    keep_up: KeepUp = False,
    as_json: AsJson = False,
) -> int:
    """Observe the bundled example of an observing mode."""
    from ocs_ray.cli import observe as observation

    return observation.demo(mode, time_factor, keep_up, as_json)


VERBS = (up, down, status, *operating_verbs.VERBS, observe, demo)


def make_app() -> typer.Typer:
    """The command line."""
    app = typer.Typer(
        name="ocs",
        help="Run an observatory: provision machines, configure an observing mode, observe.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_everywhere)
    for verb in VERBS:
        app.command()(verb)
    app.add_typer(operating_verbs.make_spawn_app(), name="spawn")
    app.add_typer(sequencer_verbs.make_app(), name="sequencer")
    app.add_typer(obsmodes_verbs.make_app(), name="obsmodes")
    app.add_typer(script_verbs.make_app(), name="script")
    app.add_typer(config_verbs.make_app(), name="config")
    app.add_typer(package_verbs.make_app(), name="seq")
    app.add_typer(instance_verbs.make_app(), name="inst")
    app.add_typer(token_verbs.make_app(), name="token")
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
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", envvar="OCS_SERVER", help="Work through this gateway, without Ray."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            envvar="OCS_TOKEN_FILE",
            help="File with the token for --server; OCS_TOKEN holds the token itself.",
        ),
    ] = None,
) -> None:
    server_choice.choose(server, token_file)
    if debug:
        os.environ["OCS_DEBUG"] = "1"
