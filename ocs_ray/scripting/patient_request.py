"""Asking until the answer comes, although replies may get lost.

Every repeat of a request that changes something carries the same request id, so the sequencer acts once and gives the
first answer to each of them. A question for the end of a run changes nothing, and is asked again as it is.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ocs_ray.errors import LostReplyError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.sequencer_messages import QueryFinal, Request
from ocs_ray.scripting.port import Port

FIRST_WAIT_S: Final = 2.0
"""Wait for the first reply before it is taken for lost, in seconds; twice as long every time."""
LONGEST_WAIT_S: Final = 60.0
"""Longest wait for one reply, in seconds."""
PAUSE_S: Final = 0.2
"""Wait after a connection that broke, in seconds."""
SPARE_S: Final = 5.0
"""How much longer than the end of a run its response may take, in seconds."""
AT_ONCE_S: Final = 0.001
"""The shortest time limit a component is given, in seconds: 0 says that it has to know already."""


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
            wait_s = min(2 * wait_s, LONGEST_WAIT_S, max(deadline - clock.time(), PAUSE_S))


async def ask_for_end(port: Port, name: str, run_id: str, timeout_s: float) -> Any:
    """The final response of a run, asked for again whenever it is lost, for ``timeout_s`` seconds in all.

    Raises:
        UnreachableError: no final response within ``timeout_s``, or the component is gone.
        LostReplyError: no reply came within ``timeout_s``.
    """
    clock = asyncio.get_running_loop()
    deadline, left_s = clock.time() + timeout_s, max(timeout_s, AT_ONCE_S)
    while True:
        try:
            return await port.ask(name, QueryFinal(run_id=Id(run_id), timeout_s=left_s), left_s + SPARE_S)
        except LostReplyError:
            if deadline - clock.time() <= PAUSE_S:
                raise
            await asyncio.sleep(PAUSE_S)
            left_s = max(deadline - clock.time(), AT_ONCE_S)
