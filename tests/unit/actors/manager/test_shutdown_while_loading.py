"""A shutdown meets a mode whose scripts still load: never do two modes that conflict both run (seed 002, Configure)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.models.component_messages import LoadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.manager_replies import (
    ConflictingResourcesWithRunningObsMode,
    FailedToStartSequencers,
    LoadScriptError,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.testing.waiting import until

CLEAR, DARK = map(ObsMode, ("ClearSkies", "DarkNight"))
ENDS_ALL = [ShutdownObsModeSequencers(obs_mode=CLEAR), ShutdownAllSequencers()]


async def configure(manager: ManagerShell, mode: ObsMode) -> Any:
    return await manager.ask(Configure(obs_mode=mode))


def fetch_for_long(night: Any) -> None:
    """No sequencer of ClearSkies is registered yet: its package is on the way."""
    gate = asyncio.Event()
    for subsystem in ("ESW", "IRIS", "TCS"):
        night.fetching[f"{subsystem}.ClearSkies"] = gate
    night.add_components("TCS.TCS_2", "IRIS.IRIS_2")


def loading(night: Any, *components: str) -> Callable[[], bool]:
    return lambda: {night.component(prefix).state for prefix in components} == {"Loading"}


@pytest.mark.parametrize("end", ENDS_ALL, ids=lambda end: type(end).__name__)
def test_given_a_mode_whose_packages_are_fetched_when_another_manager_shuts_it_down_then_the_loads_end_with_it(
    night: Any, play: Any, another: Any, end: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        second = await another()
        first = asyncio.create_task(configure(manager, CLEAR))
        await until(loading(night, "ESW.ESW_1", "IRIS.IRIS_1", "TCS.TCS_1"))
        assert not night.sequencers
        assert await second.ask(end) == Success()
        assert not night.held_by
        assert {night.component(prefix).state for prefix in night.components} == {"Idle"}
        reply = await first
        assert isinstance(reply, FailedToStartSequencers)
        assert "ESW.ClearSkies was shut down while its script loaded" in reply.reasons[0]
        assert isinstance(await configure(second, DARK), Success)
        assert night.sequencers == ["ESW.DarkNight", "TCS.DarkNight"]
        assert set(night.held_by) == {DARK}

    fetch_for_long(night)
    play(story)


@pytest.mark.parametrize("end", ENDS_ALL, ids=lambda end: type(end).__name__)
def test_given_a_manager_that_died_while_it_configured_when_the_next_shuts_down_then_the_loads_end_with_it(
    night: Any, play: Any, end: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.held_by[CLEAR] = ("TCS", "IRIS")  # all that the dead one left
        orphans = [
            asyncio.create_task(night.component(component).ask(LoadScript(prefix=p, obs_mode=CLEAR, script=None)))
            for component, p in (("ESW.ESW_1", Prefix("ESW.ClearSkies")), ("TCS.TCS_1", Prefix("TCS.ClearSkies")))
        ]
        await until(loading(night, "ESW.ESW_1", "TCS.TCS_1"))
        assert await manager.ask(end) == Success()
        await asyncio.gather(*orphans)
        assert not night.held_by
        assert isinstance(await configure(manager, DARK), Success)
        assert night.sequencers == ["ESW.DarkNight", "TCS.DarkNight"]

    fetch_for_long(night)
    play(story, restarts=1)


@pytest.mark.parametrize(
    "end",
    [
        ShutdownSubsystemSequencers(subsystem=Subsystem("ESW")),
        ShutdownSequencer(subsystem=Subsystem("ESW"), obs_mode=CLEAR),
        ShutdownSequencer(subsystem=Subsystem("TCS"), obs_mode=CLEAR),
        ShutdownSequenceComponent(prefix=Prefix("ESW.ESW_1")),
        ShutdownSequenceComponent(prefix=Prefix("TCS.TCS_1")),
    ],
    ids=str,
)
def test_given_a_mode_that_loads_when_another_manager_ends_one_of_it_then_none_runs_and_it_is_free_only_then(
    night: Any, play: Any, another: Any, end: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        second = await another()
        first = asyncio.create_task(configure(manager, CLEAR))
        await until(loading(night, "ESW.ESW_1", "IRIS.IRIS_1", "TCS.TCS_1"))
        assert await second.ask(end) == Success()
        if not first.done():
            assert CLEAR in night.held_by, "the others still come up"
        for gate in night.fetching.values():
            gate.set()
        assert isinstance(await first, FailedToStartSequencers)
        assert not night.sequencers
        assert not night.held_by

    fetch_for_long(night)
    play(story)


def hold_back_loads(night: Any, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The manager has asked its components, and none has heard of it."""
    gate, real = asyncio.Event(), night.ask

    async def ask(name: str, message: object, timeout_s: float) -> Any:
        if isinstance(message, LoadScript):
            await gate.wait()
        return await real(name, message, timeout_s)

    monkeypatch.setattr(night, "ask", ask)
    return gate


@pytest.mark.parametrize("taken_by", [DARK, None])
def test_given_a_mode_shut_down_before_a_component_began_when_its_scripts_have_loaded_then_none_of_it_stays(
    night: Any, play: Any, another: Any, monkeypatch: pytest.MonkeyPatch, taken_by: ObsMode | None
) -> None:
    async def story(manager: ManagerShell) -> None:
        second = await another()
        gate = hold_back_loads(night, monkeypatch)
        first = asyncio.create_task(configure(manager, CLEAR))
        await until(lambda: CLEAR in night.held_by)
        assert await second.ask(ShutdownObsModeSequencers(obs_mode=CLEAR)) == Success()
        assert not night.held_by
        if taken_by is not None:
            night.held_by[taken_by] = ("TCS", "APS")
        gate.set()
        reply = await first
        if taken_by is None:
            text = "ClearSkies was shut down by another Sequence Manager while its scripts loaded: configure it again"
            assert reply == FailedToStartSequencers(reasons=(text,))
        else:
            assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
            assert reply.conflicts == {"TCS": DARK}
        assert not night.sequencers
        assert set(night.held_by) == ({taken_by} if taken_by is not None else set())

    play(story)


def test_given_a_mode_another_manager_reserved_anew_when_the_first_gives_up_then_the_new_reservation_stands(
    night: Any, play: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(manager: ManagerShell) -> None:
        second = await another()
        gate = hold_back_loads(night, monkeypatch)
        first = asyncio.create_task(configure(manager, CLEAR))
        await until(lambda: CLEAR in night.held_by)
        await second.ask(ShutdownObsModeSequencers(obs_mode=CLEAR))
        assert await night.reserve(CLEAR, ("TCS", "IRIS"))
        gate.set()
        assert not isinstance(await first, Success)
        assert not night.sequencers
        assert CLEAR in night.held_by

    play(story)


def test_given_an_esw_sequencer_shut_down_before_its_component_began_when_it_has_started_then_it_does_not_stay(
    night: Any, play: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(manager: ManagerShell) -> None:
        second = await another()
        gate = hold_back_loads(night, monkeypatch)
        first = asyncio.create_task(manager.ask(StartSequencer(subsystem=Subsystem("ESW"), obs_mode=CLEAR)))
        await until(lambda: CLEAR in night.held_by)
        await second.ask(ShutdownObsModeSequencers(obs_mode=CLEAR))
        gate.set()
        reply = await first
        assert isinstance(reply, LoadScriptError)
        assert "shut down by another Sequence Manager" in reply.reason
        assert not night.sequencers

    play(story)
