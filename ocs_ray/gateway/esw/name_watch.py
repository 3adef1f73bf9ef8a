"""One look at the table of names for all who follow a location or wait for one, in a thread of its own.

Ray tells nobody who comes and goes, and a look at its table blocks: a thousand who wait must not cost a thousand looks,
nor hold up the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ocs_ray.gateway.broadcasts import Broadcast, Broadcasts
from ocs_ray.scripting.locations import LOOK_S
from ocs_ray.scripting.port import Port


class NameWatch:
    """Looks while anybody wants to know.

    Args:
        port: the door to the observatory.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._broadcasts = Broadcasts[None, list[str]](self._look)

    async def follow(self) -> AsyncGenerator[list[str], None]:
        """The names of all components, now and whenever they changed.

        Raises:
            ClusterError: the cluster does not tell them.
        """
        async with aclosing(self._broadcasts.follow(None)) as looks:
            async for names in looks:
                assert names is not None  # it was not asked for
                yield names

    async def _look(self, _: None, broadcast: Broadcast[list[str]]) -> None:
        while True:
            broadcast.publish(await asyncio.to_thread(self._port.names))
            await asyncio.sleep(LOOK_S)
