"""Learning of a sequencer's end at once, without asking again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from ocs_ray.errors import UnreachableError
from ocs_ray.models.sequencer_messages import AwaitEnd
from ocs_ray.scripting.port import Port

WATCH_S: Final = 30 * 86_400.0
"""Longest one question stays open, in seconds; then the next one is asked."""
AGAIN_S: Final = 0.1
"""Pause before the next question when one failed, in seconds: the name of a dead actor is known a little longer."""

log = logging.getLogger("ocs.sequence_component")


async def end_of(port: Port, name: str, still_runs: Callable[[], Awaitable[bool]]) -> str | None:
    """Wait until a sequencer ends.

    Args:
        name: of its actor.
        still_runs: is asked when a question failed, which may mean no more than a broken connection.

    Returns:
        Why it is lost; None when somebody shut it down.
    """
    while True:
        try:
            await port.ask(name, AwaitEnd(), WATCH_S)
            return None
        except Exception as failure:
            if not await still_runs():
                return failure.reason if isinstance(failure, UnreachableError) else str(failure)
            log.info("%s is watched again: %s", name, failure)
        await asyncio.sleep(AGAIN_S)
