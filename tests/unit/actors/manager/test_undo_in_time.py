"""What a failed start takes to be undone: to its end, and never longer than its own limit (weaknesses 3 and 11)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors import manager_loading
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.core import manager_states
from ocs_ray.models.component_messages import UnloadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, GetManagerStatus
from ocs_ray.models.manager_replies import FailedResponse, FailedToStartSequencers

CLEAR = ObsMode("ClearSkies")


def slow_unload(night: Any, monkeypatch: pytest.MonkeyPatch, wait_s: float) -> None:
    real = night.ask

    async def ask(name: str, message: object, timeout_s: float) -> Any:
        if isinstance(message, UnloadScript):
            await asyncio.sleep(wait_s)
        return await real(name, message, timeout_s)

    monkeypatch.setattr(night, "ask", ask)


def test_given_a_load_fails_shortly_before_the_limit_when_undoing_takes_longer_then_all_is_undone_all_the_same(
    night: Any, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(manager_states.OPERATIONS_S, Configure, 0.1)
    slow_unload(night, monkeypatch, 0.3)

    async def story(manager: ManagerShell) -> None:
        night.scripts["IRIS.ClearSkies"] = "no such filter"
        reply = await manager.ask(Configure(obs_mode=CLEAR))
        assert isinstance(reply, FailedResponse)
        assert not night.sequencers
        assert not night.held_by

    play(story)


def test_given_something_that_hangs_when_a_failed_configure_is_undone_then_it_is_answered_in_time_and_says_so(
    night: Any, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_loading, "UNDO_S", 0.1)
    slow_unload(night, monkeypatch, 1000.0)

    async def story(manager: ManagerShell) -> None:
        night.scripts["IRIS.ClearSkies"] = "no such filter"
        async with asyncio.timeout(2):
            reply = await manager.ask(Configure(obs_mode=CLEAR))
        assert isinstance(reply, FailedToStartSequencers)
        assert any("could not be taken down within" in reason for reason in reply.reasons)
        assert (await manager.ask(GetManagerStatus())).state == "Idle"

    play(story)
