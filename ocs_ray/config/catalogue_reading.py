"""What came of reading a catalogue: the modes that are sound, and every fault of the others."""

from __future__ import annotations

from typing import NamedTuple

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.obs_mode import ObsModeConfig


class Fault(NamedTuple):
    """Something wrong in a catalogue.

    Args:
        mode: name of the mode as the file has it; None when it is about the file as a whole.
    """

    mode: str | None
    error: BadInputError


class Reading(NamedTuple):
    """A catalogue, as far as it can be used."""

    modes: dict[ObsMode, ObsModeConfig]
    faults: tuple[Fault, ...]
