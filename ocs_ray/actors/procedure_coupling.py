"""How a sequencer's life cycle and its procedure move each other. Source: reference isa88.md section 6.

The life cycle decides which messages are legal, the procedure how the script yields: two regions, and this is all they
know of each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from ocs_ray.actors.procedure_shell import ProcedureShell
from ocs_ray.actors.questions import Questions
from ocs_ray.actors.strand import Running, Strand
from ocs_ray.core import procedure_events as pe
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.mailbox import Letter
from ocs_ray.core.procedure_states import ENDING
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook, State
from ocs_ray.errors import CommandError
from ocs_ray.models.editor_messages import Pause, Resume, StepOnce
from ocs_ray.models.new_id import new_id
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed, Error, Started
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_life import ScriptLife

_BEGINNING: Final = (State.SUBMITTING, State.STARTING)
_ENDED_WELL: Final = (ProcedureState.COMPLETE, ProcedureState.STOPPED)
_C = ProcedureCommand
CANCELLED: Final = "it was cancelled"
"""What is said of a step whose task was cancelled."""
STOPPED: Final = "it was stopped at a checkpoint"
ABORTED: Final = "it was aborted at a checkpoint"
"""What is said of a step that was ended at one."""
EDITOR: Final = "editor"


class ProcedureCoupling:
    """The sequencer as its procedure sees it, and the other way round.

    Args:
        name: of the sequencer's actor.
        core: its life cycle.
        handle: takes an event of the life cycle.
        questions: gives numbers to what is asked of the life cycle here.
        port: the door to other sequencers.
        strand: the script's thread.
        script: the script.
        life: what the parts of the script share.
        settings: how patient to be.
        hook_limit_s: longest the handlers of a moment may take, in seconds.
        reason_of: a failure in words, with its place in the script.
        leave: ends this process, for the reason given.
        catch_up: lets the life cycle hear of all that has ended, before anything else is decided.
    """

    def __init__(
        self,
        name: str,
        core: SequencerCore,
        handle: Callable[[ev.Event], None],
        questions: Questions,
        port: Port,
        strand: Strand,
        script: RunningScript,
        life: ScriptLife,
        settings: ProcedureSettings,
        hook_limit_s: float,
        reason_of: Callable[[BaseException], str | None],
        leave: Callable[[str], None],
        catch_up: Callable[[], None],
    ) -> None:
        self._core, self._handle, self._questions = core, handle, questions
        self._strand, self._script, self._life, self._leave = strand, script, life, leave
        self._hook_limit_s, self._reason_of, self.catch_up = hook_limit_s, reason_of, catch_up
        self._step: Running | None = None
        self._hook: Running | None = None
        self._moment: Running | None = None
        self._begins = False
        self._ends_by: ProcedureCommand | None = None
        self.shell = ProcedureShell(name, port, self, life.procedure, settings)
        self._procedure = self.shell.core

    # -- from the life cycle -------------------------------------------------------------------------------------

    def before(self, event: ev.Event) -> None:
        """The life cycle is about to take an event."""
        if isinstance(event, ev.StepEnded) and event.run_id == self._core.run_id:
            self._step = None
            self.shell.do(self._procedure.step(in_flight=False))
        if isinstance(event, ev.HookEnded):
            hook = self._core.hook_of(event.token)
            self._begins = hook is Hook.NEW_SEQUENCE
            if hook in (Hook.STOP, Hook.ABORT_SEQUENCE) and event.failure is not None:
                self.shell.end_hook_failed(f"{hook} failed: {event.failure}")
            if self._begins and event.failure is None:  # first, so that the first step finds it in EXECUTE
                self.shell.do(self._procedure.run_began())

    @property
    def lets_steps_follow(self) -> bool:
        """Whether one step may follow the other as things stand."""
        return self._procedure.lets_steps_follow

    def step_began(self, step: Running) -> None:
        """A step was handed to the strand."""
        self._step = step
        self.shell.do(self._procedure.step(in_flight=True))

    def hook_began(self, hook: Running) -> None:
        """The new-sequence hook was handed to the strand."""
        self._hook = hook

    def explains(self, failure: BaseException | None) -> bool:
        """Whether a step failed because the run is being ended: the sequencer it waited for was ended with it."""
        is_cancelled = isinstance(failure, CommandError) and failure.outcome == "Cancelled"
        return is_cancelled and self._procedure.state in ENDING

    def after(self, event: ev.Event, came_from: State, was_active: bool) -> None:
        """The life cycle took an event; what followed from it was begun."""
        core = self._core
        if core.is_active and was_active and core.state is came_from and self._step is not None:
            if isinstance(event, ev.EditList):
                self._edited(event)
            return
        if core.state in _BEGINNING and came_from not in _BEGINNING:
            self._ends_by = None
            self.shell.do(self._procedure.run_begins())
        if isinstance(event, ev.HookEnded) and self._begins:
            self._hook_ended(event)
        if isinstance(event, ev.Load) and core.state is State.LOADED and self._procedure.state in _ENDED_WELL:
            self.shell.do(self._procedure.command(_C.RESET, reason="a sequence was loaded"))
        if core.state in (State.ABORTING, State.STOPPING) and came_from is State.RUNNING:
            by = _C.ABORT if core.state is State.ABORTING else _C.STOP
            self.shell.do(self._procedure.command(by, scope=pe.Scope.STEP))
        if core.state is State.SHUTTING_DOWN and came_from is not State.SHUTTING_DOWN:
            self._shuts_down(was_active or came_from in _BEGINNING)
        elif was_active and not core.is_active:
            self._run_ended()
        if isinstance(event, ev.EditList):
            self._edited(event)
        self._look_for_breakpoint()

    def _shuts_down(self, had_run: bool) -> None:
        """Nothing is asked of the script any more: whatever the procedure was at is over."""
        if had_run:
            self.shell.do(self._procedure.command(_C.ABORT, reason="the sequencer shuts down"))
            self.shell.do(self._procedure.run_ended(pe.RunEnd.CANCELLED))

    def _hook_ended(self, event: ev.HookEnded) -> None:
        ends_by, self._ends_by, self._hook = self._ends_by, None, None
        if event.failure is not None:
            self.shell.do(self._procedure.run_ended(pe.RunEnd.FAILED, event.failure))
        elif not self._core.is_active:  # an empty sequence is over at once
            self._run_ended()
        elif ends_by is not None:
            self.end_run(ends_by)
        if ends_by is not None:
            self.gate(closed=False)

    def _run_ended(self) -> None:
        response = self._core.history.query(str(self._core.run_id))
        match response:
            case Completed():
                self.shell.do(self._procedure.run_ended(pe.RunEnd.COMPLETED))
            case Cancelled():
                self.shell.do(self._procedure.run_ended(pe.RunEnd.CANCELLED, self._cause()))
            case _:
                reason = response.message if isinstance(response, Error) else str(response)
                self.shell.do(self._procedure.run_ended(pe.RunEnd.FAILED, reason))

    def _cause(self) -> str:
        """Why a run was cancelled: what is known already, else the failure its end made of the step in flight."""
        failed = self._core.steps.first_failure if self._core.steps is not None else None
        if self._procedure.reason or failed is None or failed.message in (CANCELLED, STOPPED, ABORTED):
            return ""
        return failed.message

    def _edited(self, event: ev.EditList) -> None:
        """ESW's pause holds at the end of the step; its resume, or one step, lets go on."""
        steps = self._core.steps
        if steps is None or not self._core.is_active:
            return
        match event.edit:
            case Pause() if steps.is_paused:
                self.shell.do(self._procedure.command(_C.HOLD, reason="the sequence was paused", scope=pe.Scope.STEP))
            case Resume() | StepOnce():
                self._resumed()
            case _ if not steps.is_paused and self._procedure.script.is_paused(self._procedure.state):
                self._resumed()  # the breakpoint was taken away
            case _:
                return

    def _resumed(self) -> None:
        """Go on after the hold; one that is not reached yet, as the step still runs, is left as soon as it is."""
        self.shell.do(self._procedure.send(Letter(new_id(), _C.RESUME.value, EDITOR, time.time())))

    def _look_for_breakpoint(self) -> None:
        core = self._core
        if self._procedure.state is not ProcedureState.EXECUTE or self._step is not None or core.steps is None:
            return
        if core.is_active and core.state is State.RUNNING and core.steps.is_paused:
            self.shell.do(self._procedure.command(_C.HOLD, reason="a breakpoint was reached", scope=pe.Scope.STEP))

    # -- from the procedure --------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str | None:
        """The run that goes on, or the last one."""
        return self._core.run_id

    def end_run(self, by: ProcedureCommand) -> None:
        """End the run: by stop, abort, or with the steps that are left dropped."""
        if self._core.state in _BEGINNING:
            self._ends_by = by  # the hook is no step: it ends first, and then no step begins
            self.gate(closed=True)
        elif self._core.state is State.RUNNING:
            ask = self._asked()
            if by is _C.COMPLETE:
                self._handle(ev.Complete(ask))
            else:
                self._handle(ev.End(ask, abort=by is _C.ABORT))

    def _asked(self) -> int:
        """The number of a question whose answer nobody waits for."""
        ask = self._questions.new()
        asyncio.get_running_loop().create_task(self._questions.wait(ask))
        return ask

    async def start_loaded(self) -> str:
        """Start the loaded sequence; why not, empty when it was started."""
        ask = self._questions.new()
        self._handle(ev.Start(ask, run_id=new_id()))
        reply: Any = await self._questions.wait(ask)
        return "" if isinstance(reply, Started | Completed) else getattr(reply, "message", "") or str(reply)

    def gate(self, *, closed: bool) -> None:
        """Start no further step, or go on."""
        self._handle(ev.Gate(closed))

    def resume_steps(self) -> None:
        """Take the breakpoint away that ESW's pause set."""
        steps = self._core.steps
        if self._core.state is State.RUNNING and steps is not None and steps.is_paused:
            self._handle(ev.EditList(self._asked(), Resume()))

    def has_moment(self, moment: pe.Moment) -> bool:
        """Whether the script has handlers of a moment now."""
        return self._script.has_moment(moment)

    def run_moment(self, moment: pe.Moment, done: Callable[[str | None], None]) -> None:
        """Run the script's handlers of a moment."""
        if not self._script.has_moment(moment):
            done(None)
            return

        def ended(_: None, failure: BaseException | None) -> None:
            expiry.cancel()
            if failure is not None and not running.is_cancelled:
                self._strand.start(self._script.report(failure), lambda *_: None)
            done(None if failure is None else f"{moment} failed: {self._reason_of(failure)}")

        def given_up() -> None:
            running.cancel()
            done(f"{moment} failed: it took longer than {self._hook_limit_s:g} s")

        running = self._moment = self._strand.start(self._script.run_moment(moment), ended)
        expiry = asyncio.get_running_loop().call_later(self._hook_limit_s, given_up)

    def leave_moment(self) -> None:
        """Cancel the handlers of a moment that was left; those that have ended are not bothered."""
        if self._moment is not None:
            self._moment.cancel()
            self._moment = None

    def on_strand(self, call: Callable[[], None]) -> None:
        """Call a function on the script's own loop."""
        self._strand.call(call)

    def cancel_step(self) -> None:
        """Cancel the task of the step in flight, or of the new-sequence hook, and tell the script so."""
        self._strand.call(self._life.cancel.set)
        for running in (self._step, self._hook):
            if running is not None:
                running.cancel()

    def give_up(self, reason: str) -> None:
        """End this process: the script does not let go."""
        self._leave(reason)
