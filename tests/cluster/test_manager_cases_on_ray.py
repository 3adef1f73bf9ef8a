"""The Sequence Manager's cases on a real Ray: configure, and one operation at a time.

Numbers: reference esw_sm section 10. The components are ESW_1, ESW_2, IRIS_1 and TCS_1, each a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from ocs_ray.errors import UnreachableError
from ocs_ray.location.call import ask
from ocs_ray.models.component_messages import LoadScript, ScriptLoaded
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
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
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    FailedResponse,
    FailedToStartSequencers,
    ManagerStatus,
    ObsModesDetails,
    ResourcesStatus,
    SequenceComponentNotAvailable,
    SequenceManagerState,
    SequencerStarted,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled
from tests.cluster.whole_observatory import ESW, LIMIT_S, WholeObservatory, within

pytestmark = pytest.mark.cluster

S = Subsystem
CLEAR, DARK, CALIB, SLOW = map(ObsMode, ("Clear", "Dark", "Calib", "Slow"))
NOPE = ObsMode("Nope")
IDLE = SequenceManagerState(state="Idle")


def sequencer(prefix: str) -> ComponentId:
    return ComponentId(prefix=Prefix(prefix), component_type=ComponentType.Sequencer)


# -- configure, two components of ESW --------------------------------------------------------------------------------


def test_given_enough_components_when_configured_then_success_and_each_sequencer_runs_in_its_component(
    four: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 1
        assert await four.configure("Clear") == Success(master_sequencer=sequencer("ESW.Clear"))
        assert four.registered(ComponentType.Sequencer) == {"ESW.Clear", "IRIS.Clear", "TCS.Clear"}
        loaded = await four.loaded()
        assert (loaded["IRIS.IRIS_1"], loaded["TCS.TCS_1"]) == ("IRIS.Clear", "TCS.Clear")
        assert {loaded["ESW.ESW_1"], loaded["ESW.ESW_2"]} == {"ESW.Clear", None}
        assert await four.held() == {"Clear"}

    asyncio.run(story())


def test_given_a_mode_that_holds_tcs_when_another_needs_it_then_conflict_and_nothing_is_loaded(
    four: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 2
        assert isinstance(await four.configure("Clear"), Success)
        before = await four.loaded()
        assert None in before.values()
        expected = ConflictingResourcesWithRunningObsMode(running_obs_modes=(CLEAR,), conflicts={S.TCS: CLEAR})
        assert await four.configure("Dark") == expected
        assert await four.loaded() == before
        assert four.registered(ComponentType.Sequencer) == {"ESW.Clear", "IRIS.Clear", "TCS.Clear"}

    asyncio.run(story())


def test_given_a_mode_that_shares_nothing_when_configured_then_both_run_and_a_third_is_told_of_both(
    four: WholeObservatory,
) -> None:
    async def story() -> None:
        assert isinstance(await four.configure("Clear"), Success)
        assert isinstance(await four.configure("Calib"), Success)  # esw_sm case 4
        assert await four.held() == {"Clear", "Calib"}
        assert {"ESW.Clear", "ESW.Calib"} < four.registered(ComponentType.Sequencer)
        reply = await four.configure("Dark")  # esw_sm case 3
        assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
        assert (set(reply.running_obs_modes), reply.conflicts) == ({CLEAR, CALIB}, {S.TCS: CLEAR})

    asyncio.run(story())


def test_given_a_second_esw_component_when_configured_then_it_stands_in_for_a_subsystem_without_one(
    four: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 8
        assert isinstance(await four.configure("Aoesw"), Success)
        loaded = await four.loaded()
        assert {loaded["ESW.ESW_1"], loaded["ESW.ESW_2"]} == {"ESW.Aoesw", "AOESW.Aoesw"}

    asyncio.run(story())


# -- configure, one component of ESW ---------------------------------------------------------------------------------


def test_given_one_esw_component_when_a_mode_needs_two_then_the_missing_is_named_and_nothing_is_loaded(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 7
        infos, text = (VariationInfo("AOESW"),), "No sequence components found for sequencers : AOESW"
        assert await three.configure("Aoesw") == SequenceComponentNotAvailable(variation_infos=infos, msg=text)
        assert set((await three.loaded()).values()) == {None}
        assert await three.held() == set()

    asyncio.run(story())


def test_given_esw_listed_last_when_configured_then_it_chooses_first_and_only_iris_is_missing(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm cases 9, 10: in the file's order IRIS would take ESW_1, and ESW be missing
        start = StartSequencer(subsystem=S.IRIS, obs_mode=CLEAR)
        assert isinstance(await three.tell(start), SequencerStarted)  # what is idle now: one of ESW, one of TCS
        reply = await three.configure("IrisFirst")
        assert isinstance(reply, SequenceComponentNotAvailable)
        assert reply.variation_infos == ("IRIS",)
        assert await three.tell(ShutdownAllSequencers()) == Success()
        assert isinstance(await three.configure("IrisFirst"), Success)
        homes = {"ESW.ESW_1": "ESW.IrisFirst", "IRIS.IRIS_1": "IRIS.IrisFirst", "TCS.TCS_1": "TCS.IrisFirst"}
        assert await three.loaded() == homes

    asyncio.run(story())


def test_given_only_a_component_of_esw_when_a_sequencer_of_another_subsystem_is_started_then_it_runs_there(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 11, its second half: the catalogue refuses a mode without ESW
        started = await three.tell(StartSequencer(subsystem=S.AOESW, obs_mode=ObsMode("Aoesw")))
        assert started == SequencerStarted(component_id=sequencer("AOESW.Aoesw"))
        assert await three.loaded() == {"ESW.ESW_1": "AOESW.Aoesw", "IRIS.IRIS_1": None, "TCS.TCS_1": None}

    asyncio.run(story())


def test_given_a_mode_the_catalogue_lacks_when_configured_then_missing_even_if_its_esw_sequencer_runs(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 5
        load = LoadScript(prefix=Prefix("ESW.Nope"), obs_mode=NOPE, script=None)
        name = "ESW.ESW_1-SequenceComponent"
        assert await ask(name, load, LIMIT_S) == ScriptLoaded(prefix=load.prefix)  # somebody loaded it by hand
        reply = await three.configure("Nope")
        assert isinstance(reply, ConfigurationMissing)
        assert reply.obs_mode == NOPE
        assert CLEAR in reply.known

    asyncio.run(story())


def test_given_one_of_two_scripts_is_broken_when_configured_then_its_text_and_the_other_is_taken_down(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 12, with the rollback of weakness 3: ESW leaves the other up
        reply = await three.configure("Broken")
        assert isinstance(reply, FailedToStartSequencers)
        (reason,) = reply.reasons
        assert reason.startswith("Failed to load sequencer script: Script initialization failed with : ")
        assert "broken on purpose" in reason
        assert three.registered(ComponentType.Sequencer) == set()
        assert set((await three.loaded()).values()) == {None}
        assert await three.held() == set()

    asyncio.run(story())


# -- one operation at a time -----------------------------------------------------------------------------------------

OPERATIONS: tuple[Message, ...] = (
    Configure(obs_mode=CLEAR),
    Provision(components={ESW: 1}),
    StartSequencer(subsystem=S.ESW, obs_mode=CLEAR),
    RestartSequencer(subsystem=S.ESW, obs_mode=SLOW),
    ShutdownSequencer(subsystem=S.ESW, obs_mode=SLOW),
    ShutdownSubsystemSequencers(subsystem=S.ESW),
    ShutdownObsModeSequencers(obs_mode=SLOW),
    ShutdownAllSequencers(),
    ShutdownSequenceComponent(prefix=Prefix("ESW.ESW_1")),
    ShutdownAllSequenceComponents(),
    ReloadObsModes(),
)


def test_given_scripts_that_load_for_long_when_configured_then_together_all_else_is_unhandled_and_reads_answered(
    three: WholeObservatory,
) -> None:
    three.close_gate()

    async def story() -> None:
        operation = asyncio.ensure_future(three.configure("Slow"))
        await three.waiting("ESW.Slow.loading", "IRIS.Slow.loading")  # esw_sm case 13: neither waits for the other
        for message in OPERATIONS:  # esw_sm case 15
            name = type(message).__name__
            text = f"Sequence Manager can not accept '{name}' message in 'Processing'"
            assert await three.tell(message) == Unhandled(state="Processing", message_type=name, msg=text)
        assert await three.tell(GetSequenceManagerState()) == SequenceManagerState(state="Processing")
        assert isinstance(await three.tell(GetResources()), ResourcesStatus)
        assert isinstance(await three.tell(GetObsModesDetails()), ObsModesDetails)
        assert not operation.done()
        three.open_gate()
        assert await operation == Success(master_sequencer=sequencer("ESW.Slow"))
        assert await three.tell(GetSequenceManagerState()) == IDLE

    asyncio.run(story())


def test_given_a_sequencer_and_its_component_hang_when_restarted_then_failed_with_the_reason_and_idle_again(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 14, for restart; the other operations: in memory
        assert isinstance(await three.configure("Clear"), Success)
        component = await three.component("IRIS.IRIS_1")
        assert component.sequencer is not None
        pids = (component.pid, component.sequencer.pid)
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            reply = await three.tell(RestartSequencer(subsystem=S.IRIS, obs_mode=CLEAR))
            reason = "IRIS.Clear does not say which sequence component it is in"
            assert reply == FailedResponse(
                reason=f"Sequence Manager Operation(RestartSequencer) failed due to: {reason}"
            )
            assert await three.tell(GetSequenceManagerState()) == IDLE
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    asyncio.run(story())


def test_given_a_changed_catalogue_when_the_manager_is_started_anew_then_the_new_mode_can_be_configured(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 54
        before: ManagerStatus = await three.tell(GetManagerStatus())
        three.write_mode("New", "WFOS", {"ESW": "good"})
        assert isinstance(await three.configure("New"), ConfigurationMissing)
        os.kill(before.pid, signal.SIGKILL)

        async def came_back() -> bool:
            try:
                status: ManagerStatus = await three.tell(GetManagerStatus())
            except UnreachableError:  # Ray has not noticed, or is about to start it again
                return False
            return status.pid != before.pid

        await within(came_back)
        assert await three.configure("New") == Success(master_sequencer=sequencer("ESW.New"))

    asyncio.run(story())
