"""One look at a sequencer for all who follow it.

ESW's stream is lossy, as ours is: a buffer of 16, the oldest dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from ocs_ray.gateway.broadcasts import Broadcast, Broadcasts
from ocs_ray.gateway.esw.sequencer import state_response
from ocs_ray.models import wire
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.sequencer_service import Sequencer

MOST_BYTES_PER_S: Final = 50e6
"""What all followers of one sequencer together are sent, about: above it some states are left out, never the last."""


class StateHub:
    """Follows sequencers, each once, for as long as anybody wants to know.

    Args:
        port: the door to the observatory.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._broadcasts = Broadcasts[Prefix, str](self._look)

    async def follow(self, prefix: Prefix) -> AsyncGenerator[str, None]:
        """The sequencer's state as JSON, now and whenever it changed; ends when the sequencer shuts down.

        Raises:
            OcsError: the sequencer is not there, or died.
        """
        async with aclosing(self._broadcasts.follow(prefix)) as frames:
            async for frame in frames:
                assert frame is not None  # it was not asked for
                yield frame

    async def _look(self, prefix: Prefix, broadcast: Broadcast[str]) -> None:
        async for seen in Sequencer.at(prefix, port=self._port).follow():
            frame = wire.encode_text(state_response(seen))
            broadcast.publish(frame)
            await asyncio.sleep(broadcast.followers * len(frame) / MOST_BYTES_PER_S)
