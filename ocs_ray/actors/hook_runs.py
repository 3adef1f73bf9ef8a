"""The hooks of a sequencer's script: run on its strand, given up when they take too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ocs_ray.actors.strand import Running, Strand
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook, State
from ocs_ray.scripting.exit_calls import FAILURES
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_context import ScriptContext

SHUTDOWN_HOOK_S: Final = 5.0
"""Longest a shutdown hook may take, in seconds, whatever else is allowed: somebody waits for the end."""
LOOK_S: Final = 0.2
"""How often a shutdown looks whether the script blocks its strand, in seconds: then its hook could never run."""


class HookRuns:
    """Runs them; the outcome goes back to the life cycle as another event.

    Args:
        core: the life cycle.
        handle: takes an event of it.
        strand: the script's thread.
        ctx: the script's context.
        script: the script.
        limit_s: longest a hook may take, in seconds.
        reason_of: a failure in words, with its place in the script.
    """

    def __init__(
        self,
        core: SequencerCore,
        handle: Callable[[ev.Event], None],
        strand: Strand,
        ctx: ScriptContext,
        script: RunningScript,
        limit_s: float,
        reason_of: Callable[[BaseException | None], str | None],
    ) -> None:
        self._core, self._handle, self._reason_of = core, handle, reason_of
        self._strand, self._ctx, self._script, self._limit_s = strand, ctx, script, limit_s

    def run(self, effect: ev.RunHook) -> Running | None:
        """Run a hook; None when the script has none for this moment of every sequence."""
        loop = asyncio.get_running_loop()
        if effect.hook is Hook.NEW_SEQUENCE:
            self._strand.call_with_next(self._ctx.clear_cancel)  # the hook, or the first step, follows
            if not self._script.has_hook(effect.hook):  # every sequence comes this way: spare it the way to the strand
                loop.call_soon(self._handle, ev.HookEnded(effect.token, None))
                return None
        limit_s = min(self._limit_s, SHUTDOWN_HOOK_S) if effect.hook is Hook.SHUTDOWN else self._limit_s

        def ended(_: None, failure: BaseException | None) -> None:
            expiry.cancel()
            self._handle(ev.HookEnded(effect.token, self._reason_of(failure)))
            if effect.hook is not Hook.SHUTDOWN:
                self.report(failure)

        def given_up(reason: str) -> None:
            running.cancel()
            self._handle(ev.HookEnded(effect.token, reason))

        def look_whether_it_can_run() -> None:
            if self._core.state is State.SHUTTING_DOWN:
                if self._strand.blocked_s:
                    given_up("the script blocks its strand")
                loop.call_later(LOOK_S, look_whether_it_can_run)

        running = self._strand.start(self._script.run_hook(effect.hook, *effect.args), ended)
        expiry = loop.call_later(limit_s, lambda: given_up(f"it took longer than {limit_s:g} s"))
        if effect.hook is Hook.SHUTDOWN:
            look_whether_it_can_run()
        return running

    def report(self, failure: BaseException | None) -> None:
        """Tell the script's own error handlers of a failure."""
        if isinstance(failure, FAILURES) and self._core.state is not State.KILLED:
            self._strand.start(self._script.report(failure), lambda *_: None)
