"""What a sequence component must still know when its own process died."""

from __future__ import annotations

from ocs_ray.models.component_messages import LoadScript, LostSequencer
from ocs_ray.models.message import Message


class ComponentNote(Message):
    """What runs in a component, or what died in it.

    Args:
        loaded: how its sequencer was loaded, None when there is none.
        lost: the sequencer that died in it, until another script is loaded.
    """

    loaded: LoadScript | None = None
    lost: LostSequencer | None = None
