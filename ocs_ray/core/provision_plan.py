"""Names for provisioned sequence components. Source: esw AgentAllocator, reference section 4."""

from __future__ import annotations

from collections.abc import Mapping

from ocs_ray.models.prefix import Prefix, Subsystem


def plan(counts: Mapping[Prefix, int]) -> list[tuple[Prefix, Prefix]]:
    """(machine, component) pairs: ``SUB.SUB_1 ..`` numbered through the machines of a subsystem, in the given order."""
    used: dict[Subsystem, int] = {}
    pairs: list[tuple[Prefix, Prefix]] = []
    for machine, count in counts.items():
        subsystem = machine.subsystem
        for _ in range(count):
            number = used[subsystem] = used.get(subsystem, 0) + 1
            pairs.append((machine, Prefix(f"{subsystem}.{subsystem}_{number}")))
    return pairs
