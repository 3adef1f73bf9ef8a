"""Asking by name on a real Ray: the handle that is kept is never one of an actor that is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest
import ray

from ocs_ray.actors.spawning import RaySpawner, create
from ocs_ray.errors import NameTakenError, UnreachableError
from ocs_ray.location import call
from ocs_ray.location.call import FRESH_S, ask, ask_sync, find
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetStatus

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

IRIS = Prefix("IRIS.Dark")
NAME = actor_name(IRIS, ComponentType.Sequencer)


def sequencer() -> int:
    """Start one under the name, as soon as that is free; its pid."""
    deadline = time.monotonic() + 20
    while True:
        try:
            handle = create("Sequencer", NAME, IRIS, ObsMode("Dark"), Prefix("IRIS.c"), resource=None, restarts=0)
            return ray.get(handle.ask.remote(GetStatus()), timeout=30).pid
        except NameTakenError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


async def pid_of() -> int:
    return (await ask(NAME, GetStatus(), 10)).pid


def test_given_somebody_who_was_asked_when_asked_again_then_he_is_not_looked_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pid, looked_up = sequencer(), list[str]()

    def counted(name: str) -> Any:
        looked_up.append(name)
        return find(name)

    monkeypatch.setattr(call, "find", counted)
    monkeypatch.setattr(call, "_KEPT", {})

    async def story() -> None:
        for pause_s in (0, 0, 2 * FRESH_S):  # the last one asks Ray whether he lives
            await asyncio.sleep(pause_s)
            assert await pid_of() == pid

    asyncio.run(story())
    assert looked_up == [NAME]


@pytest.mark.parametrize("by", ["its spawner", "kill -9"])
def test_given_one_of_that_name_is_gone_when_another_has_taken_it_then_the_next_question_is_for_him(by: str) -> None:
    first = sequencer()
    assert asyncio.run(pid_of()) == first
    if by == "its spawner":
        asyncio.run(RaySpawner(Prefix("IRIS.m"), "machine:IRIS.m").kill(NAME))
    else:
        os.kill(first, signal.SIGKILL)
        time.sleep(2 * FRESH_S)  # the time is what is under test: how long somebody is taken for alive
    second = sequencer()
    assert first != second
    assert asyncio.run(pid_of()) == second
    assert ask_sync(NAME, GetStatus(), 10).pid == second


def test_given_somebody_who_is_gone_when_asked_then_that_is_said_and_so_it_is_when_asked_again() -> None:
    pid = sequencer()
    assert asyncio.run(pid_of()) == pid
    ray.kill(find(NAME))
    time.sleep(2 * FRESH_S)  # the time is what is under test: how long somebody is taken for alive
    for _ in range(2):
        with pytest.raises(UnreachableError, match=r"IRIS.Dark-Sequencer (is not running|died)"):
            asyncio.run(pid_of())
