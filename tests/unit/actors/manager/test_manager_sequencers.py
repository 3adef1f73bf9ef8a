"""Starting, restarting and ending sequencers. Case numbers: reference esw_sm section 10; rules: section 6.2."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.models.component_messages import LoadScript, RestartScript, UnloadScript
from ocs_ray.models.identifiers import ObsMode, Variation
from ocs_ray.models.manager_messages import (
    Configure,
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
    AlreadyRunning,
    FailedResponse,
    LoadScriptError,
    LocationServiceError,
    SequenceComponentNotAvailable,
    SequencerStarted,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem

S = Subsystem
CLEAR, DARK, WFOS = ObsMode("ClearSkies"), ObsMode("DarkNight"), ObsMode("WFOS_Cal")


def sequencer(prefix: str) -> ComponentId:
    return ComponentId(prefix=Prefix(prefix), component_type=ComponentType.Sequencer)


async def configured(manager: ManagerShell, *modes: ObsMode) -> None:
    for mode in modes:
        assert isinstance(await manager.ask(Configure(obs_mode=mode)), Success)


# -- start ---------------------------------------------------------------------------------------------------------


def test_given_a_sequencer_that_runs_when_started_then_already_running_and_nothing_is_loaded(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 17
        await configured(manager, CLEAR)
        loads = len(night.told(LoadScript))
        reply = await manager.ask(StartSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        assert reply == AlreadyRunning(component_id=sequencer("IRIS.ClearSkies"))
        assert len(night.told(LoadScript)) == loads

    play(story)


@pytest.mark.parametrize(
    ("subsystem", "mode", "variation", "where"),
    [
        (S.ESW, "invalid_obs_mode", None, "[ESW] with [invalid_obs_mode]"),
        (S.WFOS, "ClearSkies", None, "[WFOS] with [ClearSkies]"),
        (S.IRIS, "ClearSkies", "red", "[IRIS] with [ClearSkies.red]"),
    ],
)
def test_given_a_sequencer_nobody_knows_a_script_for_when_started_then_its_text(
    night: Any, play: Any, subsystem: Subsystem, mode: str, variation: str | None, where: str
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 18
        named = Variation(variation) if variation else None
        reply = await manager.ask(StartSequencer(subsystem=subsystem, obs_mode=ObsMode(mode), variation=named))
        assert reply == LoadScriptError(reason=f"Script configuration missing for {where}")
        assert not night.told(LoadScript)

    play(story)


def test_given_a_variation_when_started_then_its_prefix_names_subsystem_mode_and_variation(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 19
        reply = await manager.ask(StartSequencer(subsystem=S.WFOS, obs_mode=WFOS, variation=Variation("blue")))
        assert reply == SequencerStarted(component_id=sequencer("WFOS.WFOS_Cal.blue"))
        assert night.sequencers == ["WFOS.WFOS_Cal.blue"]
        assert not night.held_by  # only ESW's sequencer makes a mode run

    play(story)


def test_given_a_simulation_when_a_sequencer_nobody_knows_is_started_then_it_runs(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 55: a simulation needs no script, so any name will do
        for mode, name in ((WFOS, "TCS.WFOS_Cal"), (ObsMode("Nowhere"), "TCS.Nowhere")):
            reply = await manager.ask(StartSequencer(subsystem=S.TCS, obs_mode=mode))
            assert reply == SequencerStarted(component_id=sequencer(name))
        assert not night.held_by

    night.add_components("TCS.TCS_2", "TCS.TCS_3")
    play(story, simulation=True)


def test_given_no_idle_component_when_started_then_not_available(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager, CLEAR, WFOS)
        reply = await manager.ask(StartSequencer(subsystem=S.TCS, obs_mode=DARK))
        assert isinstance(reply, SequenceComponentNotAvailable)
        assert reply.msg == "No sequence components found for sequencers : TCS"

    play(story)


def test_given_the_esw_sequencer_of_a_mode_when_started_and_ended_then_its_resources_are_taken_and_released(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        start = StartSequencer(subsystem=S.ESW, obs_mode=CLEAR)
        assert await manager.ask(start) == SequencerStarted(component_id=sequencer("ESW.ClearSkies"))
        assert night.held_by == {CLEAR: (S.TCS, S.IRIS)}
        refused = await manager.ask(StartSequencer(subsystem=S.ESW, obs_mode=DARK))
        text = "failed due to: DarkNight cannot run: TCS is held by ClearSkies"
        assert refused == FailedResponse(reason=f"Sequence Manager Operation(StartSequencer) {text}")
        assert night.sequencers == ["ESW.ClearSkies"]
        assert await manager.ask(ShutdownSequencer(subsystem=S.ESW, obs_mode=CLEAR)) == Success()
        assert not night.held_by

    play(story)


def test_given_an_esw_sequencer_that_does_not_load_when_started_then_its_text_and_nothing_is_held(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.scripts["ESW.ClearSkies"] = "no such file"
        reply = await manager.ask(StartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        assert reply == LoadScriptError(reason="no such file")
        assert not night.held_by
        assert not night.sequencers

    play(story)


def test_given_a_lost_esw_sequencer_when_started_again_then_the_mode_runs_on_with_its_others(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager, CLEAR)
        night.home("ESW.ClearSkies").lose()
        reply = await manager.ask(StartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        assert isinstance(reply, SequencerStarted)
        assert night.held_by == {CLEAR: (S.TCS, S.IRIS)}
        assert night.sequencers == ["ESW.ClearSkies", "IRIS.ClearSkies", "TCS.ClearSkies"]

    play(story)


# -- restart -------------------------------------------------------------------------------------------------------


def test_given_a_sequencer_that_runs_when_restarted_then_the_same_id_in_the_same_component_and_the_mode_holds_on(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 20
        await configured(manager, CLEAR)
        home, old = night.home("ESW.ClearSkies"), night.running["ESW.ClearSkies-Sequencer"]
        reply = await manager.ask(RestartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        assert reply == Success(component_id=sequencer("ESW.ClearSkies"))
        assert night.home("ESW.ClearSkies") is home
        assert night.running["ESW.ClearSkies-Sequencer"] is not old
        assert set(night.held_by) == {CLEAR}

    play(story)


def test_given_a_sequencer_that_does_not_run_when_restarted_then_the_connection_is_named(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 21
        reply = await manager.ask(RestartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        text = "Could not find location matching connection: PekkoConnection(ComponentId(ESW.ClearSkies,Sequencer))"
        assert reply == LocationServiceError(reason=text)

    play(story)


def test_given_a_component_that_refuses_when_a_sequencer_is_restarted_then_its_text(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 22
        await configured(manager, CLEAR)
        night.home("IRIS.ClearSkies").state = "Unloading"
        reply = await manager.ask(RestartSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        text = "Sequence Component can not accept 'RestartScript' message in 'Unloading'"
        assert reply == LoadScriptError(reason=text)

    play(story)


def test_given_an_esw_script_that_is_broken_by_now_when_restarted_then_its_text_and_the_resources_are_free(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager, CLEAR)
        night.scripts["ESW.ClearSkies"] = "esw.py:1: syntax error"
        reply = await manager.ask(RestartSequencer(subsystem=S.ESW, obs_mode=CLEAR))
        assert reply == LoadScriptError(reason="esw.py:1: syntax error")
        assert not night.held_by

    play(story)


def test_given_a_component_that_is_silent_when_its_sequencer_is_restarted_then_failed(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 14
        await configured(manager, CLEAR)
        night.silent.add("IRIS.IRIS_1-SequenceComponent")
        reply = await manager.ask(RestartSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
        assert isinstance(reply, FailedResponse)
        assert "Operation(RestartSequencer) failed due to: IRIS.IRIS_1-SequenceComponent did not answer" in reply.reason
        assert len(night.told(RestartScript)) == 1

    play(story)


# -- shutdown ------------------------------------------------------------------------------------------------------


def test_given_a_sequencer_that_does_not_run_when_shut_down_then_success_and_nobody_is_asked(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 23
        assert await manager.ask(ShutdownSequencer(subsystem=S.ESW, obs_mode=CLEAR)) == Success()
        assert not night.told(UnloadScript)

    play(story)


def test_given_a_component_nobody_knows_when_shut_down_then_the_connection_is_named(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 24: unlike a sequencer
        reply = await manager.ask(ShutdownSequenceComponent(prefix=Prefix("IRIS.IRIS_9")))
        connection = "PekkoConnection(ComponentId(IRIS.IRIS_9,SequenceComponent))"
        text = f"Could not find location matching connection: {connection}"
        assert reply == LocationServiceError(reason=text)

    play(story)


def test_given_a_sequencer_that_runs_when_shut_down_then_its_component_stays_and_is_idle(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 25
        await configured(manager, CLEAR)
        home = night.home("ESW.ClearSkies")
        assert await manager.ask(ShutdownSequencer(subsystem=S.ESW, obs_mode=CLEAR)) == Success()
        assert home.state == "Idle"
        assert home.prefix in night.components
        assert night.sequencers == ["IRIS.ClearSkies", "TCS.ClearSkies"]
        assert not night.held_by  # rule 3.2 a: the others run on and hold nothing

    play(story)


def test_given_two_modes_when_the_sequencers_of_a_subsystem_are_shut_down_then_the_others_stay(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 26
        await configured(manager, CLEAR, WFOS)
        assert await manager.ask(ShutdownSubsystemSequencers(subsystem=S.ESW)) == Success()
        rest = ["IRIS.ClearSkies", "TCS.ClearSkies", "WFOS.WFOS_Cal", "WFOS.WFOS_Cal.blue"]
        assert night.sequencers == rest
        assert not night.held_by

    night.add_components("WFOS.WFOS_2")
    play(story)


def test_given_variations_when_a_mode_is_shut_down_then_all_of_its_own_go_and_only_those(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 27
        assert await manager.ask(ShutdownObsModeSequencers(obs_mode=DARK)) == Success()
        assert night.sequencers == ["IRIS.ClearSkies.v2"]

    night.add_sequencer("TCS.DarkNight", "TCS.TCS_1")
    night.add_sequencer("ESW.DarkNight.variation1", "ESW.ESW_1")
    night.add_sequencer("IRIS.ClearSkies.v2", "IRIS.IRIS_1")
    night.held_by[DARK] = (S.APS, S.TCS)
    play(story)
    assert not night.held_by


@pytest.mark.parametrize(
    "message",
    [
        ShutdownAllSequencers(),
        ShutdownAllSequenceComponents(),
        ShutdownObsModeSequencers(obs_mode=CLEAR),
        ShutdownSubsystemSequencers(subsystem=S.ESW),
    ],
)
def test_given_none_when_all_are_shut_down_then_success(night: Any, play: Any, message: Message) -> None:
    async def story(manager: ManagerShell) -> None:  # case 28
        assert await manager.ask(message) == Success()

    for component in night.components:
        night.running.pop(f"{component}-SequenceComponent")
    for agent in night.prefixes("Machine"):
        night.running[f"{agent}-Machine"].children.clear()
    play(story)


def test_given_a_component_with_a_sequencer_when_shut_down_then_both_are_gone_and_the_mode_s_resources_free(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 29
        await configured(manager, CLEAR)
        assert await manager.ask(ShutdownSequenceComponent(prefix=Prefix("ESW.ESW_1"))) == Success()
        assert "ESW.ESW_1" not in night.components
        assert night.sequencers == ["IRIS.ClearSkies", "TCS.ClearSkies"]
        assert not night.held_by

    play(story)


@pytest.mark.parametrize("message", [ShutdownAllSequencers(), ShutdownAllSequenceComponents()])
def test_given_modes_run_when_all_is_shut_down_then_every_resource_is_free(
    night: Any, play: Any, message: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager, CLEAR, WFOS)
        assert await manager.ask(message) == Success()
        assert not night.sequencers
        assert not night.held_by
        assert bool(night.components) is isinstance(message, ShutdownAllSequencers)

    night.add_components("WFOS.WFOS_2")
    play(story)


def test_given_a_component_that_hangs_when_all_sequencers_are_shut_down_then_its_sequencer_is_killed_all_the_same(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # weakness 2
        await configured(manager, CLEAR)
        night.silent.add("ESW.ESW_1-SequenceComponent")
        assert await manager.ask(ShutdownAllSequencers()) == Success()
        assert not night.sequencers
        assert not night.held_by

    play(story)


def test_given_two_that_cannot_be_ended_when_all_are_shut_down_then_both_are_named_and_the_rest_is_gone(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # weakness 12
        await configured(manager, CLEAR)
        night.silent |= {"ESW.ESW_1-SequenceComponent", "TCS.TCS_1-SequenceComponent"}
        night.immortal |= {"ESW.ClearSkies-Sequencer", "TCS.ClearSkies-Sequencer"}
        reply = await manager.ask(ShutdownAllSequencers())
        reasons = "ESW.ClearSkies: no permission; TCS.ClearSkies: no permission"
        failed = f"Sequence Manager Operation(ShutdownAllSequencers) failed due to: {reasons}"
        assert reply == FailedResponse(reason=failed)
        assert night.sequencers == ["ESW.ClearSkies", "TCS.ClearSkies"]
        assert set(night.held_by) == {CLEAR}  # its ESW sequencer runs

    play(story)


def test_given_a_sequencer_that_loads_when_its_mode_is_shut_down_then_it_is_ended(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # another manager began to load it
        night.scripts["IRIS.ClearSkies"] = asyncio.Event()
        load = LoadScript(prefix=Prefix("IRIS.ClearSkies"), obs_mode=CLEAR, script=None)
        loading = asyncio.ensure_future(night.component("IRIS.IRIS_1").ask(load))
        await asyncio.sleep(0)
        assert night.sequencers == ["IRIS.ClearSkies"]
        assert await manager.ask(ShutdownObsModeSequencers(obs_mode=CLEAR)) == Success()
        assert not night.sequencers
        await loading

    play(story)


def test_given_a_component_that_hangs_when_it_is_shut_down_then_its_sequencer_goes_with_it(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await configured(manager, CLEAR)
        night.silent.add("ESW.ESW_1-SequenceComponent")
        assert await manager.ask(ShutdownSequenceComponent(prefix=Prefix("ESW.ESW_1"))) == Success()
        assert "ESW.ClearSkies" not in night.sequencers
        assert not night.held_by

    play(story)
