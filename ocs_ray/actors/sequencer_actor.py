"""The Ray actor of a sequencer.

Whoever looks it up imports this module: Ray wants the class to make a handle. What a sequencer is made of is therefore
imported by its own process only, when it is made.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocs_ray.models.identifiers import ObsMode
    from ocs_ray.models.prefix import Prefix


class Sequencer:
    """``IRIS.IRIS_ImagerOnly-Sequencer``. It answers status before its script is loaded; LoadScript comes once."""

    def __init__(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        gc.disable()  # while modules are made there is nothing to collect, and looking for it takes a tenth of the time
        from ocs_ray.actors.sequencer_process import SequencerProcess

        gc.freeze()  # they stay: a collector that looks through them keeps everybody waiting for 60 ms
        gc.enable()
        self._process = SequencerProcess(prefix, obs_mode, sequence_component)

    async def start(self) -> None:
        """Nothing to do: the script comes with LoadScript."""

    async def ask(self, message: object) -> Any:
        """Hand one message to the shell."""
        return await self._process.ask(message)
