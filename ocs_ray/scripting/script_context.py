"""What a script is handed: who it is, where it registers its handlers, and what it may call."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from ocs_ray.models.events import EventKey
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.keys import Key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.scripting.fsm import Fsm
from ocs_ray.scripting.fsm_variables import EventVariable, ParamVariable
from ocs_ray.scripting.handler_registration import CommandRegistration, HookRegistration
from ocs_ray.scripting.observatory_access import ObservatoryAccess
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.procedure_access import ProcedureAccess
from ocs_ray.scripting.script_life import ScriptLife
from ocs_ray.scripting.sequence_operator import SequenceOperator
from ocs_ray.scripting.time_scale import TimeScale

T = TypeVar("T")
Body = Callable[["ScriptContext"], Awaitable[None] | None]


class ScriptContext(HookRegistration, CommandRegistration, ProcedureAccess, ObservatoryAccess):
    """The script's view of its sequencer and of the observatory.

    Handlers, timers and event callbacks of one script share one thread and one loop, so plain Python variables
    of the script are safe without locks. Source: esw CswHighLevelDsl.kt, BaseScript.

    Args:
        prefix: the sequencer's own prefix, ``IRIS.IRIS_ImagerOnly``.
        obs_mode: its observing mode.
        port: the door to other components.
        time_scale: shortens simulated waits.
        operator: the sequence it runs in, for ``next_if``; without one there is never a next step.
    """

    def __init__(
        self,
        prefix: Prefix,
        obs_mode: ObsMode,
        port: Port,
        time_scale: TimeScale,
        operator: SequenceOperator | None = None,
    ) -> None:
        life = ScriptLife(prefix, obs_mode, port, time_scale, operator)
        super().__init__(life, life.background)
        life.error_handlers = lambda: self.handlers.global_error

    @property
    def state(self) -> ProcedureState:
        """Where the procedure stands: ``if ctx.state is ProcedureState.HELD``; ``procedure_state`` in FSM scripts."""
        return self.procedure_state

    async def load_scripts(self, *bodies: Body) -> None:
        """Add the handlers of reusable scripts to this one: all of them, and where two name a command the last wins."""
        for body in bodies:
            outcome = body(self)
            if inspect.isawaitable(outcome):
                await outcome

    # -- state machines ------------------------------------------------------------------------------------------

    def fsm(self, name: str, initial: str) -> Fsm:
        """A state machine inside this script; give it states, then ``await fsm.start()``."""
        return Fsm(name, initial, self._background, self.life.report)

    async def event_variable(self, key: EventKey, every: timedelta | None = None) -> EventVariable:
        """The latest event with this key as a variable; state machines bound to it are refreshed when it changes.

        Args:
            every: look at it in this rhythm, instead of subscribing.
        """
        return await EventVariable.of(self.events, key, every, self._background, self.life.report)

    async def param_variable(
        self, initial: T, key: EventKey, param: Key[T], every: timedelta | None = None
    ) -> ParamVariable[T]:
        """One parameter of an event as a variable; the event with the value ``initial`` is published at once."""
        first = param.set(initial)
        return await ParamVariable[T].of(self.events, first, key, param, every, self._background, self.life.report)

    # -- what runs the script calls these, on the strand ------------------------------------------------------------

    def set_online(self, online: bool) -> None:
        """Say whether the sequencer is online."""
        self.life.is_online = online

    def request_cancel(self) -> None:
        """Tell the script that its present step should end."""
        self.life.cancel.set()

    def clear_cancel(self) -> None:
        """A new sequence begins."""
        self.life.cancel.clear()
