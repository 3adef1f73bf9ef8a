"""How long a procedure waits for its script: what is late is said, and what does not end is ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ocs_ray.actors.procedure_host import Host
from ocs_ray.core.procedure import ProcedureCore
from ocs_ray.core.procedure_states import ENDING, YIELDING
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_settings import ProcedureSettings

LOG: Final = logging.getLogger("ocs.procedure")
IN_NO_HOLD: Final = "the script is in a part that is not to be held (no_hold)"


class Patience:
    """The timers of one procedure.

    Args:
        name: of the sequencer, for messages.
        core: the procedure.
        host: the sequencer.
        settings: how patient to be.
        changed: is told when something is late, or not any more.
    """

    def __init__(
        self,
        name: str,
        core: ProcedureCore,
        host: Host,
        settings: ProcedureSettings,
        changed: Callable[[], None],
    ) -> None:
        self._name, self._core, self._host, self._settings, self._changed = name, core, host, settings, changed
        self._loop = asyncio.get_running_loop()
        self.timers: list[asyncio.TimerHandle] = []
        self._is_pressed = False
        self._guarded: asyncio.TimerHandle | None = None
        self._said_of_guard = ""
        self.late = ""

    def entered(self, state: ProcedureState) -> None:
        """The machine is in a new state: the times of the last one are over."""
        self.late = ""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        self._is_pressed = False
        if state in YIELDING:
            self._after(self._settings.hold_limit_s, self._report_late)

    def mind(self) -> None:
        """Something was decided: a script that is to end its step, or a part not to be held, has so long for it."""
        if self._core.state in ENDING and self._core.script.is_pressed and not self._is_pressed:
            self._is_pressed = True
            self._after(self._settings.stop_grace_s, self._press)
        if (self._core.held_off is None) is not (self._guarded is None):
            self._mind_the_guard()

    def _mind_the_guard(self) -> None:
        if self._guarded is None:
            self._guarded = self._loop.call_later(self._settings.hold_limit_s, self._report_guarded)
            return
        self._guarded.cancel()
        self._guarded = None
        if self.late and self.late == self._said_of_guard:  # it did not follow, and is not to any more
            self.late = ""
            self._changed()

    def say_late(self, text: str) -> None:
        """Something should have happened by now."""
        if text == self.late:
            return
        LOG.warning("%s: %s", self._name, text)
        self.late = text
        self._changed()

    def waits_for(self) -> str:
        """What has to happen before the machine goes on."""
        if self._core.waits_for:
            return f"{', '.join(sorted(self._core.waits_for))} did not follow yet"
        if self._core.held_off is not None:
            return IN_NO_HOLD
        return "the script has not come to a checkpoint" if self._core.run.is_busy else "a handler still runs"

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append(self._loop.call_later(seconds, call))

    def _report_late(self) -> None:
        self.say_late(f"{self._core.state} for {self._settings.hold_limit_s:g} s: {self.waits_for()}")

    def _report_guarded(self) -> None:
        limit_s = self._settings.hold_limit_s
        self._said_of_guard = f"{self._core.held_off} was not followed for {limit_s:g} s: {IN_NO_HOLD}"
        self.say_late(self._said_of_guard)

    def _press(self) -> None:
        """The script has had its time: its step is cancelled, or its new-sequence hook."""
        if not self._core.run.is_busy:
            return
        what = "on_new_sequence" if self._core.run.in_hook else "the step"
        self.say_late(f"{self._core.state} for {self._settings.stop_grace_s:g} s: {what} is cancelled")
        self._host.cancel_step()
        self._after(self._settings.kill_after_s, self._kill)

    def _kill(self) -> None:
        if self._core.run.is_busy:
            total_s = self._settings.stop_grace_s + self._settings.kill_after_s
            self._host.give_up(f"its script did not end within {total_s:g} s of {self._core.state}")

    def close(self) -> None:
        """No time is of interest any more."""
        if self._guarded is not None:
            self._guarded.cancel()
        for timer in self.timers:
            timer.cancel()
