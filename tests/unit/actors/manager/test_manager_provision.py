"""Provision and the end of all components. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.models.agent_messages import KillComponent, SpawnSequenceComponent
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, Provision, ShutdownAllSequenceComponents
from ocs_ray.models.manager_replies import (
    CouldNotFindMachines,
    FailedResponse,
    LocationServiceError,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.prefix import Prefix

CLEAR = ObsMode("ClearSkies")


def counts(**machines: int) -> Provision:
    """``ESW=2`` for two on ``ESW.primary``."""
    return Provision(components={Prefix(f"{subsystem}.primary"): count for subsystem, count in machines.items()})


def test_given_two_machines_of_a_subsystem_when_provisioned_then_numbers_run_through_both(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 30
        wanted = {Prefix("ESW.primary"): 3, Prefix("ESW.secondary"): 2, Prefix("IRIS.primary"): 2}
        assert await manager.ask(Provision(components=wanted)) == Success()
        assert night.running["ESW.primary-Machine"].children == {f"ESW.ESW_{n}-SequenceComponent" for n in (1, 2, 3)}
        assert night.running["ESW.secondary-Machine"].children == {f"ESW.ESW_{n}-SequenceComponent" for n in (4, 5)}
        assert [p for p in night.components if p.startswith("IRIS")] == ["IRIS.IRIS_1", "IRIS.IRIS_2"]

    night.add_agents("ESW.secondary")
    play(story)


def test_given_components_of_another_provision_or_of_no_agent_when_provisioned_then_exactly_those_asked_for_run(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 31
        await manager.ask(Configure(obs_mode=CLEAR))
        assert await manager.ask(counts(ESW=1, IRIS=1, TCS=0)) == Success()
        assert night.components == ["ESW.ESW_1", "IRIS.IRIS_1"]
        assert not night.sequencers
        assert not night.held_by

    night.add_components("ESW.ESW_10")
    night.add_component("ESW.by_hand", None)
    play(story)


@pytest.mark.parametrize("silent", [False, True])
def test_given_a_machine_without_an_agent_that_answers_when_provisioned_then_it_is_named_and_all_runs_on(
    night: Any, play: Any, silent: bool
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 32, with weakness 9: nothing was destroyed
        await manager.ask(Configure(obs_mode=CLEAR))
        before = night.names()
        wanted = {Prefix("ESW.primary"): 1, Prefix("APS.m7"): 1, Prefix("WFOS.m8"): 0}
        known = ("ESW.primary", "IRIS.primary", "TCS.primary", "WFOS.primary")
        reply = await manager.ask(Provision(components=wanted))
        assert reply == CouldNotFindMachines(machines=("APS.m7",), known=known)
        assert night.names() == before
        assert set(night.held_by) == {CLEAR}

    if silent:
        night.add_agents("APS.m7")
        night.silent.add("APS.m7-Machine")
    play(story)


def test_given_the_location_service_fails_when_provisioned_then_its_error_and_nothing_is_spawned(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 33
        night.listing = RuntimeError("no route")
        assert await manager.ask(counts(ESW=1)) == LocationServiceError(reason="Location Service Error: no route")
        assert not night.told(SpawnSequenceComponent, KillComponent)

    play(story)


def test_given_old_components_that_cannot_be_ended_when_provisioned_then_all_are_named_and_nothing_is_spawned(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 33, with weakness 12
        reply = await manager.ask(counts(ESW=1))
        reasons = "ESW.ESW_1: no permission; IRIS.IRIS_1: no permission"
        assert reply == FailedResponse(reason=f"Sequence Manager Operation(Provision) failed due to: {reasons}")
        assert not night.told(SpawnSequenceComponent)

    night.immortal |= {"ESW.ESW_1-SequenceComponent", "IRIS.IRIS_1-SequenceComponent"}
    night.silent |= night.immortal
    play(story)


def test_given_components_that_do_not_start_when_provisioned_then_each_is_named_with_machine_and_reason(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 34
        reply = await manager.ask(counts(ESW=2, IRIS=2))
        assert reply == SpawningSequenceComponentsFailed(
            failure_responses=tuple(
                f"Failed to spawn Sequence component: {name} on Machine: {machine}, reason: out of memory"
                for machine, name in (("ESW.primary", "ESW.ESW_2"), ("IRIS.primary", "IRIS.IRIS_1"))
            )
        )
        assert night.components == ["ESW.ESW_1", "IRIS.IRIS_2"]

    night.broken |= {"ESW.ESW_2", "IRIS.IRIS_1"}
    play(story)


def test_given_a_lost_machine_when_the_others_are_provisioned_then_its_components_are_ended_through_another_agent(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # weakness 2
        assert await manager.ask(counts(ESW=1)) == Success()
        assert night.components == ["ESW.ESW_1"]

    night.silent |= {"IRIS.primary-Machine", "IRIS.IRIS_1-SequenceComponent"}
    play(story)


def test_given_a_hanging_component_with_a_sequencer_when_all_components_are_ended_then_both_are_gone(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        await manager.ask(Configure(obs_mode=CLEAR))
        night.silent.add("ESW.ESW_1-SequenceComponent")
        assert await manager.ask(ShutdownAllSequenceComponents()) == Success()
        assert not night.components
        assert not night.sequencers
        assert not night.held_by

    play(story)


def test_given_no_agent_at_all_when_all_components_are_ended_then_those_that_can_end_themselves(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert await manager.ask(ShutdownAllSequenceComponents()) == Success()
        assert not night.components

    for agent in night.prefixes("Machine"):
        night.running.pop(f"{agent}-Machine")
    play(story)
