"""Which observing modes run, and who holds what. Source: esw SequenceManagerBehavior.scala, reference 3.1 and 3.2.

A mode runs when its ESW sequencer does; a resource is taken whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix, Subsystem

Catalogue = Mapping[ObsMode, Iterable[Subsystem]]
"""Mode -> the resources it takes."""


def running_modes(sequencers: Iterable[Prefix]) -> tuple[ObsMode, ...]:
    """The modes that run, sorted: those with an ESW sequencer. The mode is the name up to the first dot."""
    return tuple(sorted({ObsMode.from_prefix(p) for p in sequencers if p.subsystem is Subsystem.ESW}))


def conflicts(mode: ObsMode, catalogue: Catalogue, running: Iterable[ObsMode]) -> dict[Subsystem, ObsMode]:
    """What ``mode`` needs and a running mode holds: resource -> that mode. A running mode conflicts with itself.

    Modes that run but are not in the catalogue hold nothing that is known, so they are left out.
    """
    needed = set(catalogue[mode])
    return {
        resource: other
        for other in running
        if other in catalogue
        for resource in sorted(catalogue[other])
        if resource in needed
    }
