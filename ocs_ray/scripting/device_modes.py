"""The caller's side of locks, current states and modes of a device. Source: esw RichComponent.kt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.component_modes import (
    CurrentStates,
    GetCurrentStates,
    LockAcquired,
    LockComponent,
    LockExpired,
    LockExpiringShortly,
    LockNotice,
    LockResponse,
    NextLockNotice,
    StillLocked,
    UnlockComponent,
    UnlockResponse,
)
from ocs_ray.models.events import CurrentState
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.background import Background, Cancellable
from ocs_ray.scripting.port import Port

ANSWER_S: Final = 5.0
"""Longest wait for an answer, in seconds."""
PULL_S: Final = 10.0
"""How long one pull waits, in seconds; then it asks again."""
RETRY_S: Final = 1.0
"""Wait before another try when the device does not answer, in seconds."""

Callback = Callable[[], Awaitable[None]]


class DeviceModes:
    """Locks, current states and modes of one device.

    Args:
        name: the device's name as an actor.
        port: where it is reached.
        source: who asks; locks are held in this name.
        background: keeps subscriptions; failures of callbacks go where it says.
    """

    def __init__(
        self, name: str, port: Callable[[], Port], source: Prefix | None, background: Background | None
    ) -> None:
        self._name, self._port, self._source = name, port, source
        self._background = background or Background(_log)

    async def tell(self, message: Message) -> None:
        """Send what is only acknowledged."""
        await self._port().ask(self._name, message, ANSWER_S)

    async def lock(self, lease: timedelta, about_to_expire: Callback | None, expired: Callback | None) -> LockResponse:
        """Ask for the lock and follow it."""
        message = LockComponent(source=self._asker("lock"), lease_s=lease.total_seconds())
        response: LockResponse = await self._port().ask(self._name, message, ANSWER_S)
        if isinstance(response, LockAcquired) and (about_to_expire or expired):
            lock_id = response.lock_id
            self._background.start(self._follow(lock_id, about_to_expire or _nothing, expired or _nothing))
        return response

    async def unlock(self) -> UnlockResponse:
        """Give the lock back."""
        return await self._port().ask(self._name, UnlockComponent(source=self._asker("unlock")), ANSWER_S)

    def subscribe(self, names: tuple[str, ...], callback: Callable[[CurrentState], Awaitable[None]]) -> Cancellable:
        """Bring current states to a callback, one at a time."""
        return self._background.launch(lambda handle: self._deliver(names, callback, handle))

    def _asker(self, what: str) -> Prefix:
        if self._source is None:
            remedy = "give it: Assembly(prefix, source=Prefix('ESW.me'))"
            raise BadInputError(where=what, problem="nobody's name is known to hold the lock", remedy=remedy)
        return self._source

    async def _follow(self, lock_id: str, about_to_expire: Callback, expired: Callback) -> None:
        warned = False
        while True:
            asked = NextLockNotice(lock_id=lock_id, after_warning=warned, timeout_s=PULL_S)
            notice: LockNotice = await self._port().ask(self._name, asked, PULL_S + ANSWER_S)
            match notice:
                case LockExpiringShortly():
                    warned = True
                    await self._background.guard(about_to_expire())  # should it fail, the end is told all the same
                case LockExpired():
                    return await expired()
                case StillLocked():
                    pass
                case _:
                    return None

    async def _deliver(
        self, names: tuple[str, ...], callback: Callable[[CurrentState], Awaitable[None]], handle: Cancellable
    ) -> None:
        after: int | None = None
        silent = False
        while handle.goes_on:
            asked = GetCurrentStates(names=names, after=after, timeout_s=PULL_S)
            try:
                batch: CurrentStates = await self._port().ask(self._name, asked, PULL_S + ANSWER_S)
            except UnreachableError as failure:
                if not silent:
                    await self._background.tell(failure)
                silent, after = True, None  # another incarnation counts anew
                await asyncio.sleep(RETRY_S)
                continue
            silent, after = False, batch.last
            for state in batch.states:
                if handle.goes_on:
                    await self._background.guard(callback(state))


async def _nothing() -> None:
    """Nobody wants to know."""


async def _log(failure: BaseException) -> None:
    logging.getLogger("ocs.device").error("a callback failed: %s", failure, exc_info=failure)
