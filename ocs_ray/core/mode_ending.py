"""What a shutdown reaches, and which modes may be released then.

A sequencer counts from the moment its component begins to load it, not only when it is registered: fetching its package
may take a minute, and a mode released meanwhile would share its resources with the next one. ESW's manager need not
know this, there is only one of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ocs_ray.core.mode_watch import in_transit, sequencers_of
from ocs_ray.core.resource_conflict import running_modes
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix


def within_reach(registered: Iterable[Prefix], reports: Iterable[SequenceComponentStatus | None]) -> tuple[Prefix, ...]:
    """The sequencers a shutdown chooses from: those that are there and those that are being started, by name.

    Args:
        registered: sequencers that are registered.
        reports: what the components say; None for one that does not answer.
    """
    return tuple(sorted({*registered, *in_transit(reports)}))


def releasable(
    modes: Iterable[ObsMode], registered: Iterable[Prefix], starting: Collection[Prefix]
) -> tuple[ObsMode, ...]:
    """Those of these modes that are over: they have no ESW sequencer, and none of theirs is being started.

    Args:
        registered: sequencers that are registered.
        starting: sequencers that are being started.
    """
    running = running_modes(registered)
    return tuple(mode for mode in modes if mode not in running and not sequencers_of(mode, starting))


def homes_of(reports: Mapping[Prefix, SequenceComponentStatus | None]) -> dict[Prefix, Prefix]:
    """Sequencer -> the component it is in; where two name the same, the one it runs in: the other will be refused."""
    told = [(home, status) for home, status in reports.items() if status is not None]
    by_right = sorted(told, key=lambda each: each[1].state == "Running")
    return {status.loaded: home for home, status in by_right if status.loaded is not None}
