"""Whether a mode could be configured now. Source: esw SequenceManagerBehavior.scala, reference 3.5."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ocs_ray.core.component_allocation import allocate_mode
from ocs_ray.core.resource_conflict import Holdings, conflicts
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ObsModeDetails
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix


def details(
    mode: ObsModeConfig, running: Collection[ObsMode], idle: Iterable[Prefix], held: Holdings
) -> ObsModeDetails:
    """One mode, judged alone: two that could be configured may not both fit.

    Missing components are named before a conflict is: a mode that only conflicts misses none.

    Args:
        running: modes that run.
        idle: components the mode could have.
        held: who holds what.
    """
    configured = mode.name in running
    missing = () if configured else allocate_mode(mode.sequencers, idle).missing
    blocked = () if configured else tuple(sorted(set(conflicts(mode.resources, held).values())))
    return ObsModeDetails(
        obs_mode=mode.name,
        status="Configured" if configured else "NonConfigurable" if missing or blocked else "Configurable",
        resources=mode.resources,
        sequencers=tuple(mode.sequencers),
        missing=missing,
        blocked_by=blocked,
    )
