"""The manager looks around while it is idle: what was lost is told, what is over is released."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors import manager_watch
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.core import mode_watch
from ocs_ray.models.component_messages import GetComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    RestartSequencer,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.manager_replies import Success
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.testing.waiting import until

S = Subsystem
CLEAR, DARK = ObsMode("ClearSkies"), ObsMode("DarkNight")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look every 5 ms; two of them settle that a mode is over."""
    monkeypatch.setattr(manager_watch, "EVERY_S", 0.005)
    monkeypatch.setattr(manager_watch, "SOON_S", 0.005)
    monkeypatch.setattr(mode_watch, "CONFIRM_S", 0.004)


async def lost(manager: ManagerShell) -> list[tuple[str, str]]:
    return [(record.prefix, record.reason) for record in (await manager.ask(GetManagerStatus())).lost]


async def configured(manager: ManagerShell) -> None:
    assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)


class Looks:
    """Counts looks by the names that were read."""

    def __init__(self, night: Any) -> None:
        self.night, self.names, self.count = night, night.names, 0
        night.names = self.look

    def look(self) -> list[str]:
        self.count += 1
        return self.names()

    async def pass_by(self, looks: int) -> None:
        there = self.count + looks
        await until(lambda: self.count >= there)


def test_given_the_esw_sequencer_is_lost_when_the_manager_looks_then_its_mode_is_released_and_it_is_reported(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        night.home("ESW.ClearSkies").lose()
        await until(lambda: not night.held_by)
        assert await lost(manager) == [("ESW.ClearSkies", "died")]
        assert night.sequencers == ["IRIS.ClearSkies", "TCS.ClearSkies"]

    play(story)


def test_given_a_lost_sequencer_when_its_machine_is_lost_too_then_it_is_reported_until_it_is_started_again(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        night.silent.add("IRIS.IRIS_1-SequenceComponent")
        night.running.pop("IRIS.ClearSkies-Sequencer")
        looks = Looks(night)
        await looks.pass_by(3)
        reason = "it vanished, and its sequence component IRIS.IRIS_1 does not answer"
        assert await lost(manager) == [("IRIS.ClearSkies", reason)]
        assert set(night.held_by) == {CLEAR}  # its ESW sequencer runs
        await manager.ask(StartSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        assert not await lost(manager)

    play(story)


@pytest.mark.parametrize(
    "message",
    [
        ShutdownSequencer(subsystem=S.IRIS, obs_mode=CLEAR),
        ShutdownObsModeSequencers(obs_mode=CLEAR),
        ShutdownSubsystemSequencers(subsystem=S.IRIS),
        ShutdownAllSequencers(),
    ],
)
def test_given_a_lost_sequencer_when_it_is_shut_down_by_any_call_then_nobody_misses_it(
    night: Any, play: Any, another: Any, message: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        (home := night.home("IRIS.ClearSkies")).lose()
        assert await lost(manager) == [("IRIS.ClearSkies", "died")]
        assert await manager.ask(message) == Success()
        assert not await lost(manager)
        assert home.lost is None
        assert not await lost(await another())  # it knows only what the components say
        await Looks(night).pass_by(3)
        assert not await lost(manager)

    play(story)


def test_given_operations_end_and_restart_sequencers_when_the_manager_looks_then_none_is_lost(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        looks = Looks(night)
        await looks.pass_by(2)
        await manager.ask(ShutdownSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        await manager.ask(RestartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        await looks.pass_by(3)
        assert not await lost(manager)
        assert set(night.held_by) == {CLEAR}

    play(story)


def test_given_another_manager_ends_a_sequencer_when_this_one_looks_then_it_is_not_lost(
    night: Any, play: Any, another: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        looks = Looks(night)
        await looks.pass_by(2)
        await (await another()).ask(ShutdownSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        await looks.pass_by(4)
        assert not await lost(manager)

    play(story)


def test_given_another_manager_restarts_the_esw_sequencer_when_this_one_looks_then_the_mode_is_not_released(
    night: Any, play: Any, another: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        looks = Looks(night)
        await looks.pass_by(2)
        home = night.home("ESW.ClearSkies")
        home.state = "Restarting"  # the old sequencer has ended, the new one is not there yet
        night.running.pop("ESW.ClearSkies-Sequencer")
        await looks.pass_by(6)
        assert set(night.held_by) == {CLEAR}
        assert not await lost(manager)

    play(story)


def test_given_another_manager_reserved_for_a_mode_just_now_when_this_one_looks_then_it_is_not_released(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        looks = Looks(night)
        await looks.pass_by(2)
        night.held_by[DARK] = (S.APS, S.TCS)
        await looks.pass_by(6)
        assert set(night.held_by) == {DARK}

    play(story)


def test_given_an_operation_in_progress_when_the_esw_sequencer_of_another_mode_is_lost_then_the_watch_waits_for_its_end(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        night.add_components("ESW.ESW_4")
        night.scripts["ESW.Empty"] = gate = asyncio.Event()
        operation = asyncio.ensure_future(manager.ask(Configure(obs_mode=ObsMode("Empty"))))
        await until(lambda: "ESW.Empty" in night.sequencers)
        night.home("ESW.ClearSkies").lose()
        now = asyncio.get_running_loop().time
        long_enough = now() + 10 * manager_watch.EVERY_S
        await until(lambda: now() > long_enough)
        assert set(night.held_by) == {CLEAR, ObsMode("Empty")}
        gate.set()
        await operation
        await until(lambda: set(night.held_by) == {"Empty"})

    play(story)


def test_given_a_look_that_fails_when_the_next_one_comes_then_the_watch_goes_on(
    night: Any, play: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        night.listing = RuntimeError("no route")
        await until(lambda: "could not look around" in caplog.text)
        night.listing = None
        night.home("ESW.ClearSkies").lose()
        await until(lambda: not night.held_by)

    play(story)


def test_given_nothing_changes_when_the_manager_looks_then_no_component_is_asked(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager)
        looks = Looks(night)
        await looks.pass_by(2)
        before = len(night.told(GetComponentStatus))
        await looks.pass_by(5)
        assert len(night.told(GetComponentStatus)) == before

    play(story)


def test_given_a_manager_that_was_restarted_when_it_looks_then_what_died_meanwhile_is_lost(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await Looks(night).pass_by(2)
        reason = "ClearSkies holds its resources and this sequencer was gone when the manager was restarted"
        assert await lost(manager) == [("IRIS.ClearSkies", reason), ("TCS.ClearSkies", "died")]
        assert set(night.held_by) == {CLEAR}

    night.add_sequencer("ESW.ClearSkies", "ESW.ESW_1")
    night.add_sequencer("TCS.ClearSkies", "TCS.TCS_1")
    night.component("TCS.TCS_1").lose()
    night.held_by[CLEAR] = (S.TCS, S.IRIS)
    play(story, restarts=1)


def test_given_a_mode_without_its_esw_sequencer_since_before_the_manager_when_shut_down_then_it_is_released(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert await manager.ask(ShutdownObsModeSequencers(obs_mode=CLEAR)) == Success()
        assert not night.held_by
        assert not night.sequencers

    night.add_sequencer("IRIS.ClearSkies", "IRIS.IRIS_1")
    night.held_by[CLEAR] = (S.TCS, S.IRIS)
    play(story, restarts=1)
    assert Prefix("IRIS.IRIS_1") in night.components
