"""What a script may do about its procedure. Source: seed 004; reference isa88.md section 6."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ocs_ray.core.procedure_events import Moment
from ocs_ray.core.procedure_post import TOPIC
from ocs_ray.models.procedure import ProcedureState, state_of
from ocs_ray.scripting.async_functions import must_be_async
from ocs_ray.scripting.handlers import HookHandler
from ocs_ray.scripting.script_scope import ScriptScope


class ProcedureAccess(ScriptScope):
    """Checkpoints, commands and moments of the procedure. A script that uses none is held between its steps."""

    @property
    def procedure_state(self) -> ProcedureState:
        """Where the procedure stands."""
        return self.life.procedure.state

    async def checkpoint(self) -> None:
        """A place where the step may be held or ended: it waits while the procedure is held, and goes on after.

        Raises:
            StopRequested: the procedure is being stopped; ``finally`` blocks run, ``except Exception`` does not see it.
            AbortRequested: it is being aborted.
        """
        await self.life.procedure.checkpoint()

    def check_cancelled(self) -> None:
        """The same for stop and abort only, without waiting; also for code on another thread.

        Raises:
            StopRequested: the procedure is being stopped.
            AbortRequested: it is being aborted.
        """
        self.life.procedure.check_cancelled()

    def sleep_chunked(self, total_ms: float, chunk_ms: float = 250) -> None:
        """Wait ``total_ms`` milliseconds in code that cannot ``await``; held and stopped within ``chunk_ms``."""
        factor = self.life.time_scale.factor
        self.life.procedure.sleep_chunked(total_ms / 1000 * factor, max(chunk_ms, 1) / 1000)

    def no_hold(self) -> AbstractContextManager[None]:
        """A part that must not be held, such as an open shutter: a HOLD that comes meanwhile waits for its end."""
        return self.life.procedure.no_hold()

    async def recv_command(
        self,
        current_state: ProcedureState | str | None = None,
        topic: str = TOPIC,
        timeout_seconds: float = 0,
        max_messages: int = 5,
    ) -> dict[str, Any] | None:
        """The command with the highest priority that is allowed now: STOP, then HOLD, RESUME, RESET.

        Args:
            current_state: filters what is allowed; the procedure's own state when left out.
            topic: of the mailbox; ``cmd`` carries the procedure's commands.
            timeout_seconds: how long to wait for one.
            max_messages: how many are drained at a time; STOP and ABORT are found beyond it.

        Returns:
            ``cmd``, ``message``, ``priority``, ``id``, ``sentAt`` (Unix time in seconds) and ``sender``; None when
            there is no command to follow.
        """
        state = state_of(current_state) if isinstance(current_state, str) else current_state
        return await self.life.procedure.receive(state, topic, timeout_seconds, max_messages)

    # -- moments -------------------------------------------------------------------------------------------------

    def on_hold(self, handler: HookHandler) -> HookHandler:
        """Register what brings things into a state they can be left in; HELD is reached when it ended."""
        return self._moment(Moment.HOLD, handler)

    def on_resume(self, handler: HookHandler) -> HookHandler:
        """Register what runs before a held procedure goes on."""
        return self._moment(Moment.RESUME, handler)

    def on_suspend(self, handler: HookHandler) -> HookHandler:
        """Register what runs when an external cause, such as weather, suspends the procedure."""
        return self._moment(Moment.SUSPEND, handler)

    def on_unsuspend(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the external cause is over, before the procedure goes on."""
        return self._moment(Moment.UNSUSPEND, handler)

    def on_complete(self, handler: HookHandler) -> HookHandler:
        """Register what runs after the last step of a run that was not stopped."""
        return self._moment(Moment.COMPLETE, handler)

    def on_reset(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the procedure is made ready for another run."""
        return self._moment(Moment.RESET, handler)

    def on_clear(self, handler: HookHandler) -> HookHandler:
        """Register what runs when a failed procedure is cleared."""
        return self._moment(Moment.CLEAR, handler)

    def _moment(self, moment: Moment, handler: HookHandler) -> HookHandler:
        self.handlers.moments[moment].append(must_be_async(handler, moment.value))
        return handler
