"""A sequencer: a thin shell around ``core.sequencer``, with its script on a strand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from typing import Any

from ocs_ray.actors.questions import Questions
from ocs_ray.actors.strand import Strand
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import State, external
from ocs_ray.errors import OcsError, ScriptError
from ocs_ray.models.commands import Sequence
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import (
    AbortSequence,
    GetSequence,
    GetSequencerState,
    GetStatus,
    LoadSequence,
    Ok,
    Query,
    QueryFinal,
    SequencerSnapshot,
    SequencerStatus,
    SetTimeFactor,
    Shutdown,
    StartSequence,
    Stop,
    SubmitSequence,
    Watch,
)
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_loading import load_script, script_error
from ocs_ray.scripting.time_scale import TimeScale


class SequencerShell:
    """One sequencer.

    Args:
        prefix: its prefix.
        obs_mode: its observing mode.
        sequence_component: the component it was loaded in.
        port: the door to other components.
    """

    def __init__(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix, port: Port) -> None:
        self._prefix, self._obs_mode, self._component = prefix, obs_mode, sequence_component
        self._port = port
        self._core = SequencerCore()
        self._questions = Questions()
        self._time_scale = TimeScale()
        self._version = 0
        self._changed: asyncio.Event | None = None
        self._source = ScriptSource(file="", root="")
        self._strand: Strand | None = None
        self._ctx: ScriptContext | None = None

    async def start(self, script: ScriptSource, time_factor: float) -> None:
        """Load the script on its strand; the sequencer is idle afterwards.

        Raises:
            ScriptError: names file, line and fault; nothing is left running.
        """
        self._source, self._time_scale.factor = script, time_factor
        strand = Strand(self._prefix, self._port)
        ctx = ScriptContext(self._prefix, self._obs_mode, strand.port, self._time_scale)
        try:
            await strand.run(self._load(ctx))
        except ScriptError:
            strand.close()
            raise
        self._strand, self._ctx = strand, ctx

    async def _load(self, ctx: ScriptContext) -> None:
        loaded = load_script(self._source.file, self._source.root, self._prefix)
        try:
            await loaded.start(ctx)
        except Exception as failure:
            raise script_error(self._prefix, self._source.file, failure) from failure

    # -- messages ------------------------------------------------------------------------------------------------

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.sequencer_messages``."""
        match message:
            case GetStatus():
                return self._status()
            case GetSequencerState():
                return external(self._core.state)
            case GetSequence():
                return self._core.steps.view() if self._core.steps is not None else None
            case Query(run_id=run_id):
                return self._core.query(run_id)
            case Watch(after=after, timeout_s=timeout_s):
                return await self._watch(after, timeout_s)
            case SetTimeFactor(factor=factor):
                self._time_scale.factor = factor
                return Ok()
            case QueryFinal(timeout_s=timeout_s):
                return await self._decide(message, timeout_s)
            case _:
                return await self._decide(message, None)

    async def _decide(self, message: object, timeout_s: float | None) -> Any:
        ask = self._questions.new()
        try:
            self._handle(self._event(message, ask))
            return await self._questions.wait(ask, timeout_s, self._prefix)
        finally:
            if timeout_s is not None:
                self._handle(ev.Forget(ask))

    def _event(self, message: object, ask: int) -> ev.Event:
        match message:
            case SubmitSequence(sequence=sequence):
                return ev.Submit(ask, sequence, _ids(sequence), str(uuid.uuid4()))
            case LoadSequence(sequence=sequence):
                return ev.Load(ask, sequence, _ids(sequence))
            case StartSequence():
                return ev.Start(ask, str(uuid.uuid4()))
            case AbortSequence():
                return ev.End(ask, abort=True)
            case Stop():
                return ev.End(ask, abort=False)
            case QueryFinal(run_id=run_id):
                return ev.AskFinal(ask, run_id)
            case Shutdown():
                return ev.Shut(ask)
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    # -- effects -------------------------------------------------------------------------------------------------

    def _handle(self, event: ev.Event) -> None:
        for effect in self._core.handle(event, time.time()):
            match effect:
                case ev.Answer(ask, reply):
                    self._questions.answer(ask, reply)
                case ev.Changed():
                    self._tell_watchers()
                case ev.RunStep():
                    self._run_step(effect)
                case ev.RunHook():
                    self._run_hook(effect)
                case ev.Gone():
                    self._close()

    def _run_step(self, effect: ev.RunStep) -> None:
        strand, ctx = self._running_script()

        def ended(failure: BaseException | None) -> None:
            self._handle(ev.StepEnded(effect.run_id, effect.step_id, self._reason(failure)))
            self._report(failure)

        strand.start(ctx.handlers.execute(effect.command), ended)

    def _run_hook(self, effect: ev.RunHook) -> None:
        strand, ctx = self._running_script()

        def ended(failure: BaseException | None) -> None:
            self._handle(ev.HookEnded(effect.token, self._reason(failure)))
            self._report(failure)

        strand.start(ctx.handlers.run_hook(effect.hook), ended)

    def _report(self, failure: BaseException | None) -> None:
        if failure is not None and self._core.state is not State.KILLED:
            strand, ctx = self._running_script()
            strand.start(ctx.report(failure), lambda _: None)

    def _reason(self, failure: BaseException | None) -> str | None:
        """What is said of a failure: our own errors speak for themselves, any other is named with its line."""
        if failure is None:
            return None
        if isinstance(failure, OcsError):
            return str(failure)
        place = script_error(self._prefix, self._source.file, failure)
        return f"{place.problem} ({place.file}:{place.line})"

    def _running_script(self) -> tuple[Strand, ScriptContext]:
        assert self._strand is not None, "start() comes first"
        assert self._ctx is not None
        return self._strand, self._ctx

    def _close(self) -> None:
        if self._strand is not None:
            self._strand.close()

    # -- watching ------------------------------------------------------------------------------------------------

    def _tell_watchers(self) -> None:
        self._version += 1
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def _watch(self, after: int, timeout_s: float) -> SequencerSnapshot:
        if self._version <= after:
            if self._changed is None:
                self._changed = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)
        return SequencerSnapshot(
            version=self._version,
            state=external(self._core.state),
            run_id=self._core.run_id,
            steps=self._core.steps.view() if self._core.steps is not None else (),
            killed=self._core.state in (State.SHUTTING_DOWN, State.KILLED),
        )

    def _status(self) -> SequencerStatus:
        steps = self._core.steps
        in_flight = steps.in_flight if steps is not None else None
        return SequencerStatus(
            prefix=self._prefix,
            obs_mode=self._obs_mode,
            state=external(self._core.state),
            script=self._source.file,
            sequence_component=self._component,
            run_id=self._core.run_id,
            step=in_flight.command.command_name if in_flight else None,
            steps_done=steps.done if steps is not None else 0,
            steps_total=len(steps) if steps is not None else 0,
            pid=os.getpid(),
        )


def _ids(sequence: Sequence) -> tuple[str, ...]:
    return tuple(str(uuid.uuid4()) for _ in range(len(sequence)))
