"""Which idle sequence component serves which sequencer. Source: esw SequenceComponentAllocator, reference 3.3."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ocs_ray.core.resource_conflict import mode_of
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.prefix import Prefix, Subsystem


class Allocation(NamedTuple):
    """Sequencer -> component, in the order of allocation, and the sequencers there is none for."""

    placed: dict[VariationInfo, Prefix]
    missing: tuple[VariationInfo, ...]


def allocate(sequencers: Iterable[VariationInfo], idle: Iterable[Prefix]) -> Allocation:
    """Give every sequencer a component of its own subsystem, else one of ESW's.

    ESW sequencers choose first, then the others in their order. That is enough to place as many as possible: a
    component of another subsystem serves only itself, those of ESW serve all.

    Args:
        sequencers: what the mode needs, in the order of its file.
        idle: components without a script, of any subsystem.
    """
    free = sorted(idle)
    wanted = sorted(sequencers, key=lambda info: info.subsystem is not Subsystem.ESW)
    placed: dict[VariationInfo, Prefix] = {}
    missing: list[VariationInfo] = []
    for info in wanted:
        own = (p for p in free if p.subsystem is info.subsystem)
        esw = (p for p in free if p.subsystem is Subsystem.ESW)
        chosen = next(own, None) or next(esw, None)
        if chosen is None:
            missing.append(info)
        else:
            free.remove(chosen)
            placed[info] = chosen
    return Allocation(placed, tuple(missing))


def allocate_mode(sequencers: Collection[VariationInfo], idle: Iterable[Prefix]) -> Allocation:
    """As ``allocate``, for a whole mode: only subsystems the mode itself names lend their components.

    So ESW's stand in for others only when the mode has an ESW sequencer; a single sequencer may always have one.
    """
    own = {info.subsystem for info in sequencers}
    return allocate(sequencers, (component for component in idle if component.subsystem in own))


def at_hand(modes: Collection[ObsMode], idle: Iterable[Prefix], loaded: Mapping[Prefix, Prefix]) -> list[Prefix]:
    """Components these modes can have: idle ones, and those that are once what is left of the modes was ended.

    Args:
        modes: modes that do not run.
        idle: components without a script.
        loaded: component -> the sequencer in it.
    """
    return [*idle, *(component for component, sequencer in loaded.items() if mode_of(sequencer) in modes)]


def missing_text(missing: Iterable[VariationInfo]) -> str:
    """ESW's words for sequencers there is no component for."""
    return f"No sequence components found for sequencers : {','.join(missing)}"
