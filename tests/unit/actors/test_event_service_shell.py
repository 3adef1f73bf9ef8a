"""The event service's shell when there is no room: what it says, and to whom."""

from __future__ import annotations

import asyncio

import pytest

from ocs_ray.actors import event_service_shell
from ocs_ray.actors.event_service_shell import EventServiceShell
from ocs_ray.core import event_store
from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.event_messages import MOST_KEYS, NextEvents, Subscribe
from ocs_ray.scripting.events import Events
from ocs_ray.testing.local_observatory import LocalObservatory


def test_given_a_full_house_when_somebody_subscribes_then_the_service_says_what_there_is_too_much_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_store, "MOST_SUBSCRIPTIONS", 1)

    async def story() -> None:
        service = EventServiceShell()
        await service.ask(Subscribe(subscription_id="a", patterns=("*",)))
        with pytest.raises(UnreachableError, match=r"takes no further subscription: 1 subscriptions are open.*60 s"):
            await service.ask(Subscribe(subscription_id="b", patterns=("*",)))

    asyncio.run(story())


def test_given_a_subscription_that_had_to_go_when_it_is_waited_for_then_whoever_waits_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_service_shell, "SILENT_S", -1.0)  # everybody has been silent for long enough

    async def story() -> None:
        service = EventServiceShell()
        await service.ask(Subscribe(subscription_id="a", patterns=("*",)))
        waiting = asyncio.create_task(service.ask(NextEvents(subscription_id="a", timeout_s=60.0)))
        await asyncio.sleep(0)
        await service.ask(Subscribe(subscription_id="b", patterns=("*",)))
        with pytest.raises(UnreachableError, match="subscribe again"):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(story())


def test_given_too_many_keys_or_patterns_when_a_script_subscribes_then_it_is_told_how_many_there_may_be() -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            events = Events("ESW.script", observatory)
            with pytest.raises(BadInputError, match=r"ESW\.script: .*at most 100 keys.*this one 0 and 101"):
                async with events.subscription(patterns=("*",) * (MOST_KEYS + 1)):
                    pass

    asyncio.run(story())
