"""What a sequencer's process holds.

It imports this module and nothing of the other actors: what is imported here is paid by every sequencer of every
configure.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

from ocs_ray.actors.process_mark import mark_processes
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.location.call import RayPort
from ocs_ray.location.packing import packed, unpacked
from ocs_ray.models.component_messages import LoadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.telemetry.structured_log import log_as

LEAVE_S: Final = 0.2
"""How long replies that are under way may take when this process ends itself, in seconds."""
SWITCH_S: Final = 0.0005
"""How often a thread that does not pause gives the interpreter away, in seconds."""


def _leave() -> None:
    """End this process, its threads with it, as soon as the replies that are under way are sent."""
    asyncio.get_running_loop().call_later(LEAVE_S, os._exit, 1)


class SequencerProcess:
    """The process of one sequencer; arguments as of ``sequencer_actor.Sequencer``."""

    def __init__(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        log_as(prefix)
        mark_processes()
        # A script that spins gives the interpreter away this often: queries are answered between (5 ms is the default).
        sys.setswitchinterval(SWITCH_S)
        self._shell = SequencerShell(prefix, obs_mode, sequence_component, RayPort(), _leave)

    async def ask(self, message: object) -> Any:
        """Hand one message to the shell; one that came packed is answered so."""
        if isinstance(message, bytes):
            return packed(await self.ask(unpacked(message)))
        if isinstance(message, LoadScript):
            await self._shell.start(message.script, message.time_factor, message.hook_limit_s, message.procedure)
            return Ok()
        return await self._shell.ask(message)
