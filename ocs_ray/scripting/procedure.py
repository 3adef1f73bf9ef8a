"""The script's side of its procedure: checkpoints, waits that end at once, its mailbox. Source: seed 004.

The sequencer's own loop decides; it writes ``state`` and ``check`` here, and the script's threads read them. Writing
one attribute needs no lock; what must wake up is told by ``tell``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol

from ocs_ray.core.procedure_events import Check
from ocs_ray.models.procedure import ProcedureState

_in_step: ContextVar[bool] = ContextVar("ocs_in_step", default=False)
"""Only a step is held and stopped at checkpoints: a hook, a timer or a loop in the background never is."""


class StopRequested(BaseException):  # not an Exception: a script's own `except Exception` shall not swallow it
    """The step is to end now, because the procedure is being stopped."""


class AbortRequested(StopRequested):
    """The step is to end now, because the procedure is being aborted."""


class ProcedureLink(Protocol):
    """The sequencer as its script's procedure needs it; called from the script's threads."""

    def park(self, since: int) -> None:
        """A task waits at a checkpoint; it had seen so many releases."""
        ...

    def unpark(self, since: int) -> None:
        """It goes on, or takes its leave."""
        ...

    def touch(self) -> None:
        """A checkpoint was passed."""
        ...

    def guard(self, *, closed: bool) -> None:
        """A part that is not to be held begins, or ends."""
        ...

    async def receive(self, state: ProcedureState | None, topic: str, max_messages: int) -> dict[str, Any] | None:
        """The next command of the mailbox, if there is one."""
        ...


class Procedure:
    """What a script knows of its procedure. Without a link, in a unit test, nothing ever holds it."""

    def __init__(self) -> None:
        self.state = ProcedureState.IDLE
        self.check = Check.GO
        self.releases = 0
        """How often those who wait at a checkpoint were let go. Whoever waits goes by this, not by ``check``: a hold
        that follows at once finds it let go, or still waiting, and the sequencer knows which."""
        self.guards_followed = 0
        """How many ends of ``no_hold`` the sequencer has heard of: a checkpoint right after one waits for its word."""
        self._guards_ended = 0
        self.link: ProcedureLink | None = None
        self._changed = asyncio.Event()
        self._is_waking = False
        self._watchers = 0
        """Tasks that look at the state and then wait for its change. They count themselves before they look, and what
        changes is written before this is read: when it is 0, to wake the script's thread would serve nobody."""
        self._condition = threading.Condition()

    # -- the sequencer's side ------------------------------------------------------------------------------------

    def tell(self, state: ProcedureState, check: Check, on_strand: Callable[[Callable[[], None]], None]) -> None:
        """Say where the procedure stands; whoever waits looks again.

        Args:
            on_strand: calls a function on the script's own loop.
        """
        self.state, self.check = state, check
        if check is not Check.WAIT:
            self.releases += 1
        with self._condition:
            self._condition.notify_all()
        if self._watchers and not self._is_waking:  # a run goes through half a dozen states in one breath
            self._is_waking = True
            on_strand(self._wake)

    def _wake(self) -> None:
        self._is_waking = False  # first: what is told from now on wakes again
        self._changed.set()
        self._changed = asyncio.Event()

    @staticmethod
    @contextmanager
    def step(is_one: bool = True) -> Generator[None]:
        """What runs inside is held and stopped at its checkpoints; with False it is not."""
        token = _in_step.set(is_one)
        try:
            yield
        finally:
            with suppress(ValueError):  # it was entered in another context
                _in_step.reset(token)

    @staticmethod
    def is_in_step() -> bool:
        """Whether a step calls this, in whichever of its tasks and threads."""
        return _in_step.get()

    # -- the script's side ---------------------------------------------------------------------------------------

    def check_cancelled(self) -> None:
        """End the step here when the procedure is being stopped or aborted; any thread of the script may call it.

        Raises:
            StopRequested: it is being stopped.
            AbortRequested: it is being aborted.
        """
        if self.link is None or not _in_step.get():
            return
        if self.check is Check.STOP:
            raise StopRequested
        if self.check is Check.ABORT:
            raise AbortRequested
        self._followed(self.link)

    @property
    def is_held(self) -> bool:
        """Whether a step that comes to a checkpoint now waits there."""
        return self.link is not None and _in_step.get() and self.check is Check.WAIT

    @contextmanager
    def _watching(self) -> Generator[None]:
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    async def checkpoint(self) -> None:
        """A place where the step may be held, stopped or aborted.

        Raises:
            StopRequested: it is being stopped.
            AbortRequested: it is being aborted.
        """
        if self.link is not None and _in_step.get():
            with self._watching():
                await self._checkpoint(self.link)

    async def _checkpoint(self, link: ProcedureLink) -> None:
        while self.guards_followed < self._guards_ended:
            await self._changed.wait()
        while True:
            since = self.releases  # before the look
            self.check_cancelled()
            if self.check is not Check.WAIT:
                return
            link.park(since)
            try:
                while self.releases == since:
                    await self._changed.wait()
            finally:
                link.unpark(since)

    def _followed(self, link: ProcedureLink) -> None:
        if self.check is Check.GO and self.state in (ProcedureState.HOLDING, ProcedureState.SUSPENDING):
            link.touch()  # it holds by itself, and has come round once more

    async def sleep(self, seconds: float) -> None:
        """Wait, being held and stopped at once; what is left of the wait goes on after a hold."""
        if self.link is None or not _in_step.get():
            await asyncio.sleep(seconds)
            return
        clock = asyncio.get_running_loop()
        with self._watching():
            while True:
                await self._checkpoint(self.link)
                if seconds <= 0:
                    await asyncio.sleep(0)
                    return
                begun = clock.time()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), seconds)
                seconds -= clock.time() - begun

    def sleep_chunked(self, seconds: float, chunk_s: float) -> None:
        """The same for code that cannot await; in chunks, so that it also notices what nobody woke it for."""
        if self.link is None or not _in_step.get():
            time.sleep(seconds)
            return
        while True:
            self._checkpoint_of_thread(self.link)
            if seconds <= 0:
                return
            begun = time.monotonic()
            with self._condition:
                self._condition.wait_for(lambda: self.check is not Check.GO, min(seconds, chunk_s))
            seconds -= time.monotonic() - begun

    def _checkpoint_of_thread(self, link: ProcedureLink) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self.guards_followed >= self._guards_ended)
        while True:
            since = self.releases
            self.check_cancelled()
            if self.check is not Check.WAIT:
                return
            link.park(since)
            try:
                with self._condition:
                    self._condition.wait_for(lambda since=since: self.releases != since)
            finally:
                link.unpark(since)

    @contextmanager
    def no_hold(self) -> Generator[None]:
        """A part that is not to be held: a HOLD that comes meanwhile waits for its end."""
        if self.link is None:
            yield
            return
        self.link.guard(closed=True)
        try:
            yield
        finally:
            with self._condition:
                self._guards_ended += 1
            self.link.guard(closed=False)

    async def receive(
        self, state: ProcedureState | None, topic: str, timeout_s: float, max_messages: int
    ) -> dict[str, Any] | None:
        """The next command; waits up to ``timeout_s`` seconds and is woken by a message, it does not poll.

        Raises:
            StopRequested: the procedure is being stopped, and no message is left that says so.
            AbortRequested: the same for an abort.
        """
        link = self.link
        if link is None:
            await asyncio.sleep(timeout_s)
            return None
        with self._watching():
            return await self._receive(link, state, topic, timeout_s, max_messages)

    async def _receive(
        self, link: ProcedureLink, state: ProcedureState | None, topic: str, timeout_s: float, max_messages: int
    ) -> dict[str, Any] | None:
        clock = asyncio.get_running_loop()
        deadline = clock.time() + timeout_s
        while True:
            changed = self._changed  # before the look: what comes after it sets this one
            is_held = self.is_held  # before the look too: no message has come with this hold
            found = await link.receive(state, topic, max_messages)
            if found is None and is_held:  # by what is no message: a breakpoint, or it was heard of already
                await self.checkpoint()
            left = deadline - clock.time()
            if found is not None:
                return found
            self.check_cancelled()  # it has heard of its end, or will not: the sequencer's own abort is no message
            if left <= 0:
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), left)
