"""What the shell offers when a person presses Tab. Nothing is asked of the cluster, so Ray is not imported.

Whatever goes wrong, a completer offers nothing: a shell has no place for an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ocs_ray.errors import OcsError

if TYPE_CHECKING:
    from ocs_ray.models.identifiers import ObsMode
    from ocs_ray.models.obs_mode import ObsModeConfig


def modes(incomplete: str) -> list[str]:
    """Names of observing modes, from the catalogue of the running cluster or the one that would be used."""
    return [name for name in _modes() if name.startswith(incomplete)]


def sequencers(incomplete: str) -> list[str]:
    """Prefixes of all sequencers of the catalogue."""
    prefixes = {prefix for mode in _modes().values() for prefix in mode.sequencer_prefixes()}
    return [prefix for prefix in sorted(prefixes) if prefix.startswith(incomplete)]


def machines(incomplete: str) -> list[str]:
    """Prefixes of the running cluster's machines."""
    from ocs_ray.cli import cluster_session

    running = cluster_session.this_home().running()
    return [machine for machine in (running.machines if running else ()) if machine.startswith(incomplete)]


def subsystems(incomplete: str) -> list[str]:
    """All subsystems of the observatory."""
    from ocs_ray.models.prefix import Subsystem

    return [subsystem for subsystem in Subsystem if subsystem.startswith(incomplete)]


def _modes() -> Mapping[ObsMode, ObsModeConfig]:
    from ocs_ray.cli import cluster_session, observation_request, server_choice

    try:
        if server_choice.server() is not None:  # a person who presses Tab does not wait for a network
            return {}
        return observation_request.known_modes(cluster_session.this_home())
    except OcsError:
        return {}
