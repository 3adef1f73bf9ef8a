"""Which observing modes run, and who holds what. Source: esw SequenceManagerBehavior.scala, reference 3.1 and 3.2.

A mode runs when its ESW sequencer does; a resource is taken whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ocs_ray.errors import BadInputError, ClusterError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix, Subsystem

RESOURCE: Final = "resource:"
"""What stands before a resource's name where the cluster lists it: ``resource:IRIS``."""
Holdings = Mapping[ObsMode, Iterable[Subsystem]]
"""Mode -> the resources it holds."""


def mode_of(sequencer: Prefix) -> ObsMode | None:
    """The mode a sequencer belongs to, its name up to the first dot; None when that is no name of a mode.

    Anybody may register a sequencer, so an odd name must not keep the manager from working.
    """
    try:
        return ObsMode.from_prefix(sequencer)
    except BadInputError:
        return None


def running_modes(sequencers: Iterable[Prefix]) -> tuple[ObsMode, ...]:
    """The modes that run, sorted: those with an ESW sequencer."""
    found = (mode_of(prefix) for prefix in sequencers if prefix.subsystem is Subsystem.ESW)
    return tuple(sorted({mode for mode in found if mode is not None}))


def holdings(held: Holdings, running: Iterable[ObsMode], catalogue: Holdings) -> dict[ObsMode, tuple[Subsystem, ...]]:
    """Who holds what.

    Args:
        held: what modes reserved, which may differ from what the catalogue says by now.
        running: modes that run; one without a reservation holds what the catalogue says, an unlisted one nothing.
        catalogue: mode -> what it takes.
    """
    unreserved = {mode: tuple(catalogue.get(mode, ())) for mode in running}
    return {**unreserved, **{mode: tuple(resources) for mode, resources in held.items()}}


def conflicts(needed: Iterable[Subsystem], held: Holdings) -> dict[Subsystem, ObsMode]:
    """What is needed and held already: resource -> the mode that holds it, sorted by resource."""
    holder = {resource: mode for mode in sorted(held) for resource in held[mode]}
    return {resource: holder[resource] for resource in sorted(set(needed)) if resource in holder}


def check_offered(mode: ObsMode, needed: Iterable[Subsystem], offered: Collection[Subsystem]) -> None:
    """Whether the cluster has what a mode needs at all, held or not.

    Raises:
        ClusterError: no node offers one of the resources.
    """
    if absent := [f"{RESOURCE}{resource}" for resource in needed if resource not in offered]:
        raise ClusterError(
            problem=f"no node of the cluster offers {', '.join(absent)}, which {mode} needs",
            remedy=f"start a node with it: ray start --resources='{{\"{absent[0]}\": 1}}'",
        )
