"""What the Sequence Manager changes: ``ocs provision``, ``configure``, ``shutdown``, ``start-sequencer`` and so on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from ocs_ray.cli import cluster_session, server_choice
from ocs_ray.cli.operation import carry_out
from ocs_ray.cli.refusals import unknown_mode
from ocs_ray.client import SequenceManager
from ocs_ray.config.cluster_config import parse_counts, read_cluster_file, read_provision_file
from ocs_ray.errors import BadInputError, ClusterError
from ocs_ray.models.identifiers import ObsMode, Variation
from ocs_ray.models.manager_replies import AlreadyRunning, ObsModesDetails, Success
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem, known_subsystem

SAY_WHAT: Final = "say what to start: ocs provision ESW.machine1=2 ..."


def provision(words: list[str], as_json: bool) -> int:
    """Start sequence components; those that run are replaced."""
    counts = wanted_counts(words)
    started = ", ".join(f"{count} on {machine}" for machine, count in counts.items() if count)
    return carry_out(
        "provision",
        lambda: SequenceManager().provision(counts),
        as_json,
        doing=f"starting sequence components: {sum(counts.values())}",
        done=lambda _: f"sequence components started: {started or 'none'}",
    )


def wanted_counts(words: list[str]) -> dict[Prefix, int]:
    """What ``ocs provision`` was told: a file, ``PREFIX=COUNT`` words, or nothing, which means the cluster file.

    Raises:
        BadInputError: neither of these, or the cluster file has no ``provision:``.
        ClusterError: no cluster is up whose file could be meant.
    """
    if len(words) == 1 and "=" not in words[0]:
        return read_provision_file(Path(words[0]))
    if words:
        return parse_counts(words)
    if server_choice.server() is not None:
        raise BadInputError("", "what to start is not known here", SAY_WHAT)
    home = cluster_session.this_home()
    running = home.running()
    if running is None:
        raise ClusterError(problem=f"no cluster is up for {home.project}", remedy="start it with: ocs up")
    return default_counts(Path(running.cluster_file))


def default_counts(cluster_file: Path) -> dict[Prefix, int]:
    """The ``provision:`` section of a cluster file.

    Raises:
        BadInputError: it has none.
    """
    counts = read_cluster_file(cluster_file).provision
    if not counts:
        raise BadInputError(where=str(cluster_file), problem="it has no 'provision:' section", remedy=SAY_WHAT)
    return counts


def unprovision(as_json: bool) -> int:
    """End all sequence components."""
    return carry_out(
        "unprovision",
        lambda: SequenceManager().shutdown_all_sequence_components(),
        as_json,
        doing="ending all sequence components",
        done=lambda _: "all sequence components are gone and all resources are free",
    )


def configure(mode: str, as_json: bool) -> int:
    """Start the sequencers of a mode."""
    obs_mode = ObsMode(mode)
    return carry_out(
        f"configure {mode}",
        lambda: SequenceManager().configure(obs_mode),
        as_json,
        doing=f"configuring {mode}",
        done=lambda _: f"{mode} is configured; send sequences to ESW.{mode}",
    )


class SequencerName(NamedTuple):
    """A sequencer the way ESW's calls name it."""

    subsystem: Subsystem
    obs_mode: ObsMode
    variation: Variation | None

    @classmethod
    def parse(cls, text: str) -> SequencerName:
        """From ``IRIS.IRIS_ImagerOnly`` or ``IRIS.IRIS_ImagerAndIFS.imager``.

        Raises:
            BadInputError: it is neither.
        """
        prefix = Prefix(text)
        _, dot, variation = prefix.component_name.partition(".")
        return cls(prefix.subsystem, ObsMode.from_prefix(prefix), Variation(variation) if dot else None)


def start_sequencer(sequencer: str, as_json: bool) -> int:
    """Start one sequencer."""
    name = SequencerName.parse(sequencer)

    def done(response: Message) -> str:
        return f"{sequencer} {'runs already' if isinstance(response, AlreadyRunning) else 'runs'}"

    return carry_out(
        f"start-sequencer {sequencer}",
        lambda: SequenceManager().start_sequencer(*name),
        as_json,
        doing=f"starting {sequencer}",
        done=done,
    )


