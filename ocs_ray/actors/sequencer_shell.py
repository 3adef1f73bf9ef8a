"""A sequencer: a thin shell around ``core.sequencer``, with its script on a strand."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ocs_ray import errors
from ocs_ray.actors.child_runs import ChildRuns
from ocs_ray.actors.hook_runs import HookRuns
from ocs_ray.actors.journal import Journal
from ocs_ray.actors.procedure_coupling import ABORTED, CANCELLED, STOPPED, ProcedureCoupling
from ocs_ray.actors.procedure_shell import ProcedureShell
from ocs_ray.actors.questions import Questions
from ocs_ray.actors.run_ends import RunEnds
from ocs_ray.actors.sequence_door import SequenceDoor
from ocs_ray.actors.sequencer_requests import event_of
from ocs_ray.actors.sequencer_watchers import SequencerWatchers
from ocs_ray.actors.step_runs import StepRuns
from ocs_ray.actors.strand import Strand
from ocs_ray.actors.suspension import Suspension
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook, State, external
from ocs_ray.errors import OcsError, UnreachableError
from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_messages import GetProcedure, SendCommand, WatchProcedure
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Started
from ocs_ray.models.sequencer_messages import (
    AwaitEnd,
    GetMetrics,
    GetRuns,
    GetSequence,
    GetSequenceComponent,
    GetSequencerState,
    GetStatus,
    Query,
    QueryFinal,
    Request,
    SequencerStatus,
    SetTimeFactor,
    SubmitSequence,
    Watch,
)
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure import AbortRequested, StopRequested
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_loading import load_script, script_error, start_script
from ocs_ray.scripting.time_scale import TimeScale

LOG: Final = logging.getLogger("ocs.sequencer")
HOOK_S: Final = 60.0
SIMULATED: Final = Path(errors.__file__).parent / "simulation" / "simulated_script.py"
"""What runs when no script is given. The file is loaded like any other script; nothing here imports it."""


class SequencerShell:
    """One sequencer.

    Args:
        prefix: its prefix.
        obs_mode: its observing mode.
        sequence_component: the component it was loaded in.
        port: the door to other components.
        leave: ends this process, when the script does not let go.
    """

    def __init__(
        self,
        prefix: Prefix,
        obs_mode: ObsMode,
        sequence_component: Prefix,
        port: Port,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._prefix, self._obs_mode, self._component = prefix, obs_mode, sequence_component
        self._port = ChildRuns(port)
        self._leave, self._gave_up = leave, ""
        # Its changes are numbered from now on, so that nobody takes them for those of a sequencer that was here before.
        self._first_version = time.time_ns() // 1_000_000
        self._core = SequencerCore(self._first_version)
        self._journal = Journal(self._first_version)
        self._questions = Questions()
        self._ends = RunEnds(self._prefix, self._questions, self._handle)
        self._time_scale = TimeScale()
        self._hook_limit_s = HOOK_S
        self._watchers = SequencerWatchers(self._core)
        self._ended = asyncio.Event()
        self._source = ScriptSource(file="", root="")
        self._loaded: tuple[Strand, ScriptContext, RunningScript] | None = None
        self._hooks: HookRuns | None = None
        self._steps: StepRuns | None = None
        self._coupling: ProcedureCoupling | None = None
        self._suspension: Suspension | None = None

    async def start(
        self,
        script: ScriptSource | None,
        time_factor: float,
        hook_limit_s: float = HOOK_S,
        settings: ProcedureSettings | None = None,
    ) -> None:
        """Load the script on its strand; the sequencer is idle afterwards.

        Args:
            script: None for the simulated one.
            hook_limit_s: longest a hook may take, in seconds.
            settings: of the procedure.

        Raises:
            ScriptError: names file, line and fault; nothing is left running.
        """
        self._source = script or ScriptSource(file=str(SIMULATED), root=str(SIMULATED.parent))
        self._time_scale.factor, self._hook_limit_s = time_factor, hook_limit_s
        strand = Strand(self._prefix, self._port)
        operator = SequenceDoor(self._peek_nested, self._take_nested, asyncio.get_running_loop())
        ctx = ScriptContext(self._prefix, self._obs_mode, strand.port, self._time_scale, operator)
        strand.tell_failures(ctx.life.report)
        try:
            self._loaded = strand, ctx, await strand.run(self._load(ctx))
        except BaseException:  # a cancellation too: whoever asked for it does not wait for the script any more
            strand.close()
            raise
        self._coupled(strand, ctx, self._loaded[2], settings or ProcedureSettings())

    def _coupled(self, strand: Strand, ctx: ScriptContext, script: RunningScript, settings: ProcedureSettings) -> None:
        """Give the script its hooks and its procedure."""
        name = f"{self._prefix}-Sequencer"
        self._hooks = HookRuns(self._core, self._handle, strand, ctx, script, self._hook_limit_s, self._reason)
        self._coupling = ProcedureCoupling(
            name,
            self._core,
            self._handle,
            self._questions,
            self._port,
            strand,
            script,
            ctx.life,
            settings,
            self._hook_limit_s,
            self._reason,
            self._give_up,
            self._catch_up,
        )
        report = self._hooks.report
        self._steps = StepRuns(self._core, self._handle, strand, script, self._coupling, self._reason, report)
        self._port.parent = self._coupling.shell
        self._suspension = Suspension(settings.suspend_when, Events(self._prefix, self._port), self._coupling.shell)

    def _give_up(self, reason: str) -> None:
        """Whoever waits is answered; then this process ends, and its component reports the sequencer as lost."""
        LOG.error("%s gives up: %s", self._prefix, reason)
        self._gave_up = reason
        self._handle(ev.Shut(self._questions.request("give up")[0]))
        self._ended.set()
        self._leave()

    async def _load(self, ctx: ScriptContext) -> RunningScript:
        loaded = load_script(self._source.file, self._source.root, self._prefix)
        return await start_script(loaded, ctx, self._source.file)

    # -- messages ------------------------------------------------------------------------------------------------

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.sequencer_messages`` and ``models.editor_messages``."""
        if self._gave_up and not isinstance(message, AwaitEnd):
            raise self._unreachable(self._gave_up, "start it again: ocs restart-sequencer")
        self._tell_ended()
        match message:
            case GetProcedure():
                return self._procedure.status()
            case WatchProcedure(after=after, timeout_s=timeout_s):
                return await self._procedure.watch(after, timeout_s)
            case Request():
                return await self._request(message)
            case QueryFinal(run_id=run_id, timeout_s=timeout_s):
                return await self._ends.of(run_id, timeout_s)
            case Watch(after=after, timeout_s=timeout_s):
                if self._steps is not None:
                    self._steps.watch()
                return await self._watchers.watch(after, timeout_s)
            case GetStatus():
                return self._status()
            case GetSequencerState():
                return external(self._core.state)
            case GetSequence():
                return self._core.steps.view() if self._core.steps is not None else None
            case Query(run_id=run_id):
                return self._core.history.query(run_id)
            case GetRuns(run_id=run_id):
                digest = self._source.digest  # of all its runs: a sequencer loads one script in its life
                return tuple(run.model_copy(update={"digest": digest}) for run in self._core.history.view(run_id))
            case GetSequenceComponent():
                return self._component
            case AwaitEnd():
                return await self._await_end()
            case GetMetrics():
                from ocs_ray.telemetry.sequencer_metrics import metrics_text  # not when it starts: seldom asked for

                return metrics_text(self._status(), self._core.tally)
            case SetTimeFactor(factor=factor):
                self._time_scale.factor = factor
                return Ok()
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    async def _request(self, message: Request) -> Any:
        """A repeat of a request, after a reply that was lost, waits for the first one's answer."""
        if self._loaded is None:
            raise self._unreachable("has not loaded its script yet", "wait for configure")
        _, _, script = self._loaded
        ask, is_new = self._questions.request(f"{type(message).__name__} {message.request_id}")
        if is_new:
            if isinstance(message, SendCommand):
                self._procedure.take(message, lambda reply: self._questions.answer(ask, reply))
            else:
                self._handle(event_of(message, ask, script))
        reply = await self._questions.reply(ask)
        if isinstance(message, SubmitSequence) and isinstance(reply, Started):
            return await self._ends.soon(reply, message.final_within_s)
        return reply

    def _unreachable(self, reason: str, remedy: str) -> UnreachableError:
        return UnreachableError(name=f"{self._prefix}-Sequencer", reason=reason, remedy=remedy)

    @property
    def _procedure(self) -> ProcedureShell:
        if self._coupling is None:
            raise self._unreachable("has not loaded its script yet", "wait for configure")
        return self._coupling.shell

    async def _await_end(self) -> Ok:
        await self._ended.wait()
        if self._gave_up:
            raise self._unreachable(self._gave_up, "start it again: ocs restart-sequencer")
        return Ok()

    async def _peek_nested(self) -> tuple[str, SequenceCommand] | None:
        self._catch_up()
        step = self._core.peeked
        return None if step is None else (step.id, step.command)

    async def _take_nested(self, step_id: str) -> bool:
        ask = self._questions.new()
        self._handle(ev.TakeNested(ask, step_id))
        return await self._questions.wait(ask)

    # -- effects -------------------------------------------------------------------------------------------------

    def _handle(self, event: ev.Event, at: float | None = None) -> None:
        """Take an event of the life cycle, which happens now unless another time is given, in Unix seconds."""
        if at is None:
            if isinstance(event, ev.QUESTIONS):
                self._tell_ended()
            else:
                self._catch_up()
            at = time.time()
        self._journal.append((event, at))
        came_from, was_active, was_offline = self._core.state, self._core.is_active, self._core.state is State.OFFLINE
        if self._coupling is not None:
            self._coupling.before(event)
        for effect in self._core.handle(event, at):
            match effect:
                case ev.RunStep():
                    assert self._steps is not None, "start() comes first"
                    self._steps.run(effect)
                case ev.Answer(ask, reply):
                    self._questions.answer(ask, reply)
                case ev.Changed():
                    self._watchers.tell()
                case ev.RunHook():
                    self._run_hook(effect)
                case ev.CancelStep():
                    strand, ctx, _ = self._running_script()
                    strand.call(ctx.request_cancel)
                case ev.Gone():
                    self._ended.set()
                    self._close()
        if was_offline is not (self._core.state is State.OFFLINE) and self._core.state is not State.SHUTTING_DOWN:
            strand, ctx, _ = self._running_script()
            strand.call(ctx.set_online, was_offline)
        if self._coupling is not None:
            self._coupling.after(event, came_from, was_active)

    def _catch_up(self) -> None:
        if self._steps is not None:
            self._steps.catch_up()

    def _tell_ended(self) -> None:
        if self._steps is not None:
            self._steps.tell()

    def _run_hook(self, effect: ev.RunHook) -> None:
        assert self._hooks is not None, "start() comes first"
        running = self._hooks.run(effect)
        if running is not None and self._coupling is not None and effect.hook is Hook.NEW_SEQUENCE:
            self._coupling.hook_began(running)

    def _reason(self, failure: BaseException | None) -> str | None:
        """What is said of a failure: our own errors speak for themselves, any other is named with its line."""
        if failure is None:
            return None
        if isinstance(failure, asyncio.CancelledError):
            return CANCELLED
        if isinstance(failure, StopRequested):
            return ABORTED if isinstance(failure, AbortRequested) else STOPPED
        if isinstance(failure, OcsError):
            return str(failure)
        place = script_error(self._prefix, self._source.file, failure)
        return f"{place.problem} ({place.file}:{place.line})"

    def _running_script(self) -> tuple[Strand, ScriptContext, RunningScript]:
        assert self._loaded is not None, "start() comes first"
        return self._loaded

    def _close(self) -> None:
        self._port.close()
        if self._coupling is not None:
            self._coupling.shell.close()
        if self._suspension is not None:
            self._suspension.close()
        if self._loaded is not None:
            strand, _, script = self._loaded
            strand.start(script.close(), lambda *_: strand.close())

    # -- looking -------------------------------------------------------------------------------------------------

    def _status(self) -> SequencerStatus:
        steps = self._core.steps
        driven = steps.driven if steps is not None else None
        strand = self._loaded[0] if self._loaded is not None else None
        blocked_s = strand.blocked_s if strand is not None else 0.0
        return SequencerStatus(
            prefix=self._prefix,
            obs_mode=self._obs_mode,
            state=external(self._core.state),
            script=self._source.file,
            sequence_component=self._component,
            run_id=self._core.run_id,
            step=driven.command.command_name if driven else None,
            steps_done=steps.done if steps is not None else 0,
            steps_total=len(steps) if steps is not None else 0,
            pid=os.getpid(),
            online=self._core.state is not State.OFFLINE,
            hook_limit_s=self._hook_limit_s,
            blocked_s=round(blocked_s, 3),
            procedure=ProcedureState.IDLE if self._coupling is None else self._coupling.shell.core.state,
            late="" if self._coupling is None else self._coupling.shell.late,
            blocked_at=strand.is_at(self._source.root) if strand is not None and blocked_s else "",
        )
