"""What a person asked to be observed: sequence, mode, sequencer. All of it is checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocs_ray.cli import cluster_session, default_files, server_choice
from ocs_ray.cli.refusals import expected, unknown_mode
from ocs_ray.client import SequenceManager
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.config.yaml_file import read_text
from ocs_ray.errors import BadInputError
from ocs_ray.location.cluster_home import ClusterHome
from ocs_ray.models import wire
from ocs_ray.models.commands import Sequence
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ObsModesDetails
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix


@dataclass(frozen=True)
class Request:
    """One observation.

    Args:
        target: the sequencer the sequence goes to.
        time_factor: 1.0 is real time; None leaves the simulation as it is.
        keep_up: leave the cluster up also when it was brought up for this observation.
        as_json: end with a JSON document in place of the table.
    """

    sequence: Sequence
    mode: ObsModeConfig
    target: Prefix
    time_factor: float | None
    keep_up: bool
    as_json: bool


def read_sequence(file: Path) -> Sequence:
    """The sequence of a JSON file.

    Raises:
        BadInputError: unreadable, no JSON, no sequence, or one without commands; names the file and the place in it.
    """
    sequence = wire.decode_text(Sequence, read_text(file, "sequence file"), where=str(file))
    if not sequence:
        raise BadInputError(where=str(file), problem="the sequence has no commands", remedy="add at least one")
    return sequence


def known_modes(home: ClusterHome) -> Mapping[ObsMode, ObsModeConfig]:
    """The modes of the running cluster's catalogue; where none is up, of the one that would be used.

    Raises:
        BadInputError: the catalogue is missing or faulty.
        ClusterError: the gateway that was chosen does not answer.
    """
    if server_choice.server() is not None:
        return _modes_there(home)
    running = home.running()
    return read_catalogue(Path(running.catalogue) if running else default_files.catalogue(None, home.project))


def _modes_there(home: ClusterHome) -> Mapping[ObsMode, ObsModeConfig]:
    """The modes of the observatory behind the gateway; scripts are its own affair, examples those of this machine."""
    answer = cluster_session.ask(lambda: SequenceManager().obs_modes_details())
    seen = expected(ObsModesDetails, answer, "modes")
    try:
        examples = {
            name: mode.example for name, mode in read_catalogue(default_files.catalogue(None, home.project)).items()
        }
    except BadInputError:
        examples = {}
    return {
        mode.obs_mode: ObsModeConfig(
            name=mode.obs_mode,
            resources=mode.resources,
            sequencers=dict.fromkeys(mode.sequencers),
            root="",
            example=examples.get(mode.obs_mode),
        )
        for mode in seen.obs_modes
    }


def find_mode(name: str, modes: Mapping[ObsMode, ObsModeConfig]) -> ObsModeConfig:
    """The mode of this name.

    Raises:
        BadInputError: there is none; the text lists those there are.
    """
    found = next((mode for known, mode in modes.items() if known == name), None)
    if found is None:
        raise unknown_mode(name, modes)
    return found


def find_target(to: str | None, mode: ObsModeConfig) -> Prefix:
    """The sequencer ``--to`` means; without it, the top level one.

    Args:
        to: ``IRIS`` or ``IRIS.variation`` of the mode, or a full prefix.

    Raises:
        BadInputError: the mode has no such sequencer.
    """
    if to is None:
        return mode.top_level
    names = {info.lower(): info.sequencer_prefix(mode.name) for info in mode.sequencers}
    names |= {prefix.lower(): prefix for prefix in mode.sequencer_prefixes()}
    if (found := names.get(to.lower())) is None:
        raise BadInputError(
            where=f"--to {to}",
            problem=f"{mode.name} has no such sequencer",
            remedy=f"it has: {', '.join(mode.sequencers)}",
        )
    return found


def example_of(mode: ObsModeConfig) -> Path:
    """The mode's bundled example sequence.

    Raises:
        BadInputError: it has none.
    """
    if mode.example is None:
        raise BadInputError(
            where="", problem=f"{mode.name} has no example", remedy=f"ocs observe SEQUENCE.json --mode {mode.name}"
        )
    return Path(mode.example)
