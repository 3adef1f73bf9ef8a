"""Names a machine's agent gives to what it starts. Source: esw SequenceComponentRegistration; reference section 0."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ocs_ray.models.prefix import Prefix, Subsystem

TRIES: Final = 10
"""How many names an agent tries when others take them at the same moment; a name that was asked for is tried once."""


def free_name(subsystem: Subsystem, taken: Collection[Prefix]) -> Prefix:
    """The lowest ``SUB.SUB_<n>``, n from 1, nobody has. ESW draws n from 1..99, which can run out.

    Args:
        taken: names of sequence components, of any subsystem.
    """
    number = 1
    while (name := Prefix.of(subsystem, f"{subsystem}_{number}")) in taken:
        number += 1
    return name
