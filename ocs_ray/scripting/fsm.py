"""A state machine inside a script. Source: esw FsmImpl.kt, FsmDsl.kt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from ocs_ray.errors import BadInputError
from ocs_ray.models.params import Parameter
from ocs_ray.scripting.background import Background, Report
from ocs_ray.scripting.exit_calls import FAILURES
from ocs_ray.scripting.state_params import Params

Action = Callable[[], Awaitable[None]]
FsmBody = Callable[["FsmState"], Awaitable[None]]

_inside: ContextVar[frozenset[int]] = ContextVar("ocs_inside_fsm", default=frozenset())


class Fsm:
    """A state machine: names, each with a function that is run when the state is entered or refreshed.

    ::

        pump = ctx.fsm("pump", initial="LOW")

        @pump.state("LOW")
        async def low(state: FsmState) -> None:
            await state.entry(announce)
            if level.first() > 40:
                await pump.become("HIGH")

        level.bind(pump)
        await pump.start()

    A failure in a state completes the machine and reaches ``on_global_error``. Names of states ignore case; of two
    states with one name the later wins.

    Args:
        name: shown in messages.
        initial: the first state.
        background: keeps what runs.
        report: is told failures.
    """

    def __init__(self, name: str, initial: str, background: Background, report: Report) -> None:
        self.name, self._initial = name, initial.upper()
        self._background, self._report = background, report
        self._states: dict[str, FsmBody] = {}
        self._stay: FsmState | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._turns = 0
        self._refresh_again = False
        self._completed = asyncio.Event()
        self._on_complete: list[Callable[[], None]] = []

    def state(self, name: str) -> Callable[[FsmBody], FsmBody]:
        """Declare a state."""

        def declare(body: FsmBody) -> FsmBody:
            self._states[name.upper()] = body
            return body

        return declare

    @property
    def current(self) -> str | None:
        """The present state, in capitals; None before the start."""
        return self._stay.name if self._stay is not None else None

    @property
    def is_completed(self) -> bool:
        """Whether the machine has ended."""
        return self._completed.is_set()

    async def start(self) -> None:
        """Enter the first state and wait until its function has ended.

        Raises:
            BadInputError: it is not declared.
        """
        await self.become(self._initial)

    async def become(self, state: str, *params: Parameter[Any]) -> None:
        """Enter a state and wait until its function has ended; also when it is the present one.

        A machine that has completed stays as it is.

        Raises:
            BadInputError: no such state.
        """
        if self.is_completed:
            return
        name = state.upper()
        if name not in self._states:
            known = ", ".join(self._states) or "none"
            problem = f"Failed transition to invalid state: {name}"
            raise BadInputError(where=f"Fsm '{self.name}'", problem=problem, remedy=f"its states: {known}")
        left = self._stay
        self._stay = FsmState(self, name, Params(*params), left.name if left is not None else None)
        if left is not None:
            left.leave()
        await self._evaluate()

    async def refresh(self) -> None:
        """Run the present state's function again, with its parameters; what is bound to the machine calls this.

        While the function runs, its next run waits for its end; several become one.
        """
        if self._stay is None or self.is_completed:
            return
        if self._turns:
            self._refresh_again = True
            return
        await self._evaluate()

    async def await_end(self) -> None:
        """Wait until the machine has completed; starts it where that was not done yet."""
        if self._stay is None:
            await self.start()
        await self._completed.wait()

    def complete(self) -> None:
        """End the machine and what is bound to it. In a function of the machine, what follows is not run."""
        inside = id(self) in _inside.get()
        self._end()
        if inside:
            raise asyncio.CancelledError

    def on_complete(self, action: Callable[[], None]) -> None:
        """Call ``action`` when the machine ends."""
        self._on_complete.append(action)

    def start_within(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background as a part of this machine; its failure completes the machine."""
        return self._background.start(self._within(work))

    def _end(self) -> None:
        if self.is_completed:
            return
        self._completed.set()
        if self._stay is not None:
            self._stay.leave()
        for task in self._running:
            if task is not asyncio.current_task():
                task.cancel()
        while self._on_complete:
            self._on_complete.pop()()

    async def _evaluate(self) -> None:
        """Run the present state's function as a task of its own, so that completing can cancel it and nobody else."""
        await asyncio.wait({self._begin_turn()})

    def _begin_turn(self) -> asyncio.Task[None]:
        assert self._stay is not None
        task = self._background.start(self._turn(self._stay))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _turn(self, stay: FsmState) -> None:
        self._turns += 1
        stay.begin()
        try:
            await self._within(self._states[stay.name](stay))
        finally:
            self._turns -= 1
        if self._refresh_again and not self._turns and not self.is_completed:
            self._refresh_again = False
            self._begin_turn()

    async def _within(self, work: Awaitable[None]) -> None:
        _inside.set(_inside.get() | {id(self)})
        try:
            await work
        except FAILURES as failure:
            self._end()
            await self._report(failure)


class FsmState:
    """The stay of a machine in a state: from one ``become`` to the next.

    Args:
        came_from: the state before, None for the first.
    """

    def __init__(self, machine: Fsm, name: str, params: Params, came_from: str | None) -> None:
        self._machine = machine
        self.name, self.params = name, params
        self._differs = came_from != name
        self._turn = 0
        self._seen: dict[timedelta, int] = {}
        self._begun: set[tuple[timedelta, int]] = set()
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def entered(self) -> bool:
        """Whether the machine just came here from another state."""
        return self._differs and self._turn == 1

    async def entry(self, action: Action) -> None:
        """Do this only when the machine came from another state; not on a refresh, nor when a state becomes itself."""
        if self.entered:
            await action()

    async def on(self, condition: bool, action: Action) -> None:
        """Do this when ``condition`` is true."""
        if condition:
            await action()

    def after(self, delay: timedelta, action: Action) -> None:
        """Do this ``delay`` after the state was entered, unless it is left before. A refresh starts no second timer."""
        number = self._seen.get(delay, 0)
        self._seen[delay] = number + 1
        if (delay, number) not in self._begun:
            self._begun.add((delay, number))
            self._waiting.add(self._machine.start_within(self._wait(delay, action)))

    async def _wait(self, delay: timedelta, action: Action) -> None:
        await asyncio.sleep(delay.total_seconds())
        if (own := asyncio.current_task()) is not None:
            self._waiting.discard(own)  # from here on leaving the state does not end it: the action may be what leaves
        await action()

    def begin(self) -> None:
        """The function is run (again)."""
        self._turn += 1
        self._seen.clear()

    def leave(self) -> None:
        """The machine goes elsewhere."""
        for task in self._waiting:
            task.cancel()
