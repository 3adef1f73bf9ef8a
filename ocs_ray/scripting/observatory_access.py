"""What a script may call outside itself: devices, other sequencers, the event service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, overload

from ocs_ray.models.alarms import AlarmKey, AlarmSeverity
from ocs_ray.models.events import Event, EventKey, SystemEvent
from ocs_ray.models.identifiers import Id, ObsId
from ocs_ray.models.new_id import new_id
from ocs_ray.models.observe_events import ObserveEventName, observe_event
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.scripting.alarms import Alarms
from ocs_ray.scripting.async_functions import must_be_async
from ocs_ray.scripting.background import Background, Cancellable
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.configuration import ConfigReading
from ocs_ray.scripting.event_delivery import EventCallback, deliver, deliver_at_rate
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.locations import LocationCallback, Locations, follow
from ocs_ray.scripting.observe_event_publisher import ObserveEventPublisher
from ocs_ray.scripting.script_life import ScriptLife
from ocs_ray.scripting.script_scope import ScriptScope
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.scripting.time_service import utc_time_now
from ocs_ray.scripting.timers import call_periodically

EventMaker = Callable[[], Awaitable[Event | None]]


class ObservatoryAccess(ScriptScope):
    """Commands to other components, where they are, configuration, alarms and events.

    Args:
        life: what all parts of the script share.
        background: keeps subscriptions and the like.
    """

    def __init__(self, life: ScriptLife, background: Background) -> None:
        super().__init__(life, background)
        self.events = Events(life.prefix, life.port)
        self.observe_events = ObserveEventPublisher(self.publish_observe_event)
        self.location = Locations(life.port)
        self.config = ConfigReading(life.port)
        self.alarms = Alarms(life.port)

    def assembly(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Assembly:
        """An assembly; it is looked up at every command, so it need not run yet."""
        return Assembly(prefix, timeout, self.life.port, source=self.prefix, background=self._background)

    def hcd(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Hcd:
        """An HCD; it is looked up at every command."""
        return Hcd(prefix, timeout, self.life.port, source=self.prefix, background=self._background)

    def sequencer(
        self,
        subsystem: Subsystem,
        obs_mode: str | None = None,
        variation: str | None = None,
        *,
        timeout: timedelta = timedelta(hours=10),
    ) -> Sequencer:
        """Another sequencer, of this script's own mode when ``obs_mode`` is left out."""
        return Sequencer(subsystem, obs_mode or self.obs_mode, variation, timeout=timeout, port=self.life.port)

    def on_location_change(
        self, prefix: str, component_type: ComponentType
    ) -> Callable[[LocationCallback], Cancellable]:
        """Call the decorated function with LocationUpdated when a component comes, with LocationRemoved when it goes.

        One that is there already is told first. It is looked for every 0.25 s, until cancelled.
        """

        def register(callback: LocationCallback) -> Cancellable:
            must_be_async(callback, "on_location_change")
            whom, report = Prefix(prefix), self.life.report
            return self._background.launch(
                lambda handle: follow(self.location, whom, component_type, callback, report, handle)
            )

        return register

    async def set_severity(self, key: AlarmKey, severity: AlarmSeverity) -> None:
        """Set an alarm, and say it again every 3 s until the script ends; set anew, the new severity takes its place.

        ``await ctx.set_severity(AlarmKey(ctx.prefix, "tooWarm"), AlarmSeverity.Warning)``

        Raises:
            UnreachableError: the alarm service does not answer; it is told all the same as soon as it does.
        """
        await self.life.severities.set(key, severity)

    # -- events --------------------------------------------------------------------------------------------------

    def system_event(self, name: str, *params: Parameter[Any]) -> SystemEvent:
        """A SystemEvent of this sequencer, stamped with now; ``publish_event`` makes it known."""
        return SystemEvent(self.prefix, name, *params, event_id=Id(new_id()), event_time=utc_time_now())

    async def publish_event(self, event: Event | str, *params: Parameter[Any]) -> None:
        """Publish an event, or the SystemEvent of this sequencer with a name and parameters.

        ``await ctx.publish_event("filterMoved", POSITION.set("K"))``.
        """
        await self.events.publish(self.system_event(event, *params) if isinstance(event, str) else event)

    def publish_event_every(self, interval: timedelta) -> Callable[[EventMaker], Cancellable]:
        """Publish what the decorated function returns, every ``interval`` from now on; None publishes nothing."""

        def register(maker: EventMaker) -> Cancellable:
            must_be_async(maker, "publish_event_every")

            async def publish() -> None:
                if (event := await maker()) is not None:
                    await self.publish_event(event)

            return call_periodically(self._background, self.life.report, 0.0, interval, publish)

        return register

    async def publish_observe_event(self, name: ObserveEventName, obs_id: ObsId | None, **fields: Any) -> None:
        """Publish an ObserveEvent of this sequencer; ``observe_events`` has a method for each.

        Args:
            name: which one, for example ``ObserveEventName.PresetStart``.
            obs_id: the observation it belongs to.
            fields: further values of that event: ``exposure_id``, ``filename``, ``p``, ``q`` ...
        """
        event = observe_event(
            name, source=self.prefix, event_id=Id(new_id()), event_time=utc_time_now(), obs_id=obs_id, **fields
        )
        await self.events.publish(event)

    @overload
    async def get_event(self, key: EventKey, /) -> Event | None: ...
    @overload
    async def get_event(self, key: EventKey, /, *keys: EventKey) -> tuple[Event | None, ...]: ...
    async def get_event(self, key: EventKey, /, *keys: EventKey) -> Event | tuple[Event | None, ...] | None:
        """The latest event with this key; of several keys, a tuple in their order. None: nothing was published yet."""
        return await self.events.get_all(key, *keys) if keys else await self.events.get(key)

    async def wait_for_event(self, key: EventKey, condition: Callable[[Event], bool], timeout_s: float = 60.0) -> Event:
        """The first event with this key for which ``condition`` holds; the latest one counts.

        Raises:
            UnreachableError: none came within ``timeout_s`` seconds.
        """
        return await self.events.wait_for(key, condition, timeout_s)

    def on_event(self, *keys: EventKey, every: timedelta | None = None) -> Callable[[EventCallback], Cancellable]:
        """Call the decorated function with every event of these keys, the latest first, one at a time.

        Args:
            every: call it in this rhythm instead, with the latest event of each key, again where nothing new came.
        """

        def register(callback: EventCallback) -> Cancellable:
            must_be_async(callback, "on_event")
            report = self.life.report
            if every is not None:
                return deliver_at_rate(self._background, self.events, keys, every, callback, report)
            return self._background.launch(lambda handle: deliver(self.events, keys, callback, report, handle))

        return register
