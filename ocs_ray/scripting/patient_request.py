"""Sending a request that changes something until its answer comes, although replies may get lost.

Every repeat carries the same request id, so the sequencer acts once and gives the first answer to each of them.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ocs_ray.errors import LostReplyError
from ocs_ray.models.sequencer_messages import Request
from ocs_ray.scripting.port import Port

FIRST_WAIT_S: Final = 2.0
"""Wait for the first reply before it is taken for lost, in seconds; twice as long every time."""
PAUSE_S: Final = 0.2
"""Wait after a connection that broke, in seconds."""


async def ask_patiently(port: Port, name: str, request: Request, timeout_s: float) -> Any:
    """Send ``request``, again whenever its reply is lost, for ``timeout_s`` seconds in all.

    Raises:
        UnreachableError: the component is gone; it is not asked again.
        LostReplyError: no reply came within ``timeout_s``.
    """
    clock = asyncio.get_running_loop()
    deadline, wait_s = clock.time() + timeout_s, min(FIRST_WAIT_S, timeout_s)
    while True:
        begun = clock.time()
        try:
            return await port.ask(name, request, wait_s)
        except LostReplyError as lost:
            left_s = deadline - clock.time()
            if left_s <= 0:
                reason = f"did not answer within {timeout_s:g} s"
                raise LostReplyError(name=name, reason=reason, remedy=lost.remedy) from None
            if clock.time() - begun < wait_s:  # not silence: the connection broke at once
                await asyncio.sleep(min(PAUSE_S, left_s))
            wait_s = min(2 * wait_s, max(deadline - clock.time(), PAUSE_S))
