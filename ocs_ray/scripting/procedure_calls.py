"""Commands to the procedure of another sequencer. Source: seed 004; reference isa88.md section 6."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, Final

from ocs_ray.core.procedure_post import TOPIC
from ocs_ray.models.procedure import ProcedureCommand
from ocs_ray.models.procedure_messages import (
    CommandResult,
    GetProcedure,
    ProcedureChange,
    ProcedureStatus,
    SendCommand,
    WatchProcedure,
)
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.sequence_editing import SequenceEditing

AT_ONCE: Final = timedelta()
WATCH_S: Final = 10.0


class ProcedureCalls(SequenceEditing):
    """Hold, resume, stop and the rest: what a running script, or who supervises it, is told.

    Every call says what became of the command; with ``wait`` it comes back when the state the command leads to is
    reached (``reached``), or when the time is over, with the reason.
    """

    async def send_command(
        self,
        command: ProcedureCommand | Any,
        topic: str = TOPIC,
        *,
        wait: timedelta = AT_ONCE,
        sender: str = "",
        request_id: str | None = None,
    ) -> CommandResult:
        """Send a command, or for another topic than ``cmd`` whatever the script understands.

        Args:
            wait: how long to wait until it has been carried out.
            sender: who sends it, for the record.
            request_id: of an earlier call whose answer was lost: it takes effect once.
        """
        message = SendCommand(message=command, topic=topic, sender=sender, wait_s=wait.total_seconds())
        if request_id is not None:
            message = message.model_copy(update={"request_id": request_id})
        return await self._ask(message, wait.total_seconds() + ASK_S)

    async def hold(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """Hold at the next checkpoint of the step, or at its end; sequencers it waits for are held too."""
        return await self.send_command(ProcedureCommand.HOLD, wait=wait)

    async def unhold(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """Go on after a hold; ``resume`` does the same in ESW's words."""
        return await self.send_command(ProcedureCommand.RESUME, wait=wait)

    async def suspend(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """Hold for an external cause, such as weather."""
        return await self.send_command(ProcedureCommand.SUSPEND, wait=wait)

    async def unsuspend(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """Go on when the external cause is over."""
        return await self.send_command(ProcedureCommand.UNSUSPEND, wait=wait)

    async def stop_procedure(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """End the run at the next checkpoint of its step; a script that does not follow is cancelled, then ended."""
        return await self.send_command(ProcedureCommand.STOP, wait=wait)

    async def abort_procedure(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """The same with the abort hook, for a run that must end now."""
        return await self.send_command(ProcedureCommand.ABORT, wait=wait)

    async def complete_procedure(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """End the run well after its present step: the steps that are left are dropped."""
        return await self.send_command(ProcedureCommand.COMPLETE, wait=wait)

    async def reset_procedure(self, *, wait: timedelta = AT_ONCE) -> CommandResult:
        """Make ready for another run after a stop, an error or an end; the editor's ``reset`` is another thing."""
        return await self.send_command(ProcedureCommand.RESET, wait=wait)

    async def procedure_state(self) -> ProcedureStatus:
        """Where the procedure stands, and how it came there: the last 500 changes."""
        return await self._ask(GetProcedure())

    async def watch_procedure(self, after: int = 0, timeout_s: float = WATCH_S) -> ProcedureStatus:
        """What changed since change number ``after``, as soon as something did; what there is after ``timeout_s``."""
        return await self._ask(WatchProcedure(after=after, timeout_s=timeout_s), timeout_s + ASK_S)

    async def follow_procedure(self) -> AsyncGenerator[ProcedureChange, None]:
        """Every change from now on, the last one before it first; ends with the caller's interest or the sequencer."""
        seen = await self.procedure_state()
        for change in seen.changes[-1:]:
            yield change
        while True:
            seen = await self.watch_procedure(seen.number)
            for change in seen.changes:
                yield change
