"""The event service: a thin shell around ``core.event_store``."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from ocs_ray.core.event_store import CROWDED_S, CrowdedError, EventStore
from ocs_ray.errors import UnreachableError
from ocs_ray.models.actor_names import EVENT_SERVICE
from ocs_ray.models.event_messages import EventBatch, GetEvent, NextEvents, Publish, Subscribe, Unsubscribe
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok

SILENT_S: Final = 3600.0
"""A subscriber that did not pull for so long is taken for dead, in seconds. A callback may wait for an exposure before
it pulls again, and what waits for it meanwhile is bounded."""


class EventServiceShell:
    """Publishes to subscribers that pull."""

    def __init__(self) -> None:
        self._store = EventStore()
        self._arrived: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Nothing to prepare."""

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.event_messages``."""
        match message:
            case Publish(event=event):
                for id_ in self._store.publish(event):
                    self._arrived.setdefault(id_, asyncio.Event()).set()
                return Ok()
            case NextEvents(subscription_id=id_, timeout_s=timeout_s):
                return await self._next(id_, timeout_s)
            case GetEvent(keys=keys):
                return self._store.latest(keys)
            case Subscribe():
                self._subscribe(message)
                return Ok()
            case Unsubscribe(subscription_id=id_):
                self._store.unsubscribe(id_)
                self._closed(id_)
                return Ok()
            case GetStatus():
                return Ok()
            case _:
                raise TypeError(f"the event service does not understand {type(message).__name__}")

    def _subscribe(self, asked: Subscribe) -> None:
        now = time.monotonic()
        gone = self._store.drop_silent(now, SILENT_S)
        try:
            gone += self._store.subscribe(asked.subscription_id, asked.keys, asked.patterns, now)
        except CrowdedError as crowd:
            raise UnreachableError(
                name=EVENT_SERVICE,
                reason=f"takes no further subscription: {crowd}",
                remedy=f"close some; one that is not pulled makes room after {CROWDED_S:g} s",
            ) from None
        finally:
            for id_ in gone:
                self._closed(id_)

    def _closed(self, id_: str) -> None:
        if (arrived := self._arrived.pop(id_, None)) is not None:
            arrived.set()  # whoever waits for it is told now

    async def _next(self, id_: str, timeout_s: float) -> EventBatch:
        arrived = self._arrived.setdefault(id_, asyncio.Event())
        batch = self._pull(id_)
        if batch.events:
            return batch
        arrived.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await arrived.wait()
        except TimeoutError:
            pass
        return self._pull(id_)

    def _pull(self, id_: str) -> EventBatch:
        batch = self._store.pull(id_, time.monotonic())
        if batch is None:
            self._arrived.pop(id_, None)
            raise UnreachableError(name=f"subscription {id_}", reason="is not open", remedy="subscribe again")
        return batch
