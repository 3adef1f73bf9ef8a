"""``ocs provision``, ``ocs configure``, ``ocs shutdown``, ``ocs modes``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ocs_ray.cli import cluster_session, status_report, terminal
from ocs_ray.cli.failures import OK
from ocs_ray.cli.refusals import refused, unknown_mode
from ocs_ray.client import SequenceManager
from ocs_ray.config.cluster_config import parse_counts, read_cluster_file, read_provision_file
from ocs_ray.errors import BadInputError, ClusterError
from ocs_ray.models import wire
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix


def provision(words: list[str], as_json: bool) -> int:
    """Start sequence components; those that run are replaced."""
    counts = wanted_counts(words)

    async def work() -> Message:
        return await SequenceManager().provision(counts)

    started = ", ".join(f"{count} on {machine}" for machine, count in counts.items() if count)
    return _operation("provision", work, as_json, f"sequence components started: {started or 'none'}")


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
        remedy = "say what to start: ocs provision ESW.machine1=2 ..."
        raise BadInputError(where=str(cluster_file), problem="it has no 'provision:' section", remedy=remedy)
    return counts


def configure(mode: str, as_json: bool) -> int:
    """Start the sequencers of a mode."""
    obs_mode = ObsMode(mode)

    async def work() -> Message:
        return await SequenceManager().configure(obs_mode)

    return _operation(f"configure {mode}", work, as_json, f"{mode} is configured; send sequences to ESW.{mode}")


def shutdown(mode: str, as_json: bool) -> int:
    """End the sequencers of a mode and release its resources."""
    obs_mode = ObsMode(mode)

    async def work() -> Message:
        manager = SequenceManager()
        known = [details.obs_mode for details in (await manager.obs_modes_details()).obs_modes]
        if obs_mode not in known and obs_mode not in (await manager.status()).running_obs_modes:
            raise unknown_mode(obs_mode, known)
        return await manager.shutdown_obs_mode(obs_mode)

    return _operation(f"shutdown {mode}", work, as_json, f"{mode} is shut down and its resources are free")


def modes(as_json: bool) -> int:
    """The modes of the catalogue, and which could be configured now."""
    seen = cluster_session.ask(lambda: SequenceManager().obs_modes_details())
    if as_json:
        terminal.put_document(status_report.modes_document(seen))
    else:
        terminal.console().print(status_report.modes_table(seen))
    return OK


def _operation(asked: str, work: Callable[[], Coroutine[Any, Any, Message]], as_json: bool, done: str) -> int:
    response = cluster_session.ask(work)
    if as_json:
        terminal.put_document(wire.encode(response))
    if (refusal := refused(response, asked)) is not None:
        raise refusal
    assert isinstance(response, Success), "what is not refused is done"
    if not as_json:
        terminal.say(done)
    return OK
