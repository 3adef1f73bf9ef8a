"""Which packages sequencers run, from what their sequence components say, and which components leave that open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ocs_ray.core.component_states import State
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.prefix import Prefix


class ScriptsInUse(NamedTuple):
    """What is known.

    Args:
        sequencers: digest -> the sequencers that run it.
        unsure: components that may run the script of any package: they did not answer, or are loading one just now.
    """

    sequencers: Mapping[str, tuple[Prefix, ...]]
    unsure: tuple[str, ...] = ()


def scripts_in_use(told: Mapping[str, SequenceComponentStatus | None]) -> ScriptsInUse:
    """Draw the conclusion.

    Args:
        told: each component that is there, with its answer; None when none came, which says nothing about its script.
    """
    sequencers: dict[str, tuple[Prefix, ...]] = {}
    unsure: list[str] = []
    for name, status in told.items():
        if status is None or (status.state == State.LOADING and status.loaded is None):
            unsure.append(name)
        elif status.digest and status.loaded is not None:
            sequencers[status.digest] = (*sequencers.get(status.digest, ()), status.loaded)
    return ScriptsInUse(sequencers, tuple(sorted(unsure)))
