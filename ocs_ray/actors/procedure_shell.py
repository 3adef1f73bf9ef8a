"""The procedure of one sequencer: carries out what ``core.procedure`` decides, and tells who is to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

from ocs_ray.core import procedure_events as pe
from ocs_ray.core.mailbox import Disposition, Letter
from ocs_ray.core.procedure import ProcedureCore
from ocs_ray.core.procedure_states import next_state, settled
from ocs_ray.errors import OcsError
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import FOLLOWED, CommandResult, ProcedureChange, ProcedureStatus, SendCommand
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure import Procedure
from ocs_ray.scripting.time_service import utc_time_now

LOG: Final = logging.getLogger("ocs.procedure")
CHANGES_KEPT: Final = 500
_S = ProcedureState


class Host(Protocol):
    """The sequencer as its procedure needs it; every call is made on the sequencer's own loop."""

    @property
    def run_id(self) -> str | None:
        """The run that goes on, or the last one."""
        ...

    def end_run(self, by: ProcedureCommand) -> None:
        """End the run, if one goes on: by stop, abort, or with the steps that are left dropped."""
        ...

    async def start_loaded(self) -> str:
        """Start the loaded sequence; why not, empty when it was started."""
        ...

    def gate(self, *, closed: bool) -> None:
        """Start no further step, or go on."""
        ...

    def resume_steps(self) -> None:
        """Take the breakpoint away that ESW's pause set."""
        ...

    def run_moment(self, moment: pe.Moment, done: Callable[[str | None], None]) -> None:
        """Run the script's handlers of a moment; ``done`` is told the failure or None."""
        ...

    def on_strand(self, call: Callable[[], None]) -> None:
        """Call a function on the script's own loop."""
        ...

    def cancel_step(self) -> None:
        """Cancel the task of the step in flight."""
        ...

    def give_up(self, reason: str) -> None:
        """End this process: the script does not let go."""
        ...


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
        self.core = ProcedureCore()
        self._home = asyncio.get_running_loop()
        self._changes: deque[ProcedureChange] = deque(maxlen=CHANGES_KEPT)
        self._number = 0
        self._moved = asyncio.Event()
        self._verdicts: dict[str, asyncio.Future[pe.Tell]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.late = ""
        self.causes: tuple[str, ...] = ()
        script.link = self

    # -- what others ask -----------------------------------------------------------------------------------------

    async def send(self, message: SendCommand) -> CommandResult:
        """Take a command; what became of it, or, with ``wait_s``, how it was carried out."""
        letter = Letter(message.request_id, message.message, message.sender, time.time())
        verdict: asyncio.Future[pe.Tell] = self._home.create_future()
        self._verdicts[letter.id] = verdict
        told = self._first_word(self.do(self.core.send(letter, message.topic)), letter)
        if told is None:  # START waits for the sequencer's word
            told = await verdict
        if not message.wait_s or told.disposition not in FOLLOWED:
            if told.is_final:
                self._verdicts.pop(letter.id, None)
            return self._result(told)
        try:
            async with asyncio.timeout(message.wait_s):
                if not told.is_final:
                    told = await verdict
                if told.disposition is Disposition.CHOSEN and message.topic == "cmd":
                    await self._until_reached(letter, told)
                return self._result(told, reached=told.disposition is Disposition.CHOSEN)
        except TimeoutError:
            return self._result(told, f"{self.core.state} after {message.wait_s:g} s: {self._waits_for()}")
        finally:
            self._verdicts.pop(letter.id, None)

    def _first_word(self, effects: list[pe.Effect], letter: Letter) -> pe.Tell | None:
        return next((e for e in effects if isinstance(e, pe.Tell) and e.letter.id == letter.id), None)

    async def _until_reached(self, letter: Letter, told: pe.Tell) -> None:
        """Wait for the state the command leads to, or for any other end of its way."""
        assert letter.command is not None
        first = next_state(told.state, letter.command)
        target = settled(first) if first is not None else self.core.state
        begun = self._number
        while not (self.core.state is target or self._passed(target, begun)):
            await self._moved.wait()

    def _passed(self, target: ProcedureState, since: int) -> bool:
        return any(change.state is target for change in self._changes if change.number > since)

    def _waits_for(self) -> str:
        if self.core.waits_for:
            return f"{', '.join(sorted(self.core.waits_for))} did not follow yet"
        return "the script has not come to a checkpoint" if self.core.in_flight else "a handler still runs"

    def _result(self, told: pe.Tell, reason: str = "", *, reached: bool = False) -> CommandResult:
        return CommandResult(
            accepted=told.disposition in FOLLOWED,
            disposition=told.disposition.value,
            state=self.core.state,
            reached=reached,
            reason=reason or told.reason,
        )

    def status(self, after: int = 0) -> ProcedureStatus:
        """Where the procedure stands, with the changes since ``after``."""
        return ProcedureStatus(
            state=self.core.state,
            number=self._number,
            reason=self.core.reason,
            waits_for=tuple(sorted(self.core.waits_for)),
            late=self.late,
            causes=self.causes,
            changes=tuple(change for change in self._changes if change.number > after),
        )

    async def watch(self, after: int, timeout_s: float) -> ProcedureStatus:
        """The same, as soon as something changed, or after ``timeout_s`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._number <= after:
                    await self._moved.wait()
        return self.status(after)

    # -- effects -------------------------------------------------------------------------------------------------

    def do(self, effects: list[pe.Effect]) -> list[pe.Effect]:
        """Carry out what the core decided; gives the effects back."""
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
                case pe.Release():
                    pass  # the script is told below, once
        if effects:
            self._script.tell(self.core.state, self.core.checkpoint(), self._host.on_strand)
        return effects

    def _entered(self, effect: pe.Entered) -> None:
        self._number += 1
        self.late = ""
        self._changes.append(
            ProcedureChange(
                number=self._number,
                at=utc_time_now(),
                state=effect.state,
                by=effect.by,
                reason=effect.reason,
                sender=effect.sender,
                run_id=self._host.run_id,
            )
        )
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if effect.state is _S.UNHOLDING:
            self._host.resume_steps()
        if effect.state in (_S.HOLDING, _S.SUSPENDING):
            self._after(self.settings.hold_limit_s, self._report_late)
        if effect.state in (_S.STOPPING, _S.ABORTING):
            self._after(self.settings.stop_grace_s, self._press)
        self._moved.set()
        self._moved = asyncio.Event()

    def _tell(self, effect: pe.Tell) -> None:
        verdict = self._verdicts.get(effect.letter.id)
        if verdict is not None and effect.is_final and not verdict.done():
            verdict.set_result(effect)

    def _run_handlers(self, moment: pe.Moment, token: int) -> None:
        self._host.run_moment(moment, lambda failure: self._do_later(lambda: self.core.handlers_ended(token, failure)))

    async def _start(self, letter: Letter) -> None:
        if reason := await self._host.start_loaded():
            self.do(self.core.refuse_start(letter, reason))
        else:
            self._tell(pe.Tell(letter, Disposition.CHOSEN, _S.IDLE))

    # -- others --------------------------------------------------------------------------------------------------

    def _propagate(self, effect: pe.Propagate) -> None:
        for child in effect.children:
            self._spawn(self._hand_on(child, effect.command))

    async def _hand_on(self, child: str, command: ProcedureCommand) -> None:
        limit_s = self.settings.child_limit_s
        message = SendCommand(message=command.value, sender=self._name, wait_s=limit_s)
        try:
            reply: CommandResult = await self._port.ask(child, message, limit_s + 5.0)
        except OcsError as failure:
            self._say_late(f"{child} did not follow {command}: {failure}")
            return
        if not reply.reached and reply.accepted:
            self._say_late(f"{child} did not follow {command} within {limit_s:g} s: {reply.reason}")
            return
        # One that refuses has nothing to hold or to let go: it is at rest between two runs.
        self.do(self.core.child_settled(child, command))

    def child_began(self, child: str) -> None:
        """The script waits for another sequencer from now on."""
        self.do(self.core.child_began(child))

    def child_ended(self, child: str) -> None:
        """It does not any more."""
        self.do(self.core.child_ended(child))

    # -- time ----------------------------------------------------------------------------------------------------

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._home.call_later(seconds, call))

    def _report_late(self) -> None:
        self._say_late(f"{self.core.state} for {self.settings.hold_limit_s:g} s: {self._waits_for()}")

    def _say_late(self, text: str) -> None:
        LOG.warning("%s: %s", self._name, text)
        self.late = text
        self._number += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def _press(self) -> None:
        """The script has had its time: its step is cancelled."""
        if not self.core.in_flight:
            return
        self._say_late(f"{self.core.state} for {self.settings.stop_grace_s:g} s: the step is cancelled")
        self._host.cancel_step()
        self._after(self.settings.kill_after_s, self._kill)

    def _kill(self) -> None:
        if self.core.in_flight:
            total_s = self.settings.stop_grace_s + self.settings.kill_after_s
            self._host.give_up(f"its script did not end within {total_s:g} s of {self.core.state}")

    # -- the script's threads call these -------------------------------------------------------------------------

    def park(self) -> None:
        """A task waits at a checkpoint."""
        self._do_later(self.core.park)

    def unpark(self) -> None:
        """It goes on."""
        self._do_later(self.core.unpark)

    def touch(self) -> None:
        """A checkpoint was passed."""
        self._do_later(self.core.touch)

    def guard(self, *, closed: bool) -> None:
        """A part that is not to be held begins, or ends."""
        self._do_later(lambda: self.core.guard(closed=closed))

    def _do_later(self, decide: Callable[[], list[pe.Effect]]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the sequencer is gone
            self._home.call_soon_threadsafe(lambda: self.do(decide()))

    async def receive(self, state: ProcedureState | None, topic: str, max_messages: int) -> dict[str, Any] | None:
        """The next command of the mailbox for the script; called on its own loop."""

        async def look() -> Letter | None:
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
        """End timers and what is under way."""
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
