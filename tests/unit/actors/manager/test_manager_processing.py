"""One operation at a time, and idle again whatever happens. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ocs_ray.actors import manager_ending
from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.core import manager_states
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    GetSequenceManagerState,
    Provision,
    ReloadObsModes,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.manager_replies import (
    FailedResponse,
    LocationServiceError,
    ManagerStatus,
    ObsModesDetails,
    Plan,
    ResourcesStatus,
    SequenceManagerState,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.testing.waiting import until

CLEAR = ObsMode("ClearSkies")
OPERATIONS: dict[str, Message] = {
    type(message).__name__: message
    for message in (
        Configure(obs_mode=CLEAR),
        Provision(components={Prefix("ESW.primary"): 1}),
        StartSequencer(subsystem=Subsystem.ESW, obs_mode=CLEAR),
        RestartSequencer(subsystem=Subsystem.IRIS, obs_mode=ObsMode("runs")),
        ShutdownSequencer(subsystem=Subsystem.IRIS, obs_mode=ObsMode("runs")),
        ShutdownSubsystemSequencers(subsystem=Subsystem.IRIS),
        ShutdownObsModeSequencers(obs_mode=ObsMode("runs")),
        ShutdownAllSequencers(),
        ShutdownSequenceComponent(prefix=Prefix("IRIS.IRIS_1")),
        ShutdownAllSequenceComponents(),
        ReloadObsModes(),
    )
}


def state(manager: ManagerShell) -> Any:
    return manager.ask(GetSequenceManagerState())


@pytest.mark.parametrize("name", OPERATIONS)
def test_given_configure_hangs_when_anything_changing_comes_then_unhandled_at_once_and_reads_are_answered(
    night: Any, play: Any, name: str
) -> None:
    async def story(manager: ManagerShell) -> None:  # cases 15 and 16
        night.scripts["IRIS.ClearSkies"] = gate = asyncio.Event()
        operation = asyncio.ensure_future(manager.ask(Configure(obs_mode=CLEAR)))
        await until(lambda: "IRIS.ClearSkies" in night.sequencers)
        before = len(night.asked)
        text = f"Sequence Manager can not accept '{name}' message in 'Processing'"
        assert await manager.ask(OPERATIONS[name]) == Unhandled(state="Processing", message_type=name, msg=text)
        assert len(night.asked) == before  # nobody was asked anything
        assert await state(manager) == SequenceManagerState(state="Processing")
        for question, answer in (
            (GetObsModesDetails(), ObsModesDetails),
            (GetResources(), ResourcesStatus),
            (GetPlan(), Plan),
            (GetManagerStatus(), ManagerStatus),
        ):
            assert isinstance(await manager.ask(question), answer)
        gate.set()
        assert isinstance(await operation, Success)
        assert await state(manager) == SequenceManagerState(state="Idle")

    play(story)


@pytest.mark.parametrize("name", OPERATIONS)
def test_given_something_inside_breaks_when_any_operation_runs_then_failed_with_its_text_and_idle_again(
    night: Any, play: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> object:
        raise RuntimeError("broken on purpose")

    async def story(manager: ManagerShell) -> None:  # case 14
        monkeypatch.setattr(manager, "_operation", broken)
        reply = await manager.ask(OPERATIONS[name])
        reason = f"Sequence Manager Operation({name}) failed due to: broken on purpose"
        assert reply == FailedResponse(reason=reason)
        assert await state(manager) == SequenceManagerState(state="Idle")

    play(story)


@pytest.mark.parametrize("name", OPERATIONS)
def test_given_everybody_hangs_when_the_limit_passes_then_failed_and_idle_again(
    night: Any, play: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(manager_states.OPERATIONS_S, type(OPERATIONS[name]), 0.05)
    monkeypatch.setattr(manager_ending, "RELEASE_S", 0.05)
    for_ever = asyncio.Event()

    async def hang(*_: object) -> Any:
        await for_ever.wait()

    async def story(manager: ManagerShell) -> None:  # case 14, with weakness 11
        monkeypatch.setattr(night, "ask", hang)
        monkeypatch.setattr(night, "held", hang)
        reply = await manager.ask(OPERATIONS[name])
        reason = f"Sequence Manager Operation({name}) failed due to: it took longer than 0.05 s"
        assert reply == FailedResponse(reason=reason)
        assert await state(manager) == SequenceManagerState(state="Idle")

    night.add_sequencer("IRIS.runs", "IRIS.IRIS_1")
    play(story)


@pytest.mark.parametrize("name", OPERATIONS)
def test_given_the_location_service_fails_when_any_operation_runs_then_its_error_and_idle_again(
    night: Any, play: Any, name: str
) -> None:
    async def story(manager: ManagerShell) -> None:  # cases 6, 33 and 39, with weakness 14
        night.listing = RuntimeError("no route")
        reply = await manager.ask(OPERATIONS[name])
        assert reply == LocationServiceError(reason="Location Service Error: no route")
        night.listing = None
        assert await state(manager) == SequenceManagerState(state="Idle")

    play(story)


def test_given_a_broken_catalogue_at_the_start_when_asked_then_reads_and_shutdowns_work_and_configure_names_the_fault(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        fault = "cannot be read: one.yaml:7: unknown subsystem NOPE (correct it)"
        for message in (
            Configure(obs_mode=CLEAR),
            OPERATIONS["StartSequencer"],
            GetObsModesDetails(),
            GetPlan(obs_modes=(CLEAR,)),
        ):
            reply = await manager.ask(message)
            assert isinstance(reply, FailedResponse)
            assert reply.reason.endswith(fault)
        assert isinstance(await manager.ask(GetManagerStatus()), ManagerStatus)
        assert await manager.ask(ShutdownAllSequencers()) == Success()
        assert not night.sequencers
        night.fault = None
        await manager.ask(ReloadObsModes())
        assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)

    night.fault = "one.yaml:7"
    night.add_sequencer("ESW.runs", "ESW.ESW_3")
    play(story)


def test_given_a_message_it_does_not_know_when_asked_then_it_says_so(play: Callable[..., None]) -> None:
    async def story(manager: ManagerShell) -> None:
        with pytest.raises(TypeError, match="does not understand str"):
            await manager.ask("hello")

    play(story)


def test_given_a_faulty_provision_when_made_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):  # case 36
        Provision(components={Prefix("ESW.machine1"): -1})
    with pytest.raises(ValueError, match="Cannot have multiple entries for same agent prefix"):
        Provision.model_validate({"components": {"ESW.machine1": 1, "esw.machine1": 2}})
    assert Provision(components={Prefix("ESW.machine1"): 0}).components == {"ESW.machine1": 0}
