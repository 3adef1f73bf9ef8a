"""Whether one more instance may start. Source: seed 003, "as many instances as you like within the limits"."""

from __future__ import annotations

from typing import NamedTuple

from ocs_ray.models.package_manifest import InstanceLimits


class Population(NamedTuple):
    """How many instances are alive: placed or not, but not ended."""

    platform: int
    package: int


class PlatformLimits(NamedTuple):
    """What the platform grants.

    Args:
        instances: how many may be alive on the whole platform; None is no limit but the machines' room.
        per_package: how many of one package; its manifest may ask for fewer, not for more.
    """

    instances: int | None = None
    per_package: int | None = None


class LimitReached(NamedTuple):
    """No; the text says which limit, and what has to happen first."""

    limit: int
    text: str


def admit(alive: Population, platform: PlatformLimits, label: str, manifest: InstanceLimits) -> LimitReached | None:
    """None when one more may start.

    Args:
        label: ``name@version``, for the text.
        manifest: the limits the package's author set.
    """
    if platform.instances is not None and alive.platform >= platform.instances:
        text = f"{alive.platform} instances are alive and the platform allows {platform.instances}"
        return LimitReached(platform.instances, f"{text}; one has to end first")
    for limit, owner in ((manifest.instances, "its package.json"), (platform.per_package, "the platform")):
        if limit is not None and alive.package >= limit:
            text = f"{alive.package} instances of {label} are alive and {owner} allows {limit}"
            return LimitReached(limit, f"{text}; one has to end first")
    return None
