"""Every resource and who holds it. Source: esw SequenceManagerBehavior.scala, reference 3.6."""

from __future__ import annotations

from ocs_ray.core.resource_conflict import Holdings
from ocs_ray.models.manager_replies import ResourceStatus


def resources_status(catalogue: Holdings, held: Holdings) -> tuple[ResourceStatus, ...]:
    """Every resource once, sorted; one that is held and that no mode of the catalogue takes any more is among them.

    Args:
        catalogue: mode -> what it takes.
        held: mode -> what it holds.
    """
    holder = {resource: mode for mode in sorted(held) for resource in held[mode]}
    known = {resource for resources in catalogue.values() for resource in resources} | set(holder)
    return tuple(
        ResourceStatus(resource=resource, status="InUse", obs_mode=holder[resource])
        if resource in holder
        else ResourceStatus(resource=resource, status="Available")
        for resource in sorted(known)
    )
