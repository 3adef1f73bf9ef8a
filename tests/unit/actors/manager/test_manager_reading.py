"""What the manager answers when it is asked. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.errors import LocationError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    ReloadObsModes,
    ShutdownSequencer,
)
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    FailedResponse,
    LocationServiceError,
    ManagerStatus,
    ObsModesReloaded,
    Plan,
    ResourcesStatus,
    Success,
)
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.testing.waiting import until

CLEAR, DARK, EMPTY, IRIS_CAL, WFOS = map(ObsMode, ("ClearSkies", "DarkNight", "Empty", "IRIS_Cal", "WFOS_Cal"))


async def details(manager: ManagerShell) -> dict[ObsMode, Any]:
    return {mode.obs_mode: mode for mode in (await manager.ask(GetObsModesDetails())).obs_modes}


async def in_use(manager: ManagerShell) -> dict[str, Any]:
    reply = await manager.ask(GetResources())
    assert isinstance(reply, ResourcesStatus)
    return {status.resource: status.obs_mode for status in reply.resources}


# -- resources -----------------------------------------------------------------------------------------------------


def test_given_no_mode_runs_when_resources_are_asked_then_all_are_available_each_once(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 37
        reply = await manager.ask(GetResources())
        assert [status.resource for status in reply.resources] == ["APS", "IRIS", "NFIRAOS", "TCS", "WFOS"]
        assert {status.status for status in reply.resources} == {"Available"}

    play(story)


def test_given_a_mode_runs_when_resources_are_asked_then_its_own_are_in_use_by_it(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 38
        await manager.ask(Configure(obs_mode=IRIS_CAL))
        taken = {"APS": IRIS_CAL, "IRIS": IRIS_CAL, "NFIRAOS": IRIS_CAL}
        assert await in_use(manager) == {**taken, "TCS": None, "WFOS": None}

    play(story)


def test_given_the_location_service_fails_when_resources_are_asked_then_failed(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:  # case 39
        night.listing = RuntimeError("no route")
        assert await manager.ask(GetResources()) == FailedResponse(reason="Location Service Error: no route")

    play(story)


# -- details -------------------------------------------------------------------------------------------------------


def test_given_modes_in_all_situations_when_details_are_asked_then_each_says_what_it_lacks(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await manager.ask(Configure(obs_mode=IRIS_CAL))
        found = await details(manager)
        assert found[IRIS_CAL].status == "Configured"
        assert (found[DARK].status, found[DARK].missing, found[DARK].blocked_by) == (
            "NonConfigurable",
            (),
            (IRIS_CAL,),
        )  # case 40
        clear = found[CLEAR]
        assert (clear.status, clear.missing, clear.blocked_by) == ("NonConfigurable", ("IRIS",), (IRIS_CAL,))  # case 41
        night.add_components("IRIS.IRIS_2")
        assert (await details(manager))[CLEAR].missing == ()  # case 42
        assert found[EMPTY].status == "Configurable"

    play(story)


def test_given_odd_sequencers_and_silent_components_when_details_are_asked_then_they_are_answered(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # weaknesses 1 and 2
        found = await details(manager)
        assert found[DARK].status == "Configured"
        assert found[WFOS].missing == ("WFOS.blue",)

    night.add_sequencer("ESW.DarkNight.red", "ESW.ESW_1")
    night.add_sequencer("ESW.Unlisted", "ESW.ESW_2")
    night.running["ESW..odd-Sequencer"] = night.running["odd"] = night.running["odd-odd"] = None
    night.silent.add("TCS.TCS_1-SequenceComponent")
    play(story)


def test_given_scripts_that_load_for_long_when_details_are_asked_then_they_are_answered_meanwhile(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # weakness 4
        night.scripts["IRIS.ClearSkies"] = gate = asyncio.Event()
        operation = asyncio.ensure_future(manager.ask(Configure(obs_mode=CLEAR)))
        await until(lambda: "IRIS.ClearSkies" in night.sequencers)
        assert (await details(manager))[WFOS].status == "Configurable"
        gate.set()
        await operation

    play(story)


def test_given_the_location_service_fails_when_details_and_the_plan_are_asked_then_its_error(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.listing = RuntimeError("no route")
        expected = LocationServiceError(reason="Location Service Error: no route")
        assert await manager.ask(GetObsModesDetails()) == expected
        assert await manager.ask(GetPlan()) == expected
        with pytest.raises(LocationError, match="no route"):
            await manager.ask(GetManagerStatus())

    play(story)


# -- plan ----------------------------------------------------------------------------------------------------------


def test_given_modes_that_share_tcs_when_the_plan_is_asked_then_they_cannot_run_together(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:
        plan = await manager.ask(GetPlan(obs_modes=(CLEAR, DARK)))
        assert isinstance(plan, Plan)
        assert [mode.obs_mode for mode in plan.modes] == [CLEAR, DARK]
        assert plan.modes[0].excludes == {DARK: ("TCS",)}
        assert not plan.together
        assert len((await manager.ask(GetPlan())).modes) == 5

    play(story)


def test_given_a_mode_the_catalogue_lacks_when_the_plan_is_asked_then_it_is_named(night: Any, play: Any) -> None:
    async def story(manager: ManagerShell) -> None:
        reply = await manager.ask(GetPlan(obs_modes=(CLEAR, ObsMode("Nope"))))
        assert reply == ConfigurationMissing(obs_mode=ObsMode("Nope"), known=(CLEAR, DARK, EMPTY, IRIS_CAL, WFOS))

    play(story)


# -- the catalogue -------------------------------------------------------------------------------------------------


def test_given_an_edited_catalogue_when_reloaded_then_changes_are_told_and_running_modes_are_left_as_they_are(
    night: Any, play: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await manager.ask(Configure(obs_mode=CLEAR))
        night.modes[CLEAR] = obs_mode("ClearSkies", "IRIS", "ESW", "IRIS")
        night.modes[ObsMode("New")] = obs_mode("New", "TCS", "ESW")
        del night.modes[DARK]
        assert isinstance(await manager.ask(Configure(obs_mode=DARK)), ConflictingResourcesWithRunningObsMode)
        reply = await manager.ask(ReloadObsModes())
        assert reply == ObsModesReloaded(added=(ObsMode("New"),), removed=(DARK,), changed=(CLEAR,), running=(CLEAR,))
        blocked = await manager.ask(Configure(obs_mode=ObsMode("New")))
        assert isinstance(blocked, ConflictingResourcesWithRunningObsMode)
        assert blocked.conflicts == {"TCS": CLEAR}  # it holds what it took
        assert isinstance(await manager.ask(Configure(obs_mode=DARK)), ConfigurationMissing)

    play(story)


def test_given_a_faulty_catalogue_when_reloaded_then_file_and_line_are_told_and_the_old_one_stays(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        night.fault = "one.yaml:7"
        reply = await manager.ask(ReloadObsModes())
        reason = "one.yaml:7: unknown subsystem NOPE (correct it)"
        assert reply == FailedResponse(reason=f"Sequence Manager Operation(ReloadObsModes) failed due to: {reason}")
        assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)

    play(story)


def test_given_a_manager_started_anew_with_a_changed_catalogue_when_a_new_mode_is_configured_then_success(
    night: Any, play: Any, another: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 54
        night.modes[ObsMode("New")] = obs_mode("New", "M1CS", "ESW")
        assert isinstance(await manager.ask(Configure(obs_mode=ObsMode("New"))), ConfigurationMissing)
        assert isinstance(await (await another()).ask(Configure(obs_mode=ObsMode("New"))), Success)

    play(story)


# -- status --------------------------------------------------------------------------------------------------------


def test_given_agents_components_and_strangers_when_status_is_asked_then_they_are_grouped(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 50, with weakness 10: who is silent is told
        status = await manager.ask(GetManagerStatus())
        assert isinstance(status, ManagerStatus)
        loaded = {agent.agent: [c.loaded for c in agent.sequence_components] for agent in status.agents}
        assert loaded == {"ESW.primary": [None, "ESW.Nope", None], "IRIS.primary": [], "TCS.primary": []}
        assert [c.prefix for c in status.without_agent] == ["ESW.by_hand", "IRIS.by_hand"]
        assert status.silent_agents == ("WFOS.primary",)
        assert status.silent_components == ("IRIS.IRIS_1", "WFOS.WFOS_1")
        assert status.running_obs_modes == ("Nope",)
        assert (status.state, status.restarted, status.restarts) == ("Idle", True, 1)
        assert status.since is not None

    night.running.pop("TCS.TCS_1-SequenceComponent")
    night.running["TCS.primary-Machine"].children.clear()
    night.add_sequencer("ESW.Nope", "ESW.ESW_2")
    night.add_component("ESW.by_hand", None)
    night.add_component("IRIS.by_hand", None)
    night.silent |= {"WFOS.primary-Machine", "IRIS.IRIS_1-SequenceComponent", "WFOS.WFOS_1-SequenceComponent"}
    play(story, restarts=1)


def test_given_a_silent_agent_whose_components_answer_when_status_is_asked_then_they_count_as_without_agent(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        status = await manager.ask(GetManagerStatus())
        assert [c.prefix for c in status.without_agent] == [Prefix("IRIS.IRIS_1")]

    night.silent.add("IRIS.primary-Machine")
    play(story)


def test_given_sequencers_whose_component_is_gone_or_another_when_status_is_asked_then_they_are_told_and_can_be_ended(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)
        assert (await manager.ask(GetManagerStatus())).stray == ()
        iris, tcs = night.home("IRIS.ClearSkies"), night.home("TCS.ClearSkies")
        night.running.pop(f"{iris.prefix}-SequenceComponent")  # it died, and is not restarted
        night.running["IRIS.primary-Machine"].children.clear()
        tcs.state, tcs.loaded = "Idle", None  # one of the same name, started since
        seen = await manager.ask(GetManagerStatus())
        assert [stray.prefix for stray in seen.stray] == ["IRIS.ClearSkies", "TCS.ClearSkies"]
        for subsystem in (Subsystem.IRIS, Subsystem.TCS):
            assert await manager.ask(ShutdownSequencer(subsystem=subsystem, obs_mode=CLEAR)) == Success()
        assert night.sequencers == ["ESW.ClearSkies"]
        assert (await manager.ask(GetManagerStatus())).stray == ()

    play(story)


def test_given_what_is_left_of_a_mode_when_the_plan_is_asked_then_it_agrees_with_the_details_and_with_configure(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        (plan,) = (await manager.ask(GetPlan(obs_modes=(CLEAR,)))).modes
        assert (plan.status, plan.missing) == ("Configurable", ())
        assert (await details(manager))[CLEAR].status == "Configurable"
        (other,) = (await manager.ask(GetPlan(obs_modes=(IRIS_CAL,)))).modes
        assert other.missing == ("AOESW",)  # IRIS has the second of ESW's
        assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)

    night.running.pop("ESW.ESW_3-SequenceComponent")
    night.add_sequencer("IRIS.ClearSkies", "IRIS.IRIS_1")
    night.add_sequencer("TCS.ClearSkies", "TCS.TCS_1")
    play(story)
