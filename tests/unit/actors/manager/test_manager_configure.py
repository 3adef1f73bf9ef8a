"""Configure. Case numbers: reference esw_sm section 10; weaknesses: section 12; rules: sections 3.1 to 3.3."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.core import manager_states
from ocs_ray.models.component_messages import LoadScript, ScriptSource, UnloadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, GetManagerStatus, ShutdownObsModeSequencers, StartSequencer
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    FailedResponse,
    FailedToStartSequencers,
    LocationServiceError,
    SequenceComponentNotAvailable,
    SequencerStarted,
    Success,
)
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix
from ocs_ray.testing.waiting import until

CLEAR, DARK, EMPTY, IRIS_CAL, WFOS = map(ObsMode, ("ClearSkies", "DarkNight", "Empty", "IRIS_Cal", "WFOS_Cal"))


async def configure(manager: ManagerShell, mode: ObsMode) -> Any:
    return await manager.ask(Configure(obs_mode=mode))


def test_given_enough_components_when_configured_then_success_names_the_top_level_sequencer(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 1
        reply = await configure(manager, CLEAR)
        top = ComponentId(prefix=Prefix("ESW.ClearSkies"), component_type=ComponentType.Sequencer)
        assert reply == Success(master_sequencer=top)
        assert night.sequencers == ["ESW.ClearSkies", "IRIS.ClearSkies", "TCS.ClearSkies"]
        assert [night.home(p).prefix for p in night.sequencers] == ["ESW.ESW_1", "IRIS.IRIS_1", "TCS.TCS_1"]
        assert night.held_by == {CLEAR: ("TCS", "IRIS")}
        assert {night.home(p).state for p in night.sequencers} == {"Running"}
        scripts = {message.script for message in night.told(LoadScript)}
        assert scripts == {ScriptSource(file="script.py", root="/obsmodes")}

    play(story)


def test_given_a_mode_that_holds_tcs_when_another_needs_it_then_conflict_and_nothing_is_loaded(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 2
        await configure(manager, CLEAR)
        loads = len(night.told(LoadScript))
        reply = await configure(manager, DARK)
        expected = ConflictingResourcesWithRunningObsMode(running_obs_modes=(CLEAR,), conflicts={"TCS": CLEAR})
        assert reply == expected
        assert len(night.told(LoadScript)) == loads

    play(story)


def test_given_two_modes_run_when_a_third_overlaps_one_then_both_are_named_and_the_holder_with_its_resource(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 3
        await configure(manager, CLEAR)
        await configure(manager, WFOS)
        night.modes.clear()  # who holds what does not come from the file
        reply = await configure(manager, DARK)
        assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
        assert (reply.running_obs_modes, reply.conflicts) == ((CLEAR, WFOS), {"TCS": CLEAR})

    night.add_components("WFOS.WFOS_2")
    play(story)


def test_given_a_mode_without_a_shared_resource_when_configured_then_both_run(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 4
        assert isinstance(await configure(manager, CLEAR), Success)
        assert isinstance(await configure(manager, WFOS), Success)
        assert set(night.held_by) == {CLEAR, WFOS}

    night.add_components("WFOS.WFOS_2")
    play(story)


def test_given_a_mode_the_catalogue_lacks_when_configured_then_missing_even_if_its_esw_sequencer_runs(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 5, with weakness 1: the name is in nobody's way
        reply = await configure(manager, ObsMode("Nope"))
        assert reply == ConfigurationMissing(obs_mode=ObsMode("Nope"), known=(CLEAR, DARK, EMPTY, IRIS_CAL, WFOS))
        assert isinstance(await configure(manager, CLEAR), Success)

    night.add_sequencer("ESW.Nope", "ESW.ESW_3")
    night.running["ESW..odd-Sequencer"] = night.running["what is this"] = None
    play(story)


def test_given_the_location_service_fails_when_configured_then_its_error_is_the_reason(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 6
        night.listing = RuntimeError("no route")
        assert await configure(manager, CLEAR) == LocationServiceError(reason="Location Service Error: no route")
        night.listing = None
        assert isinstance(await configure(manager, CLEAR), Success)

    play(story)


def test_given_too_few_components_when_configured_then_the_missing_are_named_and_nothing_is_loaded(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 7
        for gone in ("ESW.ESW_2", "ESW.ESW_3"):
            night.running.pop(f"{gone}-SequenceComponent")
        reply = await configure(manager, IRIS_CAL)
        text = "No sequence components found for sequencers : AOESW"
        assert reply == SequenceComponentNotAvailable(variation_infos=("AOESW",), msg=text)
        assert not night.told(LoadScript)
        assert not night.held_by

    play(story)


def test_given_a_second_esw_component_when_configured_then_it_stands_in_for_a_subsystem_without_one(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 8
        assert isinstance(await configure(manager, IRIS_CAL), Success)
        assert night.home("AOESW.IRIS_Cal").prefix == "ESW.ESW_2"

    play(story)


def test_given_only_esw_components_when_one_sequencer_is_started_then_it_runs_in_one_of_them(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 11; its other half is in test_component_allocation
        night.running.pop("TCS.TCS_1-SequenceComponent")
        reply = await manager.ask(StartSequencer(subsystem="TCS", obs_mode=CLEAR))
        assert isinstance(reply, SequencerStarted)
        assert night.home("TCS.ClearSkies").prefix == "ESW.ESW_1"

    play(story)


def test_given_one_load_fails_when_configured_then_its_text_is_told_and_the_others_are_taken_down_again(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 12, with the rollback of weakness 3
        night.scripts["IRIS.ClearSkies"] = "iris.py:3: syntax error"
        reply = await configure(manager, CLEAR)
        assert reply == FailedToStartSequencers(reasons=("Failed to load sequencer script: iris.py:3: syntax error",))
        assert not night.sequencers
        assert not night.held_by
        assert {night.component(p).state for p in night.components} == {"Idle"}
        night.scripts.clear()
        assert isinstance(await configure(manager, CLEAR), Success)

    play(story)


def test_given_a_component_that_refused_when_the_start_is_undone_then_what_another_manager_runs_there_stays(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.scripts["ESW.ClearSkies"] = gate = asyncio.Event()
        operation = asyncio.ensure_future(configure(manager, CLEAR))
        taken = night.component("IRIS.IRIS_1")
        taken.ask, real = _refuse_once(night, taken), taken.ask
        await until(lambda: "ESW.ClearSkies" in night.sequencers and "IRIS.other" in night.sequencers)
        gate.set()
        reply = await operation
        taken.ask = real
        assert isinstance(reply, FailedToStartSequencers)
        assert night.sequencers == ["IRIS.other"]

    def _refuse_once(night: Any, puppet: Any) -> Any:
        real = puppet.ask

        async def ask(message: object) -> Any:
            if isinstance(message, LoadScript):
                night.add_sequencer("IRIS.other", "IRIS.IRIS_1")  # another manager was quicker
            return await real(message)

        return ask

    play(story)


def test_given_several_sequencers_when_configured_then_all_load_at_the_same_time(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 13
        gate = asyncio.Event()
        night.scripts = dict.fromkeys(("ESW.ClearSkies", "IRIS.ClearSkies", "TCS.ClearSkies"), gate)
        operation = asyncio.ensure_future(configure(manager, CLEAR))
        await until(lambda: len(night.told(LoadScript)) == 3)
        assert not operation.done()
        gate.set()
        assert isinstance(await operation, Success)

    play(story)


def test_given_a_load_that_never_ends_when_the_limit_passes_then_failed_and_all_is_undone_and_idle(
    night: Any, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(manager_states.OPERATIONS_S, Configure, 0.1)

    async def story(manager: ManagerShell) -> None:  # case 14, with weaknesses 3 and 11
        night.scripts["IRIS.ClearSkies"] = asyncio.Event()
        reply = await configure(manager, CLEAR)
        reason = "Sequence Manager Operation(Configure) failed due to: it took longer than 0.1 s"
        assert reply == FailedResponse(reason=reason)
        assert not night.sequencers
        assert not night.held_by
        await until(lambda: {night.component(p).state for p in night.components} == {"Idle"})
        assert (await manager.ask(GetManagerStatus())).state == "Idle"

    play(story)


def test_given_a_component_that_falls_silent_while_it_loads_when_configured_then_its_sequencer_is_ended_too(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # rule 3.2 i: no orphan is left behind
        puppet = night.component("IRIS.IRIS_1")
        real = puppet.ask

        async def ask(message: object) -> Any:
            reply = await real(message)
            if isinstance(message, LoadScript):
                night.silent.add("IRIS.IRIS_1-SequenceComponent")
                raise TimeoutError("too late")
            return reply

        puppet.ask = ask
        reply = await configure(manager, CLEAR)
        assert isinstance(reply, FailedToStartSequencers)
        assert not night.sequencers
        assert not night.held_by

    play(story)


def test_given_a_mode_that_runs_when_configured_again_then_it_conflicts_with_itself_resources_or_none(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # rule 3.2 e
        for mode, conflict in ((WFOS, {"WFOS": WFOS}), (EMPTY, {})):
            assert isinstance(await configure(manager, mode), Success)
            reply = await configure(manager, mode)
            assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
            assert reply.conflicts == conflict
            assert mode in reply.running_obs_modes

    night.add_components("WFOS.WFOS_2")
    play(story)


def test_given_a_mode_whose_file_was_edited_when_another_is_configured_then_what_it_took_counts(
    night: Any, play: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await configure(manager, CLEAR), Success)
        manager._catalogue.known[CLEAR] = obs_mode("ClearSkies", "WFOS", "ESW")
        reply = await configure(manager, DARK)
        assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
        assert reply.conflicts == {"TCS": CLEAR}

    play(story)


def test_given_a_mode_that_runs_without_a_reservation_when_another_is_configured_then_its_file_counts(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        reply = await configure(manager, DARK)
        assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
        assert reply.conflicts == {"TCS": CLEAR}

    night.add_sequencer("ESW.ClearSkies", "ESW.ESW_3")
    play(story)


def test_given_sequencers_left_over_when_their_mode_is_configured_then_they_are_ended_and_their_components_used(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configure(manager, CLEAR)
        night.home("ESW.ClearSkies").lose()
        assert night.sequencers == ["IRIS.ClearSkies", "TCS.ClearSkies"]
        assert isinstance(await configure(manager, CLEAR), Success)  # at once: nobody waits for the watch
        assert night.sequencers == ["ESW.ClearSkies", "IRIS.ClearSkies", "TCS.ClearSkies"]
        assert len(night.told(UnloadScript)) == 2

    play(story)


def test_given_a_lost_esw_sequencer_when_another_mode_needs_the_resources_then_they_are_free_at_once(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configure(manager, CLEAR)
        night.home("ESW.ClearSkies").lose()
        await manager.ask(ShutdownObsModeSequencers(obs_mode=WFOS))
        night.add_components("TCS.TCS_2")
        assert isinstance(await configure(manager, DARK), Success)
        assert set(night.held_by) == {DARK}

    play(story)


def test_given_another_manager_took_the_resources_first_when_configured_then_conflict_and_nothing_is_loaded(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.grants = False
        reply = await configure(manager, CLEAR)
        assert reply == ConflictingResourcesWithRunningObsMode(running_obs_modes=(), conflicts={})
        assert not night.told(LoadScript)

    play(story)


@pytest.mark.parametrize("second", [DARK, CLEAR, EMPTY])
def test_given_two_managers_when_both_configure_then_never_both_succeed_unless_nothing_is_shared(
    night: Any, play: Any, another: Any, second: ObsMode
) -> None:
    first = EMPTY if second is EMPTY else CLEAR

    async def story(manager: ManagerShell) -> None:
        replies = await asyncio.gather(configure(manager, first), configure(await another(), second))
        assert sum(isinstance(reply, Success) for reply in replies) <= 1
        won = [reply for reply in replies if isinstance(reply, Success)]
        assert len(night.held_by) <= len(won)

    play(story)


def test_given_a_component_that_does_not_answer_when_configured_then_it_blocks_nobody(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # weakness 2
        assert isinstance(await configure(manager, CLEAR), Success)
        assert night.home("ESW.ClearSkies").prefix == "ESW.ESW_2"

    night.silent |= {"ESW.ESW_1-SequenceComponent", "WFOS.WFOS_1-SequenceComponent"}
    play(story)
