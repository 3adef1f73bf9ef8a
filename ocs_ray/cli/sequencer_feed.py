"""The sequencers of one observation, followed by long polls: one outstanding question each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress

from ocs_ray.cli.interrupts import cancelled
from ocs_ray.client import Sequencer
from ocs_ray.errors import OcsError
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure_messages import ProcedureStatus
from ocs_ray.models.sequencer_messages import SequencerSnapshot

Take = Callable[[Prefix, SequencerSnapshot], None]
TakeProcedure = Callable[[Prefix, ProcedureStatus], None]


@asynccontextmanager
async def following(prefixes: Iterable[Prefix], take: Take, take_procedure: TakeProcedure) -> AsyncIterator[None]:
    """Every newer snapshot of these sequencers, and of their procedures, is handed on while the block runs."""
    known = tuple(prefixes)
    tasks = [asyncio.create_task(_follow(prefix, take)) for prefix in known]
    tasks += [asyncio.create_task(_follow_procedure(prefix, take_procedure)) for prefix in known]
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


async def _follow_procedure(prefix: Prefix, take: TakeProcedure) -> None:
    """Where its procedure stands now, without what was before, and then every change."""
    with suppress(OcsError):
        sequencer = Sequencer.at(prefix)
        seen = await sequencer.procedure_state()
        take(prefix, seen.model_copy(update={"changes": ()}))
        while True:
            news = await sequencer.watch_procedure(seen.number)
            if news.number != seen.number:
                take(prefix, news)
            seen = news
