"""The Sequence Manager's cases on a real Ray: provision, details, what agents end, single sequencers.

Numbers: reference esw_sm section 10.
"""

from __future__ import annotations

import asyncio

import psutil
import pytest
import ray

from ocs_ray.actors.spawning import RaySpawner, create
from ocs_ray.cli.agent_verbs import agent_of
from ocs_ray.client import Agent
from ocs_ray.errors import BadInputError
from ocs_ray.location.call import ask, find, names
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.agent_messages import AgentStatus, GetAgentStatus, Killed, Spawned
from ocs_ray.models.component_messages import LoadScript, ScriptLoaded, ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    GetManagerStatus,
    GetSequenceManagerState,
    Provision,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    StartSequencer,
)
from ocs_ray.models.manager_replies import (
    CouldNotFindMachines,
    LoadScriptError,
    ManagerStatus,
    SequenceManagerState,
    SequencerStarted,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from tests.cluster.whole_observatory import ESW, ESW_2, IRIS, LIMIT_S, MACHINES, TCS, WholeObservatory, within

pytestmark = pytest.mark.cluster

COMPONENT = ComponentType.SequenceComponent
S = Subsystem
CLEAR, SLOW = ObsMode("Clear"), ObsMode("Slow")


@pytest.fixture
def empty(whole: WholeObservatory) -> WholeObservatory:
    """The four machines, without components."""
    assert asyncio.run(whole.tell(ShutdownAllSequenceComponents())) == Success()
    return whole


async def on(machine: Prefix) -> list[str]:
    """The sequence components of a machine."""
    status: AgentStatus = await ask(actor_name(machine, ComponentType.Machine), GetAgentStatus(), LIMIT_S)
    return sorted(component.prefix for component in status.sequence_components)


# -- provision -------------------------------------------------------------------------------------------------------


def test_given_two_machines_of_a_subsystem_when_provisioned_then_numbers_run_through_both(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 30
        assert await empty.tell(Provision(components={ESW: 3, ESW_2: 2, IRIS: 2})) == Success()
        assert await on(ESW) == ["ESW.ESW_1", "ESW.ESW_2", "ESW.ESW_3"]
        assert await on(ESW_2) == ["ESW.ESW_4", "ESW.ESW_5"]
        assert await on(IRIS) == ["IRIS.IRIS_1", "IRIS.IRIS_2"]

    asyncio.run(story())


def test_given_a_component_of_another_provision_when_provisioned_then_exactly_those_asked_for_run(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 31; case 36, its half that a count of 0 is accepted
        assert await empty.spawn(ESW, "ESW.ESW_10") == Spawned(prefix=Prefix("ESW.ESW_10"))
        assert await empty.tell(Provision(components={ESW: 1, IRIS: 1, TCS: 0})) == Success()
        assert empty.registered(COMPONENT) == {"ESW.ESW_1", "IRIS.IRIS_1"}

    asyncio.run(story())


def test_given_a_machine_without_an_agent_when_provisioned_then_it_is_named_and_the_old_components_run_on(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 32, with weakness 9: ESW ends the old ones first
        assert await empty.spawn(ESW, "ESW.ESW_10") == Spawned(prefix=Prefix("ESW.ESW_10"))
        reply = await empty.tell(Provision(components={ESW: 1, Prefix("APS.primary"): 1}))
        assert reply == CouldNotFindMachines(machines=(Prefix("APS.primary"),), known=tuple(sorted(MACHINES)))
        assert empty.registered(COMPONENT) == {"ESW.ESW_10"}

    asyncio.run(story())


def test_given_an_agent_that_goes_away_when_provisioned_then_processing_meanwhile_and_its_component_is_told(
    empty: WholeObservatory,
) -> None:
    name = actor_name(TCS, ComponentType.Machine)
    empty.close_gate()

    async def story() -> None:
        await empty.provision(esw=1)
        assert isinstance(await empty.configure("Stubborn"), Success)
        provision = asyncio.ensure_future(empty.tell(Provision(components={ESW: 1, TCS: 1})))
        await empty.waiting("ESW.Stubborn.ending")  # the machines have been looked for, the old component goes
        state = await empty.tell(GetSequenceManagerState())
        assert state == SequenceManagerState(state="Processing")  # esw_sm case 16
        ray.kill(find(name))
        empty.open_gate()
        reply = await provision
        assert isinstance(reply, SpawningSequenceComponentsFailed)  # esw_sm case 34
        (text,) = reply.failure_responses
        start = "Failed to spawn Sequence component: TCS.TCS_1 on Machine: TCS.primary, reason: "
        assert text.startswith(f"{start}{name} ")
        assert empty.registered(COMPONENT) == {"ESW.ESW_1"}
        assert await empty.tell(GetSequenceManagerState()) == SequenceManagerState(state="Idle")

    try:
        asyncio.run(story())
    finally:
        if name not in names():
            create("Agent", name, TCS, MACHINES[TCS], 1.0, resource=MACHINES[TCS])


# -- details of the modes --------------------------------------------------------------------------------------------


def test_given_a_mode_runs_when_details_are_asked_then_the_others_say_whether_components_or_resources_lack(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:
        await empty.provision(esw=3)
        assert await empty.spawn(IRIS) == Spawned(prefix=Prefix("IRIS.IRIS_1"))
        assert isinstance(await empty.configure("Aoesw"), Success)  # holds IRIS; one of ESW is left idle
        found = await empty.details()
        assert found["Aoesw"].status == "Configured"
        assert found["Calib"].status == "Configurable"
        clear = found["Clear"]  # esw_sm case 41: needs IRIS, ESW, TCS
        assert (clear.status, clear.missing, clear.blocked_by) == ("NonConfigurable", ("TCS", "IRIS"), ("Aoesw",))
        assert await empty.spawn(TCS) == Spawned(prefix=Prefix("TCS.TCS_1"))
        assert (await empty.details())["Clear"].missing == ("IRIS",)  # esw_sm case 42
        assert await empty.spawn(IRIS) == Spawned(prefix=Prefix("IRIS.IRIS_2"))
        clear = (await empty.details())["Clear"]  # esw_sm case 40
        assert (clear.status, clear.missing, clear.blocked_by) == ("NonConfigurable", (), ("Aoesw",))

    asyncio.run(story())


def test_given_components_of_agents_and_of_nobody_when_status_is_asked_then_they_are_grouped(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 50
        await empty.provision(esw=2)
        assert isinstance(await empty.tell(StartSequencer(subsystem=S.ESW, obs_mode=CLEAR)), SequencerStarted)
        spawner = RaySpawner(Prefix("IRIS.other"), MACHINES[IRIS])  # a machine without an agent
        by_hand = (Prefix("IRIS.by_hand"), Prefix("TCS.by_hand"))
        await asyncio.gather(*map(spawner.spawn_sequence_component, by_hand))
        status: ManagerStatus = await empty.tell(GetManagerStatus())
        loaded = {agent.agent: {c.loaded for c in agent.sequence_components} for agent in status.agents}
        assert loaded == {ESW: {"ESW.Clear", None}, ESW_2: set(), IRIS: set(), TCS: set()}
        assert {component.prefix for component in status.without_agent} == set(by_hand)

    asyncio.run(story())


# -- what agents end -------------------------------------------------------------------------------------------------


def test_given_a_component_when_killed_twice_then_killed_both_times_and_its_process_is_gone(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm cases 47, 49: Ray knows the process, so one that is gone is Killed as well
        assert await empty.spawn(IRIS) == Spawned(prefix=Prefix("IRIS.IRIS_1"))
        agent, pid = Agent(IRIS), (await empty.component("IRIS.IRIS_1")).pid
        for _ in range(2):
            assert await agent.kill(Prefix("IRIS.IRIS_1"), COMPONENT) == Killed()
            assert empty.registered(COMPONENT) == set()
            assert await on(IRIS) == []
        await within(lambda: not psutil.pid_exists(pid))

    asyncio.run(story())


def test_given_a_name_nobody_has_or_no_agent_started_when_its_agent_is_looked_for_then_the_reason(
    empty: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 51
        agents = [Agent(machine) for machine in MACHINES]
        with pytest.raises(BadInputError, match="is not running"):
            await agent_of("IRIS.IRIS_9-SequenceComponent", agents, names())
        with pytest.raises(BadInputError, match="no agent that answers has started it"):
            await agent_of(SEQUENCE_MANAGER, agents, names())

    asyncio.run(story())


# -- one sequencer ---------------------------------------------------------------------------------------------------


def test_given_a_sequencer_nobody_knows_a_script_for_when_started_then_its_text(three: WholeObservatory) -> None:
    async def story() -> None:  # esw_sm case 18
        reply = await three.tell(StartSequencer(subsystem=S.ESW, obs_mode=ObsMode("invalid_obs_mode")))
        assert reply == LoadScriptError(reason="Script configuration missing for [ESW] with [invalid_obs_mode]")

    asyncio.run(story())


def test_given_a_component_that_still_loads_when_its_sequencer_is_restarted_then_its_refusal(
    three: WholeObservatory,
) -> None:
    three.close_gate()

    async def story() -> None:  # esw_sm case 22
        source = ScriptSource(file=str(three.root / "Slow" / "slow.py"), root=str(three.root))
        load = LoadScript(prefix=Prefix("IRIS.Slow"), obs_mode=SLOW, script=source)
        loading = asyncio.ensure_future(ask("IRIS.IRIS_1-SequenceComponent", load, LIMIT_S))
        await three.waiting("IRIS.Slow.loading")
        reply = await three.tell(RestartSequencer(subsystem=S.IRIS, obs_mode=SLOW))
        text = "Sequence Component can not accept 'RestartScript' message in 'Loading'"
        assert reply == LoadScriptError(reason=text)
        three.open_gate()
        assert await loading == ScriptLoaded(prefix=load.prefix)

    asyncio.run(story())


def test_given_a_sequencer_that_runs_when_shut_down_then_its_component_stays_in_its_process_and_is_idle(
    three: WholeObservatory,
) -> None:
    async def story() -> None:  # esw_sm case 25
        assert isinstance(await three.configure("Clear"), Success)
        before: ManagerStatus = await three.tell(GetManagerStatus())
        assert await three.tell(ShutdownSequencer(subsystem=S.ESW, obs_mode=CLEAR)) == Success()
        after: ManagerStatus = await three.tell(GetManagerStatus())
        pids = [{c.prefix: c.pid for a in seen.agents for c in a.sequence_components} for seen in (before, after)]
        assert pids[0] == pids[1]
        assert await three.loaded() == {"ESW.ESW_1": None, "IRIS.IRIS_1": "IRIS.Clear", "TCS.TCS_1": "TCS.Clear"}

    asyncio.run(story())


def test_given_a_component_with_a_sequencer_when_shut_down_then_both_are_gone(four: WholeObservatory) -> None:
    async def story() -> None:  # esw_sm case 29
        assert isinstance(await four.configure("Clear"), Success)
        (home,) = (prefix for prefix, loaded in (await four.loaded()).items() if loaded == "ESW.Clear")
        assert await four.tell(ShutdownSequenceComponent(prefix=Prefix(home))) == Success()
        assert four.registered(ComponentType.SequenceComponent) == {
            "ESW.ESW_1",
            "ESW.ESW_2",
            "IRIS.IRIS_1",
            "TCS.TCS_1",
        } - {home}
        assert four.registered(ComponentType.Sequencer) == {"IRIS.Clear", "TCS.Clear"}
        assert await four.held() == set()

    asyncio.run(story())
