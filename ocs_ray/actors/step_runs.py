"""The steps of a sequencer's run, on its strand: several of them without asking after each.

To hand every step from one thread to the other wakes both of them for it, and on a machine whose processors have other
work in between each finds its caches cold. So the strand is told which steps begin if all goes well; what it did is
told when somebody is to know it, and before anything else is decided. See docs/decisions/0023.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from ocs_ray.actors.procedure_coupling import ProcedureCoupling
from ocs_ray.actors.strand import Running, Strand
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.scripting.running_script import RunningScript, StepOutcome

FEWEST: Final = 64
MOST: Final = 256
"""So many steps may begin without the sequencer's deciding on each: few at first, as something may come between; twice
as many whenever nothing did."""
LOOK_S: Final = 0.01
"""Who waits for what ends hears of it so often, in seconds; of a step that took longer at once."""


class _Ended(NamedTuple):
    """A step that ended well at ``at``, Unix time in seconds, and the one the strand went on with."""

    step: ev.RunStep
    outcome: StepOutcome
    at: float
    following: tuple[ev.RunStep, Running]


class StepRuns:
    """Runs them; the outcomes go back to the life cycle as events.

    Args:
        core: the life cycle.
        handle: takes an event of it, and when that happened: None for now.
        strand: the script's thread.
        script: the script.
        coupling: the procedure.
        reason_of: a failure in words, with its place in the script.
        report: takes a failure for the script's own handlers.
    """

    def __init__(
        self,
        core: SequencerCore,
        handle: Callable[[ev.Event, float | None], None],
        strand: Strand,
        script: RunningScript,
        coupling: ProcedureCoupling,
        reason_of: Callable[[BaseException | None], str | None],
        report: Callable[[BaseException | None], None],
    ) -> None:
        self._core, self._handle, self._reason_of, self._report = core, handle, reason_of, report
        self._strand, self._script, self._coupling = strand, script, coupling
        self._home = asyncio.get_running_loop()
        self._lock = threading.Lock()  # whoever looks sees a step either in flight or ended and the next one in flight
        self._most = FEWEST
        self._free: deque[ev.RunStep] = deque()
        self._ended: deque[_Ended] = deque()
        self._is_granted = False
        self._look_is_due = False
        self._wakes = False
        self._following: tuple[ev.RunStep, Running] | None = None
        self._is_telling = False

    # -- at home -------------------------------------------------------------------------------------------------

    def run(self, effect: ev.RunStep) -> None:
        """Run a step, and after it those that follow as long as nothing else happens."""
        following, self._following = self._following, None
        if following is not None:
            begun, running = following
            assert begun.step_id == effect.step_id, f"{begun.step_id} was begun, not {effect.step_id}"
        else:
            if self._coupling.lets_steps_follow and (ahead := self._core.ahead(self._most)):
                self._free.extend(ahead)
                self._is_granted = True
                self._most = min(2 * self._most, MOST)
            running = self._strand.start_there(self._script.run_step(effect.command), partial(self._step_ended, effect))
        self._coupling.step_began(running)

    def catch_up(self) -> None:
        """Something is about to be decided: no further step begins by itself, and what has ended is told."""
        if self._is_granted:  # whether some are left is the strand's business, which may be about to take the last one
            self._is_granted = False
            with self._lock:
                if self._free:
                    self._most = FEWEST
                self._free.clear()
        self.tell()

    def tell(self) -> bool:
        """Tell the life cycle what has ended; whether there was anything."""
        if not self._ended or self._is_telling:
            return False
        self._is_telling = True
        try:
            while self._ended:
                step, outcome, at, self._following = self._ended.popleft()
                self._handle(_event_of(step, outcome), at)
        finally:
            self._is_telling = False
        return True

    def watch(self) -> None:
        """Somebody waits for what ends. As long as nobody does, the sequencer is not woken for it."""
        if not (self._look_is_due or self._wakes):
            self._look_is_due = True
            self._home.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._look_is_due = False
        if self.tell():  # who waited was told, and has to wait again to be told more
            return
        with self._lock:
            self._wakes = not self._ended
        if not self._wakes:  # it ended in this moment
            self.tell()

    def _last_ended(self, step: ev.RunStep, outcome: StepOutcome, failure: BaseException | None) -> None:
        """The step after which the life cycle decides."""
        is_expected = self._coupling.explains(failure)
        self._handle(_event_of(step, outcome, self._reason_of(failure)), None)
        if not is_expected:
            self._report(failure)

    # -- on the strand -------------------------------------------------------------------------------------------

    def _step_ended(self, step: ev.RunStep, outcome: StepOutcome | None, failure: BaseException | None) -> None:
        outcome = outcome or StepOutcome(None, 1, None)
        failure = failure or outcome.failure
        if failure is not None or not self._goes_on(step, outcome):
            self._strand.tell_home(self._last_ended, step, outcome, failure)

    def _goes_on(self, step: ev.RunStep, outcome: StepOutcome) -> bool:
        """Begin the next step, if that is decided already."""
        with self._lock:
            if not self._free:
                return False
            following, running = self._free.popleft(), self._strand.next_running()
            self._ended.append(_Ended(step, outcome, time.time(), (following, running)))
            wakes, self._wakes = self._wakes, False
        self._strand.go_on_with(self._script.run_step(following.command), partial(self._step_ended, following), running)
        if wakes:
            self._strand.tell_home(self.tell)
        return True


def _event_of(step: ev.RunStep, outcome: StepOutcome, reason: str | None = None) -> ev.StepEnded:
    return ev.StepEnded(step.run_id, step.step_id, reason, max(outcome.attempts, 1), outcome.result)
