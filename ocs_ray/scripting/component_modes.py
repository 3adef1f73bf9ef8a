"""The device's side of locks, online and offline, diagnostic and operations mode.

Source: csw SupervisorBehavior.scala, ComponentBehavior.scala.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ocs_ray.models.component_modes import (
    DeviceDiagnosticMode,
    DeviceGoOffline,
    DeviceGoOnline,
    DeviceOperationsMode,
    GetCurrentStates,
    LockComponent,
    LockNotice,
    ModeMessage,
    NextLockNotice,
    StillLocked,
    UnlockComponent,
)
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.component_handlers import ComponentHandlers
from ocs_ray.scripting.component_lock import ComponentLock


class ComponentModes:
    """What a shell hands these messages to.

    Args:
        handlers: what the device's author wrote.
    """

    def __init__(self, handlers: ComponentHandlers) -> None:
        self._handlers, self._ctx = handlers, handlers.ctx
        self._lock = ComponentLock(lambda: asyncio.get_running_loop().time())
        self._moved = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._wanted_online = True

    def refuses(self, source: Prefix) -> bool:
        """Whether commands of ``source`` are to be answered Locked."""
        return self._lock.refuses(source)

    async def ask(self, message: ModeMessage) -> Any:
        """Take one message; handlers run in the background, one after the other; failures are logged."""
        match message:
            case LockComponent(source=source, lease_s=lease_s):
                return self._woken(self._lock.acquire(source, lease_s))
            case UnlockComponent(source=source):
                return self._woken(self._lock.release(source))
            case NextLockNotice():
                return await self._notice(message)
            case GetCurrentStates():
                return await self._ctx.current_states.pull(message)
            case DeviceGoOnline():
                return self._switch(True, self._handlers.on_go_online)
            case DeviceGoOffline():
                return self._switch(False, self._handlers.on_go_offline)
            case DeviceDiagnosticMode(start_time=start_time, hint=hint):
                return self._run(lambda: self._handlers.on_diagnostic_mode(start_time, hint))
            case DeviceOperationsMode():
                return self._run(self._handlers.on_operations_mode)

    def _switch(self, online: bool, handler: Callable[[], Awaitable[None]]) -> Ok:
        if self._wanted_online == online:  # as in CSW, the handler is for the change only
            return Ok()
        self._wanted_online = online

        async def switch() -> None:
            self._ctx.is_online = online
            await handler()

        return self._run(switch)

    def _run(self, handler: Callable[[], Awaitable[None]]) -> Ok:
        async def in_turn() -> None:
            async with self._one_at_a_time:
                await handler()

        self._ctx.start(in_turn())
        return Ok()

    def _woken(self, response: Any) -> Any:
        self._moved.set()
        self._moved = asyncio.Event()
        return response

    async def _notice(self, asked: NextLockNotice) -> LockNotice:
        clock = asyncio.get_running_loop()
        give_up = clock.time() + asked.timeout_s
        while isinstance(notice := self._lock.notice(asked.lock_id, asked.after_warning), StillLocked):
            left = give_up - clock.time()
            if left <= 0:
                break
            moved = self._moved
            try:
                async with asyncio.timeout(min(left, self._lock.until_next(asked.after_warning))):
                    await moved.wait()
            except TimeoutError:
                continue
        return notice
