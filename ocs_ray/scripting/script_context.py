"""What a script is handed: who it is, where it registers its handlers, and what it may call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.models.events import Event, EventKey, ObserveEvent
from ocs_ray.models.identifiers import Id, ObsId, ObsMode
from ocs_ray.models.observe_events import ObserveEventName, observe_event
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.events import Events, new_id, utc_now
from ocs_ray.scripting.handlers import (
    ErrorHandler,
    Handlers,
    HookHandler,
    ObserveHandler,
    SetupHandler,
    WaitHandler,
)
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.scripting.time_scale import TimeScale

H = TypeVar("H", bound=Callable[..., Awaitable[None]])
EventCallback = Callable[[Event], Awaitable[None]]


class ScriptContext:
    """The script's view of its sequencer and of the observatory.

    Handlers, timers and event callbacks of one script share one thread and one loop, so plain Python variables
    of the script are safe without locks. Source: esw CswHighLevelDsl.kt, BaseScript.

    Args:
        prefix: the sequencer's own prefix, ``IRIS.IRIS_ImagerOnly``.
        obs_mode: its observing mode.
        port: the door to other components.
        time_scale: shortens simulated waits.
    """

    def __init__(self, prefix: Prefix, obs_mode: ObsMode, port: Port, time_scale: TimeScale) -> None:
        self.prefix = prefix
        self.obs_mode = obs_mode
        self.handlers = Handlers()
        self.events = Events(prefix, port)
        self.log = logging.getLogger(f"ocs.script.{prefix}")
        self._port = port
        self._time_scale = time_scale
        self._background: set[asyncio.Task[None]] = set()

    # -- handlers ------------------------------------------------------------------------------------------------

    def on_setup(self, name: str) -> Callable[[SetupHandler], SetupHandler]:
        """Register the handler of ``Setup`` commands with this name; the last one wins."""
        return partial(self._register, self.handlers.setup, name)

    def on_observe(self, name: str) -> Callable[[ObserveHandler], ObserveHandler]:
        """Register the handler of ``Observe`` commands with this name; the last one wins."""
        return partial(self._register, self.handlers.observe, name)

    def on_wait(self, name: str) -> Callable[[WaitHandler], WaitHandler]:
        """Register the handler of ``Wait`` commands with this name; the last one wins."""
        return partial(self._register, self.handlers.wait, name)

    def on_new_sequence(self, handler: HookHandler) -> HookHandler:
        """Register what runs before the first step of every sequence; its failure refuses the sequence."""
        return self._hook(Hook.NEW_SEQUENCE, handler)

    def on_abort_sequence(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequence is aborted."""
        return self._hook(Hook.ABORT_SEQUENCE, handler)

    def on_stop(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequence is stopped."""
        return self._hook(Hook.STOP, handler)

    def on_shutdown(self, handler: HookHandler) -> HookHandler:
        """Register what runs before the sequencer ends."""
        return self._hook(Hook.SHUTDOWN, handler)

    def on_global_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Register what runs after any handler or callback failed."""
        self.handlers.global_error.append(handler)
        return handler

    def _register(self, table: dict[str, H], name: str, handler: H) -> H:
        table[name] = handler
        return handler

    def _hook(self, hook: Hook, handler: HookHandler) -> HookHandler:
        self.handlers.hooks[hook].append(handler)
        return handler

    async def load_scripts(self, *bodies: Callable[[ScriptContext], Awaitable[None] | None]) -> None:
        """Add the handlers of reusable scripts to this one."""
        for body in bodies:
            outcome = body(self)
            if inspect.isawaitable(outcome):
                await outcome

    # -- other components ----------------------------------------------------------------------------------------

    def assembly(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Assembly:
        """An assembly; it is looked up at every command, so it need not run yet."""
        return Assembly(prefix, timeout, self._port)

    def hcd(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Hcd:
        """An HCD; it is looked up at every command."""
        return Hcd(prefix, timeout, self._port)

    def sequencer(
        self,
        subsystem: Subsystem,
        obs_mode: str | None = None,
        variation: str | None = None,
        *,
        timeout: timedelta = timedelta(hours=10),
    ) -> Sequencer:
        """Another sequencer, of this script's own mode when ``obs_mode`` is left out."""
        return Sequencer(subsystem, obs_mode or self.obs_mode, variation, timeout=timeout, port=self._port)

    # -- events --------------------------------------------------------------------------------------------------

    async def publish_event(self, name: str, *params: Parameter[Any]) -> None:
        """Publish a SystemEvent of this sequencer."""
        await self.events.publish_system_event(name, *params)

    async def publish_observe_event(self, name: ObserveEventName, obs_id: ObsId | None, **fields: Any) -> None:
        """Publish an ObserveEvent of this sequencer.

        Args:
            name: which one, for example ``ObserveEventName.PresetStart``.
            obs_id: the observation it belongs to.
            fields: further values of that event: ``exposure_id``, ``filename``, ``p``, ``q`` ...
        """
        event: ObserveEvent = observe_event(
            name, source=self.prefix, event_id=Id(new_id()), event_time=utc_now(), obs_id=obs_id, **fields
        )
        await self.events.publish(event)

    async def get_event(self, key: EventKey) -> Event | None:
        """The latest event with this key."""
        return await self.events.get(key)

    async def wait_for_event(self, key: EventKey, condition: Callable[[Event], bool], timeout_s: float = 60.0) -> Event:
        """The first event with this key for which ``condition`` holds; the latest one counts.

        Raises:
            UnreachableError: none came within ``timeout_s`` seconds.
        """
        return await self.events.wait_for(key, condition, timeout_s)

    def on_event(self, *keys: EventKey) -> Callable[[EventCallback], EventCallback]:
        """Call the decorated function with every event of these keys, one at a time."""

        def register(callback: EventCallback) -> EventCallback:
            self.start(self._deliver(keys, callback))
            return callback

        return register

    async def _deliver(self, keys: tuple[EventKey, ...], callback: EventCallback) -> None:
        async for event in self.events.subscribe(*keys):
            try:
                await callback(event)
            except Exception as failure:
                await self.report(failure)

    # -- time and work -------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of observatory time; a rehearsal's time factor shortens it."""
        await self._time_scale.sleep(seconds)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background on the script's own thread; its failure reaches on_global_error."""
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before its first turn was never begun
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as failure:
            await self.report(failure)

    async def report(self, failure: BaseException) -> None:
        """Hand a failure to the script's on_global_error handlers; one that fails itself is logged."""
        self.log.error("%s", failure)
        for handler in self.handlers.global_error:
            try:
                await handler(failure)
            except Exception:
                self.log.exception("on_global_error failed")
