"""The sequencers of one observation, followed by long polls: one outstanding question each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress

from ocs_ray.cli.interrupts import cancelled
from ocs_ray.client import Sequencer
from ocs_ray.errors import OcsError
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import SequencerSnapshot

Take = Callable[[Prefix, SequencerSnapshot], None]


@asynccontextmanager
async def following(prefixes: Iterable[Prefix], take: Take) -> AsyncIterator[None]:
    """Every newer snapshot of these sequencers goes to ``take`` while the block runs."""
    tasks = [asyncio.create_task(_follow(prefix, take)) for prefix in prefixes]
    try:
        yield
    finally:
        await cancelled(*tasks)


async def _follow(prefix: Prefix, take: Take) -> None:
    """A sequencer that is gone is followed no more; whoever waits for the sequence hears of it anyway."""
    with suppress(OcsError):
        async with aclosing(Sequencer.at(prefix).follow()) as snapshots:
            async for snapshot in snapshots:
                take(prefix, snapshot)
