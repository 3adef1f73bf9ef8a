"""Cluster files and provision files."""

from __future__ import annotations

from pathlib import Path

from pydantic import NonNegativeInt, RootModel

from ocs_ray.config.yaml_file import read_mapping, validated
from ocs_ray.errors import BadInputError
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.prefix import Prefix


class _Counts(RootModel[dict[Prefix, NonNegativeInt]]):
    pass


def read_cluster_file(path: Path) -> ClusterFile:
    """The machines of a cluster file.

    Raises:
        BadInputError: names the file, the line and the fault.
    """
    data, node = read_mapping(path, "cluster file")
    return validated(ClusterFile, data, node, path)


def read_provision_file(path: Path) -> dict[Prefix, int]:
    """Machine -> number of sequence components, from a YAML mapping.

    Raises:
        BadInputError: names the file, the line and the fault.
    """
    data, node = read_mapping(path, "provision file")
    return validated(_Counts, data, node, path).root


def parse_counts(words: list[str]) -> dict[Prefix, int]:
    """Machine -> number of sequence components, from ``ESW.machine1=2`` words.

    Raises:
        BadInputError: a word is not ``PREFIX=COUNT``, or a machine comes twice.
    """
    counts: dict[Prefix, int] = {}
    for word in words:
        name, _, count = word.partition("=")
        try:
            prefix = Prefix(name)
        except BadInputError as failure:
            raise BadInputError(where=word, problem=failure.problem, remedy="write ESW.machine1=2") from None
        if not count.isdigit():
            raise BadInputError(where=word, problem="the count is not a whole number", remedy="write ESW.machine1=2")
        if prefix in counts:
            raise BadInputError(where=word, problem=f"{prefix} is given twice", remedy="give each machine once")
        counts[prefix] = int(count)
    return counts
