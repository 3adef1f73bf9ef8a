"""The procedure of one sequencer: carries out what ``core.procedure`` decides, and tells who is to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from ocs_ray.actors.child_runs import ask_again, comes_late, handed_on
from ocs_ray.actors.procedure_host import Host
from ocs_ray.actors.procedure_patience import Patience
from ocs_ray.actors.procedure_record import ProcedureRecord
from ocs_ray.core import procedure_events as pe
from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure import ProcedureCore
from ocs_ray.core.procedure_children import END_OF, ENDED_BY
from ocs_ray.core.procedure_post import TOPIC
from ocs_ray.core.procedure_states import AT_REST, ENDING, leads_to, settled
from ocs_ray.errors import OcsError
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import (
    FOLLOWED,
    CommandResult,
    ProcedureStatus,
    SendCommand,
)
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure import Procedure

_S = ProcedureState


class ProcedureShell:
    """One procedure.

    Args:
        name: of the sequencer, for messages and the record.
        port: the door to the sequencers a command is handed on to.
        host: the sequencer.
        script: what the script sees.
        settings: how patient to be.
    """

    def __init__(self, name: str, port: Port, host: Host, script: Procedure, settings: ProcedureSettings) -> None:
        self._name, self._port, self._host, self._script = name, port, host, script
        self.settings = settings
        self.core = ProcedureCore(host.has_moment)
        self._patience = Patience(name, self.core, host, settings, self._news)
        self._home = asyncio.get_running_loop()
        self._record = ProcedureRecord()
        self._number = 0
        self._moved = asyncio.Event()
        self._verdicts: dict[str, asyncio.Future[tuple[pe.Tell, int]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: dict[str, pe.Propagate] = {}
        self._takers: set[asyncio.Task[None]] = set()
        self._parked = 0
        self.causes: tuple[str, ...] = ()
        script.link = self

    # -- what others ask -----------------------------------------------------------------------------------------

    def take(self, message: SendCommand, answer: Callable[[CommandResult], None]) -> None:
        """The same as ``send``, whether or not the asker has the patience to wait for it."""

        async def work() -> None:
            try:
                answer(await self.send(message))
            except asyncio.CancelledError:
                state, reason = self.core.state, "the sequencer shuts down"
                answer(CommandResult(accepted=False, disposition="rejected", state=state, reason=reason))

        task = self._home.create_task(work())
        self._takers.add(task)
        task.add_done_callback(self._takers.discard)

    async def send(self, message: SendCommand) -> CommandResult:
        """Take a command; what became of it, or, with ``wait_s``, how it was carried out."""
        letter = Letter(message.request_id, message.message, message.sender, time.time())
        verdict: asyncio.Future[tuple[pe.Tell, int]] = self._home.create_future()
        self._verdicts[letter.id] = verdict
        try:
            first = self._first_word(self._decide(lambda: self.core.send(letter, message.topic)), letter)
            if first is not None and not (message.wait_s and first.disposition in FOLLOWED):
                return self._result(first)
            if first is None and not message.wait_s:  # START waits for the sequencer's word
                return self._result((await verdict)[0])
            return await self._carried_out(message, verdict)
        finally:
            del self._verdicts[letter.id]

    async def _carried_out(self, message: SendCommand, verdict: asyncio.Future[tuple[pe.Tell, int]]) -> CommandResult:
        try:
            async with asyncio.timeout(message.wait_s):
                told, since = await asyncio.shield(verdict)  # when the time is over it is still to come
                if told.disposition is not Disposition.CHOSEN:
                    return self._result(told)
                if message.topic != TOPIC:
                    return self._result(told, reached=True)
                if (reached := await self._comes_to(told, since)) is not None:
                    return self._result(told, self._record.reason_of(reached, since), reached=True)
                return self._result(told, f"it came to {self.core.state} instead: {self.core.reason or 'another end'}")
        except TimeoutError:
            reason = f"{self.core.state} after {message.wait_s:g} s: {self._patience.waits_for()}"
            disposition = verdict.result()[0].disposition if verdict.done() else Disposition.DEFERRED
            return CommandResult(accepted=True, disposition=disposition.value, state=self.core.state, reason=reason)

    def _first_word(self, effects: list[pe.Effect], letter: Letter) -> pe.Tell | None:
        return next((e for e in effects if isinstance(e, pe.Tell) and e.letter.id == letter.id), None)

    async def _comes_to(self, told: pe.Tell, since: int) -> ProcedureState | None:
        """Wait for the state the command leads to; None when its way came to another end."""
        assert told.letter.command is not None
        target = leads_to(told.state, told.letter.command) or settled(told.state)
        while not (self.core.state is target or self._record.passed(target, since)):
            if self.core.state in AT_REST or (self.core.state in ENDING and target not in AT_REST):
                return None
            await self._moved.wait()
        return target

    def _result(self, told: pe.Tell, reason: str = "", *, reached: bool = False) -> CommandResult:
        return CommandResult(
            accepted=told.disposition in FOLLOWED,
            disposition=told.disposition.value,
            state=self.core.state,
            reached=reached,
            reason=reason or told.reason,
        )

    @property
    def late(self) -> str:
        """What should have happened by now and has not, for people."""
        return self._patience.late

    def status(self, after: int = 0) -> ProcedureStatus:
        """Where the procedure stands, with the changes since ``after``."""
        return ProcedureStatus(
            state=self.core.state,
            number=self._number,
            reason=self.core.reason,
            waits_for=tuple(sorted(self.core.waits_for)),
            late=self.late,
            causes=self.causes,
            changes=self._record.since(after),
        )

    async def watch(self, after: int, timeout_s: float) -> ProcedureStatus:
        """The same, as soon as something changed, or after ``timeout_s`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._number <= after:
                    await self._moved.wait()
        return self.status(after)

    # -- effects -------------------------------------------------------------------------------------------------

    def _decide(self, decide: Callable[[], list[pe.Effect]]) -> list[pe.Effect]:
        """Let the core decide, after all that happened before, and carry it out."""
        self._host.catch_up()
        return self.do(decide())

    def do(self, effects: list[pe.Effect]) -> list[pe.Effect]:
        """Carry out what the core decided; gives the effects back. The script's handlers find it knowing of it."""
        if not effects and self.core.state is _S.EXECUTE is self._script.state:
            return effects  # the steps of a run, thousands a second
        self._tell_script(anyway=pe.Release() in effects)
        number = self._number
        for effect in effects:
            match effect:
                case pe.Entered():
                    self._entered(effect)
                case pe.Tell():
                    self._tell(effect)
                case pe.GateSteps(closed=closed):
                    self._host.gate(closed=closed)
                case pe.RunHandlers(moment=moment, token=token):
                    self._run_handlers(moment, token)
                case pe.EndRun(by=by):
                    self._host.end_run(by)
                case pe.StartRun(letter=letter):
                    self._spawn(self._start(letter))
                case pe.Propagate():
                    self._propagate(effect)
        if self._number != number:
            self._tell_watchers()
        self._tell_script()
        self._patience.mind()
        return effects

    def _tell_script(self, *, anyway: bool = False) -> None:
        check = self.core.checkpoint()
        if check is self._script.check and self.core.state is self._script.state and not anyway:
            return
        if check is not pe.Check.WAIT:  # they go on: from here on they are not waiting any more
            for _ in range(self._parked):
                self.core.unpark()
            self._parked = 0
        self._script.tell(self.core.state, check, self._host.on_strand)

    def _entered(self, effect: pe.Entered) -> None:
        self._number += 1
        self._patience.entered(effect.state)
        self._record.note(self._number, effect, self._host.run_id)
        if effect.state in AT_REST:
            self._told.clear()  # what a run handed on is of no interest to the next one
        self._host.leave_moment()
        if effect.state is _S.UNHOLDING:
            self._host.resume_steps()

    def _news(self) -> None:
        """Something changed that is no state."""
        self._number += 1
        self._tell_watchers()

    def _tell_watchers(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _tell(self, effect: pe.Tell) -> None:
        verdict = self._verdicts.get(effect.letter.id)
        if verdict is not None and effect.is_final and not verdict.done():
            verdict.set_result((effect, self._number))

    def _run_handlers(self, moment: pe.Moment, token: int) -> None:
        def ended(failure: str | None) -> None:
            self._home.call_soon(self._decide, lambda: self.core.handlers_ended(token, failure))

        self._host.run_moment(moment, ended)

    async def _start(self, letter: Letter) -> None:
        if reason := await self._host.start_loaded():
            self._decide(lambda: self.core.refuse_start(letter, reason))
        else:
            self._tell(pe.Tell(letter, Disposition.CHOSEN, _S.IDLE))

    # -- others --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def waits_for_child(self) -> AsyncGenerator[None]:
        """A step waits for another sequencer: that is held in its place, and the step does not go on before."""
        self._decide(self.core.park)
        try:
            try:
                yield
            finally:
                while self.core.checkpoint() is pe.Check.WAIT:
                    await self._moved.wait()
        finally:
            self._decide(self.core.unpark)

    def _propagate(self, effect: pe.Propagate) -> None:
        for child in effect.children:
            self._told[child] = effect
            self._spawn(self._hand_on(child, effect))

    async def _hand_on(self, child: str, effect: pe.Propagate) -> None:
        command, limit_s = effect.command, self.settings.child_limit_s

        def is_silent(failure: OcsError) -> None:
            self._patience.say_late(f"{child} did not follow {command}: {failure}")
            self._decide(lambda: self.core.child_settled(child, command, silent=True))

        told, wait_s = handed_on(effect, self._name, limit_s), limit_s + 5.0
        reply = await ask_again(self._port, child, told, wait_s, is_silent, lambda: self._told.get(child) is effect)
        if not isinstance(reply, CommandResult):  # of no interest any more, or ended gently: nobody waits for that
            return
        if not reply.reached and reply.accepted:
            self._patience.say_late(f"{child} did not follow {command} within {limit_s:g} s: {reply.reason}")
            await comes_late(self._port, child, command, lambda: child in self.core.waits_for)
        # One that refuses has nothing to hold or to let go: it is at rest between two runs.
        self._decide(lambda: self.core.child_settled(child, command))

    def child_began(self, child: str) -> None:
        """The script waits for another sequencer from now on."""
        self._decide(lambda: self.core.child_began(child))

    def child_ended(self, child: str) -> None:
        """It does not any more."""
        self._told.pop(child, None)
        self._decide(lambda: self.core.child_ended(child))

    def child_outlives(self, child: str, by: ProcedureCommand | None) -> None:
        """It began for a step that had been cancelled: what ended the step ends it."""
        self._decide(lambda: self.core.child_outlives(child, by))

    def end_hook_failed(self, reason: str) -> None:
        """The script's on_stop or on_abort_sequence failed: whoever asked for the end is to know."""
        self.core.end_hook_failed(reason)
        self._news()

    @property
    def ends_by(self) -> ProcedureCommand | None:
        """The command the script is being ended by, or was, if it is."""
        return (END_OF | ENDED_BY).get(self.core.state)

    # -- the script's threads call these -------------------------------------------------------------------------

    def park(self, since: int) -> None:
        """A task waits at a checkpoint; one that was let go meanwhile does not."""
        self._do_later(lambda: self._park(since))

    def unpark(self, since: int) -> None:
        """It takes its leave; those that were let go are counted out already."""
        self._do_later(lambda: self._unpark(since))

    def _park(self, since: int) -> list[pe.Effect]:
        if since != self._script.releases:
            return []
        self._parked += 1
        return self.core.park()

    def _unpark(self, since: int) -> list[pe.Effect]:
        if since != self._script.releases:
            return []
        self._parked -= 1
        return self.core.unpark()

    def touch(self) -> None:
        """A checkpoint was passed."""
        self._do_later(self.core.touch)

    def guard(self, *, closed: bool) -> None:
        """A part that is not to be held begins, or ends."""

        def guard() -> list[pe.Effect]:
            effects = self.core.guard(closed=closed)
            if not closed:
                self._script.guards_followed += 1
            return [*effects, pe.Release()]

        self._do_later(guard)

    def _do_later(self, decide: Callable[[], list[pe.Effect]]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the sequencer is gone
            self._home.call_soon_threadsafe(self._decide, decide)

    async def receive(self, state: ProcedureState | None, topic: str, max_messages: int) -> dict[str, Any] | None:
        """The next command of the mailbox for the script; called on its own loop."""

        async def look() -> Letter | None:
            self._host.catch_up()
            letter, effects = self.core.receive(state, topic, max_messages)
            self.do(effects)
            return letter

        letter = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(look(), self._home))
        if letter is None or letter.command is None:
            return None
        return {
            "cmd": letter.command.value,
            "message": letter.message,
            "priority": letter.command.priority,
            "id": letter.id,
            "sentAt": letter.sent_at,
            "sender": letter.sender,
        }

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._home.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """End timers and what is under way; who still waits for word is told, the others see how it ended."""
        for verdict in self._verdicts.values():
            verdict.cancel()
        self._patience.close()
        for task in self._tasks:
            task.cancel()
