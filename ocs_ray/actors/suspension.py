"""External causes suspend a running script, and their end lets it go on. Source: PackML Suspend; isa88.md section 5."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Final

from ocs_ray.actors.procedure_shell import ProcedureShell
from ocs_ray.core.suspend_rule import described, is_cause
from ocs_ray.errors import OcsError
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import SendCommand
from ocs_ray.models.procedure_settings import SuspendRule
from ocs_ray.scripting.events import Events

LOG: Final = logging.getLogger("ocs.procedure")
AGAIN_S: Final = 1.0
"""Pause before the event service is asked again when it does not answer, in seconds."""
SENDER: Final = "suspend_when"
_S = ProcedureState


class Suspension:
    """Follows the events of the rules, and suspends while any of them is a cause.

    Args:
        rules: what is a cause.
        events: the event service.
        procedure: what is suspended.
    """

    def __init__(self, rules: tuple[SuspendRule, ...], events: Events, procedure: ProcedureShell) -> None:
        self._rules, self._events, self._procedure = rules, events, procedure
        self._present: set[SuspendRule] = set()
        self._suspends = False
        self._changed = asyncio.Event()
        self._tasks = [asyncio.create_task(self._follow(rule)) for rule in rules]
        self._tasks += [asyncio.create_task(self._act())] if rules else []

    async def _follow(self, rule: SuspendRule) -> None:
        while True:
            try:
                async with aclosing(self._events.subscribe(rule.event_key)) as stream:
                    async for event in stream:
                        self._judge(rule, is_cause(rule, event))
            except OcsError as failure:
                LOG.warning("%s cannot be followed: %s", described(rule), failure)
            await asyncio.sleep(AGAIN_S)

    def _judge(self, rule: SuspendRule, cause: bool | None) -> None:
        if cause is None or cause is (rule in self._present):
            return
        (self._present.add if cause else self._present.discard)(rule)
        self._procedure.causes = tuple(sorted(described(one) for one in self._present))
        self._changed.set()

    async def _act(self) -> None:
        """Bring the procedure where the causes want it, at every change of either."""
        seen = 0
        while True:
            state = self._procedure.core.state
            if state not in (_S.SUSPENDING, _S.SUSPENDED):
                self._suspends = False  # it was left in another way: what comes next is not ours
            if self._present and state is _S.EXECUTE:
                self._suspends = True
                await self._send(ProcedureCommand.SUSPEND)
            elif not self._present and self._suspends and state is _S.SUSPENDED:
                self._suspends = False
                await self._send(ProcedureCommand.UNSUSPEND)
            self._changed.clear()
            watched = asyncio.create_task(self._procedure.watch(seen, 60.0))
            changed = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait({watched, changed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                watched.cancel()
                changed.cancel()
            seen = self._procedure.status().number

    async def _send(self, command: ProcedureCommand) -> None:
        causes = "; ".join(self._procedure.causes)
        result = await self._procedure.send(SendCommand(message=command.value, sender=SENDER))
        LOG.warning("%s (%s): %s", command, causes or "no cause is left", result.disposition)

    def close(self) -> None:
        """Follow nothing any more."""
        for task in self._tasks:
            task.cancel()
