"""Which cluster file, catalogue of observing modes and configuration a command means when it is not told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ocs_ray
from ocs_ray.errors import BadInputError
from ocs_ray.models.cluster_file import ClusterFile

PACKAGE = Path(ocs_ray.__file__).parent


def cluster_file(given: Path | None, project: Path) -> Path:
    """The cluster file: ``given``, else ``OCS_CLUSTER_FILE``, the project's, the source tree's, the wheel's.

    Raises:
        BadInputError: there is none.
    """
    return _find(
        given,
        os.environ.get("OCS_CLUSTER_FILE"),
        [folder / "cluster" / "local.yaml" for folder in _homes(project)],
        Path.is_file,
        BadInputError(where="", problem="there is no cluster file", remedy="give one with --cluster FILE"),
    )


def simulation_file(given: Path | None, project: Path) -> Path:
    """The cluster file of a simulation: ``given``, else the project's, the source tree's, the wheel's.

    Raises:
        BadInputError: there is none.
    """
    nowhere = BadInputError(where="", problem="there is no cluster/simulation.yaml", remedy="give --cluster FILE")
    places = [folder / "cluster" / "simulation.yaml" for folder in _homes(project)]
    return _find(given, None, places, Path.is_file, nowhere)


def simulation_catalogue(given: Path | None, project: Path) -> Path:
    """The catalogue of a simulation: ``given``, else the project's ``cluster/simulation_modes.yaml`` and so on.

    Raises:
        BadInputError: there is none.
    """
    nowhere = BadInputError(
        where="", problem="there is no cluster/simulation_modes.yaml", remedy="give --obsmodes CATALOGUE"
    )
    places = [folder / "cluster" / "simulation_modes.yaml" for folder in _homes(project)]
    return _find(given, None, places, Path.is_file, nowhere)


def catalogue(given: Path | None, project: Path) -> Path:
    """The catalogue: ``given``, else ``OCS_OBSMODES``, the project's, the source tree's, the wheel's.

    Raises:
        BadInputError: there is none.
    """
    return _find(
        given,
        os.environ.get("OCS_OBSMODES"),
        [folder / "obsmodes" for folder in _homes(project)],
        Path.is_dir,
        BadInputError(
            where="", problem="there is no catalogue of observing modes", remedy="give one with --obsmodes CATALOGUE"
        ),
    )


def config_folder(cluster: ClusterFile, cluster_file: Path, project: Path) -> Path | None:
    """The folder the config service serves: the cluster file's ``config:``, below the project; else its ``config/``.

    Returns:
        None when neither is there: then there is no config service.

    Raises:
        BadInputError: the cluster file names a folder that is not there.
    """
    if cluster.config is None:
        usual = project / "config"
        return usual if usual.is_dir() else None
    if not (folder := project / cluster.config).is_dir():
        where, problem = f"{cluster_file}: $.config", f"{folder} is not a folder"
        raise BadInputError(where=where, problem=problem, remedy="make it, or name another one")
    return folder


def _homes(project: Path) -> tuple[Path, ...]:
    """Where they lie: a project, the source tree this package was started from, a wheel."""
    return project, PACKAGE.parent, PACKAGE / "bundled"


def _find(
    given: Path | None, named: str | None, places: list[Path], exists: Callable[[Path], bool], nowhere: BadInputError
) -> Path:
    """What a person named is taken as it is, so that the error of reading it can name it."""
    if given is not None:
        return given
    if named:
        return Path(named)
    found = next((place for place in places if exists(place)), None)
    if found is None:
        raise nowhere
    return found
