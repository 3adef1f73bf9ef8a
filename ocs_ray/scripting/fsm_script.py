"""Scripts whose handlers depend on a state. Source: esw FsmScript, FsmScriptDsl.kt, FsmScriptState.kt."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from ocs_ray.errors import BadInputError
from ocs_ray.models.params import Parameter
from ocs_ray.scripting.background import Background
from ocs_ray.scripting.handler_registration import HookRegistration
from ocs_ray.scripting.observatory_access import ObservatoryAccess
from ocs_ray.scripting.procedure_access import ProcedureAccess
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_entry import Script
from ocs_ray.scripting.script_life import ScriptLife
from ocs_ray.scripting.state_params import Params

StateBody = Callable[["StateContext"], Awaitable[None] | None]
FsmBody = Callable[["FsmScriptContext"], Awaitable[None] | None]

_entering: ContextVar[StateContext | None] = ContextVar("ocs_entering_state", default=None)


class FsmScriptContext(HookRegistration, ProcedureAccess, ObservatoryAccess):
    """The top level of an FSM script: its states, and the handlers that are in force in every state.

    Commands are handled by states only. Work that is started here goes on when the state changes.
    """

    def __init__(self, life: ScriptLife, initial: str) -> None:
        super().__init__(life, life.background)
        self._initial = initial
        self._states: dict[str, StateBody] = {}
        self._current: StateContext | None = None
        self._one_at_a_time = asyncio.Lock()

    def state(self, name: str) -> Callable[[StateBody], StateBody]:
        """Declare a state: the decorated function registers its handlers each time it is entered. Case matters."""

        def declare(body: StateBody) -> StateBody:
            self._states[name] = body
            return body

        return declare

    async def become(self, state: str, *params: Parameter[Any]) -> None:
        """Enter a state: its handlers replace those of the present one, whose timers, loops and subscriptions end.

        Becoming the present state changes nothing, not even the parameters. When the state's function fails, the
        present state stays.

        Raises:
            BadInputError: no such state.
        """
        outer = _entering.get()
        if outer is not None and outer.is_entering:  # a state that, while it is entered, goes on to another one
            await self._become(state, params)
            outer.went_on = True
        else:
            async with self._one_at_a_time:
                await self._become(state, params)

    async def _become(self, state: str, params: tuple[Parameter[Any], ...]) -> None:
        if self._current is not None and self._current.entered == state:
            return
        if state not in self._states:
            known = ", ".join(self._states) or "none"
            problem = f"No state declaration found for state: {state}"
            raise BadInputError(where=f"FSM script of {self.prefix}", problem=problem, remedy=f"its states: {known}")
        entered = StateContext(self, state, Params(*params))
        try:
            await self._evaluate(entered)
        except BaseException:
            entered.end()
            raise
        if entered.went_on:
            entered.end()
            return
        left, self._current = self._current, entered
        if left is not None:
            left.end()

    async def _evaluate(self, entered: StateContext) -> None:
        mark = _entering.set(entered)
        try:
            outcome = self._states[entered.entered](entered)
            if inspect.isawaitable(outcome):
                await outcome
        finally:
            entered.is_entering = False
            _entering.reset(mark)

    async def run(self) -> RunningScript:
        """Enter the first state."""
        await self.become(self._initial)
        return RunningScript(self.life, self._scopes, lambda: self._present.entered)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return tuple(self._states)

    @property
    def _present(self) -> StateContext:
        assert self._current is not None, "run() comes first"
        return self._current

    def _scopes(self) -> tuple[Any, ...]:
        return self._present.handlers, self.handlers


class StateContext(ScriptContext):
    """One state of an FSM script: a ScriptContext with ``become`` and the parameters the state was entered with."""

    def __init__(self, machine: FsmScriptContext, state: str, params: Params) -> None:
        life = machine.life
        background = Background(life.report, parent=life.background)
        ObservatoryAccess.__init__(self, life, background)
        self._machine = machine
        self.entered, self.params = state, params
        self.is_entering, self.went_on = True, False

    async def become(self, state: str, *params: Parameter[Any]) -> None:
        """Enter another state; see ``FsmScriptContext.become``."""
        await self._machine.become(state, *params)

    def end(self) -> None:
        """The state was left."""
        self._background.end()


class FsmScript(Script):
    """A script file's entry that has states.

    Args:
        initial: the first state.
        body: declares the states, whose names are known after the start.
    """

    def __init__(self, initial: str, body: FsmBody) -> None:
        self._initial, self._fsm_body = initial, body
        self.states: tuple[str, ...] = ()

    @property
    def body(self) -> Callable[..., Any]:
        """The marked function."""
        return self._fsm_body

    async def start(self, ctx: ScriptContext) -> RunningScript:
        """Declare the states and enter the first one."""
        top = FsmScriptContext(ctx.life, self._initial)
        ctx.life.error_handlers = lambda: top.handlers.global_error
        outcome = self._fsm_body(top)
        if inspect.isawaitable(outcome):
            await outcome
        self.states = top.states
        return await top.run()


def fsm_script(*, initial: str) -> Callable[[FsmBody], Script]:
    """Mark the one function of a file that is its script, one with states::

    @fsm_script(initial="PARKED")
    async def lead(machine: FsmScriptContext) -> None:
        @machine.state("PARKED")
        async def parked(ctx: StateContext) -> None:
            @ctx.on_setup("unpark")
            async def unpark(command: Setup) -> None:
                await ctx.become("READY")
    """
    return lambda body: FsmScript(initial, body)
