"""Ending an actor while others start theirs; the real thing is in tests/cluster."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ocs_ray.actors import spawning
from ocs_ray.models.prefix import Prefix

NAME = "IRIS.A-Sequencer"


def test_given_another_actor_takes_the_name_at_once_when_one_is_killed_then_its_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # weakness 5: what ends late takes nothing from the one that has its name now
    first, second = (SimpleNamespace(_actor_id=number) for number in (b"1", b"2"))
    called: dict[str, Any] = {NAME: first}
    ended: list[str] = []

    def end(_: object) -> None:
        called[NAME] = second  # another manager was waiting for the name

    monkeypatch.setattr(spawning.ray, "kill", end)
    monkeypatch.setattr(spawning, "names", lambda: list(called))
    monkeypatch.setattr(spawning, "find", called.__getitem__)
    monkeypatch.setattr(spawning, "end_left_over", ended.append)
    spawner = spawning.RaySpawner(Prefix("IRIS.machine1"), "machine:IRIS.machine1")
    asyncio.run(asyncio.wait_for(spawner.kill(NAME), 1))
    assert ended == ["31"]
    assert called == {NAME: second}
