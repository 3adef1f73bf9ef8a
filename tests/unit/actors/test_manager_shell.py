"""The Sequence Manager over in-memory components. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.client.sequence_manager import SequenceManager
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    GetManagerStatus,
    Provision,
)
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    SequenceComponentNotAvailable,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_replies import Unhandled

COUNTS = {Prefix("ESW.machine1"): 2, Prefix("IRIS.machine1"): 2, Prefix("WFOS.machine1"): 0}
A, B, C = ObsMode("A"), ObsMode("B"), ObsMode("C")


def night(place: Any, story: Callable[[SequenceManager], Awaitable[None]]) -> None:
    """Run a story with the manager, on a provisioned observatory."""

    async def run() -> None:
        manager = SequenceManager(place)
        assert await manager.provision(COUNTS) == Success()
        await story(manager)
        await manager.shutdown_all_sequence_components()

    asyncio.run(run())


def sequencers(place: Any) -> list[str]:
    return [name for name in place.names() if name.endswith("-Sequencer")]


def test_given_enough_components_when_configured_then_success_names_the_top_level_sequencer(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 1
        reply = await manager.configure(A)
        assert isinstance(reply, Success)
        assert reply.master_sequencer is not None
        assert reply.master_sequencer.prefix == "ESW.A"
        assert sequencers(place) == ["ESW.A-Sequencer", "IRIS.A-Sequencer", "IRIS.A.ifs-Sequencer"]
        assert place.held_by == {A: ("IRIS", "TCS")}

    night(place, story)


def test_given_a_mode_that_holds_tcs_when_another_needs_it_then_conflict_and_nothing_is_loaded(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 2
        await manager.configure(A)
        before = sequencers(place)
        reply = await manager.configure(B)
        assert isinstance(reply, ConflictingResourcesWithRunningObsMode)
        assert (reply.running_obs_modes, reply.conflicts) == ((A,), {"TCS": A})
        assert sequencers(place) == before

    night(place, story)


def test_given_a_mode_without_a_shared_resource_when_configured_then_both_run(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 4
        await manager.configure(A)
        assert isinstance(await manager.configure(C), Success)
        assert set(place.held_by) == {A, C}
        assert (await manager.status()).running_obs_modes == (A, C)

    night(place, story)


def test_given_a_mode_the_catalogue_lacks_when_configured_then_the_known_ones_are_named(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 5
        reply = await manager.configure(ObsMode("Nope"))
        assert reply == ConfigurationMissing(obs_mode=ObsMode("Nope"), known=(A, B, C))

    night(place, story)


def test_given_too_few_components_when_configured_then_the_missing_sequencers_are_named(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 7
        assert await manager.provision({Prefix("ESW.machine1"): 1, Prefix("IRIS.machine1"): 1}) == Success()
        reply = await manager.configure(A)
        assert isinstance(reply, SequenceComponentNotAvailable)
        assert reply.msg == "No sequence components found for sequencers : IRIS.ifs"
        assert not sequencers(place)
        assert not place.held_by

    night(place, story)


def test_given_one_script_that_does_not_load_when_configured_then_the_others_are_taken_down_again(
    place: Any, catalogue: Path
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 12, with the rollback of weakness 3
        (catalogue / "A" / "mode.yaml").write_text(
            "resources: [IRIS, TCS]\nsequencers: {ESW: script.py, IRIS: broken.py}\n"
        )
        (catalogue / "A" / "broken.py").write_text("from ocs_ray.scripting import *\n\ndef x(:\n")
        reply = await manager.configure(A)
        assert isinstance(reply, FailedToStartSequencers)
        (reason,) = reply.reasons
        assert reason.startswith(
            "Failed to load sequencer script: Script initialization failed with : script of IRIS.A: "
        )
        assert "broken.py:3: syntax error" in reason
        assert not sequencers(place)
        assert not place.held_by
        (catalogue / "A" / "broken.py").write_text((catalogue / "A" / "script.py").read_text())
        assert isinstance(await manager.configure(A), Success)

    night(place, story)


def test_given_a_faulty_mode_file_when_configured_then_failed_names_file_and_line_and_the_manager_is_idle(
    place: Any, catalogue: Path
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 14
        (catalogue / "B" / "mode.yaml").write_text("resources: [TCS]\nsequencers:\n  ESW: script.py\n  NOPE: x.py\n")
        reply = await manager.configure(A)
        assert isinstance(reply, FailedResponse)
        assert "Sequence Manager Operation(Configure) failed due to: " in reply.reason
        assert "mode.yaml:4" in reply.reason
        assert (await manager.status()).state == "Idle"

    night(place, story)


def test_given_configure_in_progress_when_another_operation_comes_then_unhandled_at_once_and_reads_go_on(
    place: Any, catalogue: Path
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 15
        slow = (catalogue / "A" / "script.py").read_text().replace("None:\n", "None:\n    await ctx.sleep(200)\n", 1)
        (catalogue / "A" / "script.py").write_text(slow)
        first = asyncio.ensure_future(manager.configure(A))
        async with asyncio.timeout(10):
            while (await manager.status()).state != "Processing":  # noqa: ASYNC110 - the manager tells nobody
                await asyncio.sleep(0)
        refused = await manager.configure(C)
        assert refused == Unhandled(
            state="Processing",
            message_type="Configure",
            msg="Sequence Manager can not accept 'Configure' message in 'Processing'",
        )
        assert len((await manager.obs_modes_details()).obs_modes) == 3
        assert isinstance(await first, Success)

    night(place, story)


def test_given_two_machines_when_provisioned_again_then_only_what_was_asked_for_runs(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 31
        assert await manager.provision({Prefix("ESW.machine1"): 1, Prefix("IRIS.machine1"): 1}) == Success()
        found = [name for name in place.names() if name.endswith("-SequenceComponent")]
        assert found == ["ESW.ESW_1-SequenceComponent", "IRIS.IRIS_1-SequenceComponent"]

    night(place, story)


def test_given_a_machine_without_an_agent_when_provisioned_then_it_is_named_and_nothing_was_destroyed(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 32, with weakness 9 fixed
        before = place.names()
        reply = await manager.provision({Prefix("ESW.machine1"): 1, Prefix("TCS.machine7"): 1})
        assert isinstance(reply, CouldNotFindMachines)
        assert reply.machines == ("TCS.machine7",)
        assert place.names() == before

    night(place, story)


def test_given_a_component_that_does_not_start_when_provisioned_then_the_text_names_machine_and_reason(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 34
        place.broken.add("IRIS.IRIS_2-SequenceComponent")
        reply = await manager.provision(COUNTS)
        assert isinstance(reply, SpawningSequenceComponentsFailed)
        assert reply.failure_responses == (
            "Failed to spawn Sequence component: IRIS.IRIS_2 on Machine: IRIS.machine1, "
            "reason: IRIS.IRIS_2-SequenceComponent did not start: out of memory (add memory)",
        )

    night(place, story)


def test_given_a_component_that_does_not_answer_when_configured_then_it_blocks_nobody(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # weakness 2
        place.silent.add("ESW.ESW_1-SequenceComponent")
        assert isinstance(await manager.configure(C), Success)

    night(place, story)


def test_given_a_running_mode_when_shut_down_then_its_sequencers_are_gone_and_its_resources_free(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # cases 25 and 27
        await manager.configure(A)
        await manager.configure(C)
        assert await manager.shutdown_obs_mode(A) == Success()
        assert sequencers(place) == ["ESW.C-Sequencer"]
        assert set(place.held_by) == {C}
        assert "IRIS.IRIS_1-SequenceComponent" in place.names()
        assert isinstance(await manager.configure(A), Success | SequenceComponentNotAvailable)

    night(place, story)


def test_given_nothing_runs_when_a_mode_is_shut_down_then_success(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 28
        assert await manager.shutdown_obs_mode(A) == Success()

    night(place, story)


def test_given_the_esw_sequencer_is_lost_when_configured_again_then_what_the_mode_held_is_free(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:
        await manager.configure(A)
        for name in sequencers(place):
            place.die(name)
        assert isinstance(await manager.configure(B), SequenceComponentNotAvailable | Success)
        assert A not in place.held_by

    night(place, story)


def test_given_modes_in_all_situations_when_details_are_asked_then_each_says_what_it_lacks(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # cases 40 and 41
        await manager.configure(A)
        details = {mode.obs_mode: mode for mode in (await manager.obs_modes_details()).obs_modes}
        assert details[A].status == "Configured"
        assert (details[B].status, details[B].blocked_by, details[B].missing) == ("NonConfigurable", (A,), ("TCS",))
        assert details[C].status == "Configurable"

    night(place, story)


def test_given_an_agent_that_does_not_answer_when_status_is_asked_then_it_is_named_and_the_others_are_shown(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:
        place.silent.add("IRIS.machine1-Machine")
        status = await manager.status()
        assert status.silent_agents == ("IRIS.machine1",)
        assert [agent.agent for agent in status.agents] == ["ESW.machine1", "WFOS.machine1"]
        place.silent.clear()

    night(place, story)


def test_given_a_message_it_does_not_know_when_asked_then_it_says_so(place: Any) -> None:
    with pytest.raises(TypeError, match="does not understand str"):
        asyncio.run(place.running[SEQUENCE_MANAGER].ask("hello"))


def test_given_a_message_with_an_unknown_field_when_made_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        GetManagerStatus(verbose=True)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Provision(components={Prefix("ESW.machine1"): -1})  # case 36
