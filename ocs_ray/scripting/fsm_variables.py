"""Variables that refresh the state machines bound to them. Source: esw CommandFlag.kt, EventVariableImpl.kt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, Self, TypeVar

from ocs_ray.models.events import Event, EventKey, SystemEvent
from ocs_ray.models.identifiers import Id
from ocs_ray.models.keys import Key
from ocs_ray.models.new_id import new_id
from ocs_ray.models.params import Parameter
from ocs_ray.scripting.background import Background, Cancellable, Report
from ocs_ray.scripting.event_delivery import deliver
from ocs_ray.scripting.events import Events, is_invalid
from ocs_ray.scripting.fsm import Fsm
from ocs_ray.scripting.state_params import Params
from ocs_ray.scripting.time_service import utc_time_now
from ocs_ray.scripting.timers import call_periodically

T = TypeVar("T")


class Binding:
    """The tie between a variable and a machine; the machine's end cuts it too."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut: Callable[[], None] | None = cut

    def cancel(self) -> None:
        """Cut it; twice is no error."""
        if self._cut is not None:
            self._cut()
            self._cut = None


class _Bound:
    """The machines bound to a variable."""

    def __init__(self) -> None:
        self._machines: list[Fsm] = []

    def bind(self, machine: Fsm) -> Binding:
        """Refresh ``machine`` whenever this changes; one that has completed is left alone."""
        if machine.is_completed:
            return Binding(lambda: None)
        self._machines.append(machine)
        binding = Binding(lambda: self._unbind(machine))
        machine.on_complete(binding.cancel)
        if len(self._machines) == 1:
            self._first_bound()
        return binding

    def _unbind(self, machine: Fsm) -> None:
        self._machines.remove(machine)
        if not self._machines:
            self._last_unbound()

    def _first_bound(self) -> None:
        """Begin to look for changes."""

    def _last_unbound(self) -> None:
        """Nobody cares any more."""

    async def _refresh(self) -> None:
        for machine in tuple(self._machines):
            await machine.refresh()


class CommandFlag(_Bound):
    """Parameters a command handler leaves for state machines of the same script."""

    def __init__(self) -> None:
        super().__init__()
        self._value = Params()

    @property
    def value(self) -> Params:
        """What was set last; empty before."""
        return self._value

    async def set(self, *params: Parameter[Any]) -> None:
        """Replace the value, and refresh all bound machines."""
        self._value = Params(*params)
        await self._refresh()


class EventVariable(_Bound):
    """The latest event of a key; made with ``await ctx.event_variable(key)``.

    With ``every`` it looks in that rhythm and refreshes only when there is another event; else every event refreshes.
    Events that only say that nothing was published yet are ignored.
    """

    def __init__(
        self, events: Events, key: EventKey, every: timedelta | None, background: Background, report: Report
    ) -> None:
        super().__init__()
        self.key = key
        self._events, self._every = events, every
        self._background, self._report = background, report
        self._event: Event | None = None
        self._looking: Cancellable | None = None

    @classmethod
    async def of(
        cls, events: Events, key: EventKey, every: timedelta | None, background: Background, report: Report
    ) -> Self:
        """A variable that holds what was published last."""
        variable = cls(events, key, every, background, report)
        variable.hold(await events.get(key))
        return variable

    @property
    def event(self) -> Event | None:
        """The latest event; None when none was published yet."""
        return self._event

    @property
    def is_looking(self) -> bool:
        """Whether it follows the event service: while a machine is bound."""
        return self._looking is not None

    def hold(self, event: Event | None) -> bool:
        """Take this as the latest event; whether it is another one than before."""
        if event is None or is_invalid(event):
            return False
        differs = self._event is None or self._event.event_id != event.event_id
        self._event = event
        return differs

    def _first_bound(self) -> None:
        if self._every is None:
            self._looking = self._background.launch(
                lambda handle: deliver(self._events, (self.key,), self._received, self._report, handle)
            )
        else:
            self._looking = call_periodically(self._background, self._report, 0.0, self._every, self._poll)

    def _last_unbound(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = None

    async def _received(self, event: Event) -> None:
        if not is_invalid(event):
            self.hold(event)
            await self._refresh()

    async def _poll(self) -> None:
        if self.hold(await self._events.get(self.key)):
            await self._refresh()


class ParamVariable(Generic[T]):
    """One parameter of an event; made with ``await ctx.param_variable(KEY.set(0), event_key)``.

    Setting it publishes the event, so other components follow it as well.
    """

    def __init__(self, variable: EventVariable, events: Events, initial: Parameter[T], param: Key[T]) -> None:
        self._variable, self._events, self._key = variable, events, param
        self._param = initial

    @classmethod
    async def of(
        cls,
        events: Events,
        initial: Parameter[T],
        key: EventKey,
        param: Key[T],
        every: timedelta | None,
        background: Background,
        report: Report,
    ) -> ParamVariable[T]:
        """A variable whose event was just published with ``initial``."""
        variable = cls(EventVariable(events, key, every, background, report), events, initial, param)
        await variable._publish(initial)
        return variable

    def bind(self, machine: Fsm) -> Binding:
        """Refresh ``machine`` whenever the event changes."""
        return self._variable.bind(machine)

    def first(self) -> T:
        """The first value."""
        return self.get_param().head()

    def values(self) -> tuple[T, ...]:
        """All values."""
        return self.get_param().values

    def get_param(self) -> Parameter[T]:
        """The parameter as the latest event has it; the one before where that event lacks it."""
        event = self._variable.event
        found = event.get(self._key) if event is not None else None
        if found is not None:
            self._param = found
        return self._param

    async def set_param(self, *values: T) -> None:
        """Set the values here and now, and publish them."""
        await self._publish(self._key.set(*values))

    async def _publish(self, param: Parameter[T]) -> None:
        key = self._variable.key
        event = SystemEvent(key.source, key.event_name, param, event_id=Id(new_id()), event_time=utc_time_now())
        self._variable.hold(event)
        await self._events.publish(event)
