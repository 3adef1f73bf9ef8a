"""The verbs of the Sequence Manager and of agents with their arguments; the work is imported when a verb runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocs_ray.cli import completion
from ocs_ray.cli.arguments import MODE_HELP, AsJson, Machine, Mode, Sequencer


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


def unprovision(as_json: AsJson = False) -> int:
    """End all sequence components and the sequencers in them; all resources are free afterwards."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.unprovision(as_json)


def configure(mode: Mode, as_json: AsJson = False) -> int:
    """Start the sequencers of an observing mode and hold its resources."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.configure(mode, as_json)


def start_sequencer(sequencer: Sequencer, as_json: AsJson = False) -> int:
    """Start one sequencer on an idle sequence component of its subsystem, else of ESW."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.start_sequencer(sequencer, as_json)


def restart_sequencer(sequencer: Sequencer, as_json: AsJson = False) -> int:
    """Load a sequencer's script anew, as its file is now."""
    from ocs_ray.cli import manager_verbs

    return manager_verbs.restart_sequencer(sequencer, as_json)


def shutdown(
    mode: Annotated[str | None, typer.Argument(metavar="MODE", help=MODE_HELP, autocompletion=completion.modes)] = None,
    sequencer: Annotated[
        str | None,
        typer.Option("--sequencer", metavar="PREFIX", help="One.", autocompletion=completion.sequencers),
    ] = None,
    subsystem: Annotated[
        str | None,
        typer.Option("--subsystem", metavar="SUB", help="Its sequencers.", autocompletion=completion.subsystems),
    ] = None,
    all_sequencers: Annotated[bool, typer.Option("--all-sequencers", help="The components stay.")] = False,
    component: Annotated[
        str | None, typer.Option("--component", metavar="PREFIX", help="A sequence component and what runs in it.")
    ] = None,
    all_components: Annotated[bool, typer.Option("--all-components", help="As ocs unprovision.")] = False,
    as_json: AsJson = False,
) -> int:
    """End a mode's sequencers and release its resources; or one sequencer, a subsystem's, all; or components."""
    from ocs_ray.cli import manager_verbs

    what = manager_verbs.Shutdown(mode, sequencer, subsystem, component, all_sequencers, all_components)
    return manager_verbs.shutdown(what, as_json)


def modes(as_json: AsJson = False) -> int:
    """List the observing modes, and which could be configured now."""
    from ocs_ray.cli import reading_verbs

    return reading_verbs.modes(as_json)


def resources(as_json: AsJson = False) -> int:
    """List the resources of the observing modes, and which mode holds them."""
    from ocs_ray.cli import reading_verbs

    return reading_verbs.resources(as_json)


def plan(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODE ...", help="Default: all of the catalogue.", autocompletion=completion.modes),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Tell which observing modes can run together, and what each still lacks."""
    from ocs_ray.cli import reading_verbs

    return reading_verbs.plan(wanted or [], as_json)


def agents(as_json: AsJson = False) -> int:
    """List the agents, the sequence components on each, and the sequencer in each."""
    from ocs_ray.cli import reading_verbs

    return reading_verbs.agents(as_json)


def kill(
    component: Annotated[
        str, typer.Argument(metavar="COMPONENT-TYPE", help="For example IRIS.IRIS_1-SequenceComponent.")
    ],
    as_json: AsJson = False,
) -> int:
    """End a component for certain, whatever it does; its agent does it."""
    from ocs_ray.cli import agent_verbs

    return agent_verbs.kill(component, as_json)


def make_spawn_app() -> typer.Typer:
    """``ocs spawn component`` and ``ocs spawn containers``."""
    app = typer.Typer(name="spawn", help="Start components on a machine.", no_args_is_help=True)
    app.command(name="component")(_spawn_component)
    app.command(name="containers")(_spawn_containers)
    return app


def _spawn_component(
    machine: Machine,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="IRIS_5 for IRIS.IRIS_5; default: a free one.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Start one sequence component on a machine, beside those that run."""
    from ocs_ray.cli import agent_verbs

    return agent_verbs.spawn_component(machine, name, as_json)


def _spawn_containers(
    machine: Machine,
    host_config: Annotated[Path, typer.Argument(metavar="HOST.yaml", help="The containers and their devices.")],
    as_json: AsJson = False,
) -> int:
    """Start the devices of a host config on a machine."""
    from ocs_ray.cli import agent_verbs

    return agent_verbs.spawn_containers(machine, host_config, as_json)


VERBS = (
    provision,
    unprovision,
    configure,
    start_sequencer,
    restart_sequencer,
    shutdown,
    modes,
    resources,
    plan,
    agents,
    kill,
)