def restart_sequencer(sequencer: str, as_json: bool) -> int:
    """Load a sequencer's script anew, and say which."""
    name = SequencerName.parse(sequencer)

    def done(response: Message) -> str:
        restarted = response if isinstance(response, Success) else Success()
        with_it = f", with {restarted.script}" if restarted.script else ""
        return f"{sequencer} runs anew{with_it}{f' as before: {restarted.remark}' if restarted.remark else ''}"

    return carry_out(
        f"restart-sequencer {sequencer}",
        lambda: SequenceManager().restart_sequencer(*name),
        as_json,
        doing=f"restarting {sequencer}",
        done=done,
    )


class Shutdown(NamedTuple):
    """What ``ocs shutdown`` was told: exactly one of them."""

    mode: str | None = None
    sequencer: str | None = None
    subsystem: str | None = None
    component: str | None = None
    all_sequencers: bool = False
    all_components: bool = False


def shutdown(what: Shutdown, as_json: bool) -> int:
    """End sequencers or sequence components.

    Raises:
        BadInputError: not exactly one thing was named, or there is no such mode.
    """
    if sum(map(bool, what)) != 1:
        raise BadInputError(
            where="",
            problem="say what to shut down, one thing at a time",
            remedy="a MODE, or one of the options of: ocs shutdown --help",
        )
    named, work, done = _shutdown(what)
    return carry_out(f"shutdown {named}", work, as_json, doing=f"shutting down {named}", done=lambda _: done)


def _shutdown(what: Shutdown) -> tuple[str, Callable[[], Awaitable[Message]], str]:
    """What it is called, the question, and what is told afterwards."""
    manager = SequenceManager()
    if what.sequencer is not None:
        name = SequencerName.parse(what.sequencer)
        return what.sequencer, lambda: manager.shutdown_sequencer(*name), f"{what.sequencer} does not run any more"
    if what.subsystem is not None:
        subsystem = known_subsystem(what.subsystem, what.subsystem)
        named = f"all sequencers of {subsystem}"
        return named, lambda: manager.shutdown_subsystem_sequencers(subsystem), f"{named} are shut down"
    if what.component is not None:
        prefix = Prefix(what.component)
        return prefix, lambda: manager.shutdown_sequence_component(prefix), f"{prefix} is gone, and what ran in it"
    if what.all_sequencers:
        told = "all sequencers are shut down and all resources are free"
        return "all sequencers", manager.shutdown_all_sequencers, told
    if what.all_components:
        told = "all sequence components are gone and all resources are free"
        return "all sequence components", manager.shutdown_all_sequence_components, told
    mode = ObsMode(what.mode or "")
    return mode, lambda: _shutdown_mode(manager, mode), f"{mode} is shut down and its resources are free"


async def _shutdown_mode(manager: SequenceManager, mode: ObsMode) -> Message:
    """A mode nobody has ever heard of is a slip of the pen; to the manager it is simply one that does not run."""
    details = await manager.obs_modes_details()
    if not isinstance(details, ObsModesDetails):  # its catalogue is at fault; what runs can be ended all the same
        return await manager.shutdown_obs_mode(mode)
    known = [each.obs_mode for each in details.obs_modes]
    if mode not in known and mode not in await _modes_with_sequencers(manager):
        raise unknown_mode(mode, known)
    return await manager.shutdown_obs_mode(mode)


async def _modes_with_sequencers(manager: SequenceManager) -> set[ObsMode]:
    """Modes that run, and those of which something is left."""
    status = await manager.status()
    components = [component for agent in status.agents for component in agent.sequence_components]
    loaded = [component.loaded for component in (*components, *status.without_agent) if component.loaded]
    return {*status.running_obs_modes, *map(ObsMode.from_prefix, loaded)}
