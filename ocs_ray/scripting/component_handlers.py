"""How a device behaves: what an assembly's author writes. Source: csw ComponentHandlers.scala."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from typing import Any

from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.events import CurrentState
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import CommandIssue, SubmitResponse
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.current_states import CurrentStateLog
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.time_scale import TimeScale


class ComponentContext:
    """What a device is handed: its name, its options, its events, its clock.

    Args:
        prefix: the device's own prefix.
        options: what the cluster file gives it.
        port: the door to other components.
        time_scale: shortens simulated waits.
    """

    def __init__(self, prefix: Prefix, options: Mapping[str, Any], port: Port, time_scale: TimeScale) -> None:
        self.prefix = prefix
        self.options = options
        self.events = Events(prefix, port)
        self.is_online = True
        self.current_states = CurrentStateLog()
        self.log = logging.getLogger(f"ocs.device.{prefix}")
        self._time_scale = time_scale
        self._background: set[asyncio.Task[None]] = set()

    async def publish(self, name: str, *params: Parameter[Any]) -> None:
        """Publish a SystemEvent of this device."""
        await self.events.publish_system_event(name, *params)

    def publish_current_state(self, name: str, *params: Parameter[Any]) -> None:
        """Tell those who subscribed what state this device is in."""
        self.current_states.publish(CurrentState(self.prefix, name, *params))

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of observatory time; a rehearsal's time factor shortens it."""
        await self._time_scale.sleep(seconds)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background; the caller may cancel the task. A failure is logged."""
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before its first turn was never begun
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self.log.exception("background work of %s failed", self.prefix)


class ComponentHandlers(ABC):
    """Base of a device: override what the device does."""

    def __init__(self, ctx: ComponentContext) -> None:
        self.ctx = ctx

    async def initialize(self) -> None:
        """Called once before the first command."""

    def validate(self, command: ControlCommand) -> CommandIssue | None:
        """Why the command cannot be taken now; None when it can. Must not wait and must not change anything."""
        return None

    @abstractmethod
    async def on_submit(self, command: ControlCommand, run_id: str) -> SubmitResponse:
        """Run a command and give back its final response.

        A handler that never waits answers the submitter at once; any other is answered Started first.
        An exception becomes Error with its text.
        """

    async def on_oneway(self, command: ControlCommand, run_id: str) -> None:
        """Run a command nobody waits for; by default the same as a submitted one."""
        await self.on_submit(command, run_id)

    async def on_go_online(self) -> None:
        """Called when the device, being offline, is told to go online; ``ctx.is_online`` is true by then."""

    async def on_go_offline(self) -> None:
        """Called when the device, being online, is told to go offline; ``ctx.is_online`` is false by then."""

    async def on_diagnostic_mode(self, start_time: UTCTime, hint: str) -> None:
        """Called when diagnostic data are wanted: publish them from ``start_time`` on; ``hint`` says which."""

    async def on_operations_mode(self) -> None:
        """Called when diagnostic data are not wanted any more."""

    async def on_shutdown(self) -> None:
        """Called once before the device ends."""
