"""The Sequence Manager over real agents, components and sequencers in memory; over puppets: ``manager/``.

Case numbers: reference esw_sm section 10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ocs_ray.client.sequence_manager import SequenceManager
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import ReloadObsModes, RestartSequencer, ShutdownSequencer, StartSequencer
from ocs_ray.models.manager_replies import (
    FailedResponse,
    FailedToStartSequencers,
    ObsModesReloaded,
    SequenceComponentNotAvailable,
    SequencerStarted,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled

COUNTS = {Prefix("ESW.machine1"): 2, Prefix("IRIS.machine1"): 2, Prefix("WFOS.machine1"): 0}
A, B, C = ObsMode("A"), ObsMode("B"), ObsMode("C")


def night(place: Any, story: Callable[[SequenceManager], Awaitable[None]]) -> None:
    """Run a story with the manager, on a provisioned observatory."""

    async def run() -> None:
        await place.running[SEQUENCE_MANAGER].start()
        manager = SequenceManager(place)
        assert await manager.provision(COUNTS) == Success()
        await story(manager)
        await manager.shutdown_all_sequence_components()

    asyncio.run(run())


async def ask(place: Any, message: Message) -> Any:
    return await place.ask(SEQUENCE_MANAGER, message, 10)


def sequencers(place: Any) -> list[str]:
    return [name for name in place.names() if name.endswith("-Sequencer")]


def test_given_enough_components_when_configured_and_shut_down_then_sequencers_and_resources_come_and_go(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:  # cases 1, 25 and 27
        reply = await manager.configure(A)
        assert isinstance(reply, Success)
        assert reply.master_sequencer is not None
        assert reply.master_sequencer.prefix == "ESW.A"
        assert sequencers(place) == ["ESW.A-Sequencer", "IRIS.A-Sequencer", "IRIS.A.ifs-Sequencer"]
        assert isinstance(await manager.configure(C), Success)
        assert place.held_by == {A: ("IRIS", "TCS"), C: ("WFOS",)}
        assert await manager.shutdown_obs_mode(A) == Success()
        assert sequencers(place) == ["ESW.C-Sequencer"]
        assert "IRIS.IRIS_1-SequenceComponent" in place.names()
        assert isinstance(await manager.configure(A), Success)

    night(place, story)


def test_given_one_script_that_does_not_load_when_configured_then_the_others_are_taken_down_again(
    place: Any, catalogue: Path
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 12, with the rollback of weakness 3
        (catalogue / "A" / "mode.yaml").write_text(
            "resources: [IRIS, TCS]\nsequencers: {ESW: script.py, IRIS: broken.py}\n"
        )
        (catalogue / "A" / "broken.py").write_text("from ocs_ray.scripting import *\n\ndef x(:\n")
        assert await ask(place, ReloadObsModes()) == ObsModesReloaded(changed=(A,))
        reply = await manager.configure(A)
        assert isinstance(reply, FailedToStartSequencers)
        (reason,) = reply.reasons
        assert reason.startswith("Failed to load sequencer script: ")
        assert "broken.py:3: syntax error" in reason
        assert not sequencers(place)
        assert not place.held_by
        (catalogue / "A" / "broken.py").write_text((catalogue / "A" / "script.py").read_text())
        assert isinstance(await manager.configure(A), Success)

    night(place, story)


def test_given_a_faulty_mode_file_when_reloaded_then_failed_names_file_and_line_and_the_old_modes_stay(
    place: Any, catalogue: Path
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 14
        (catalogue / "B" / "mode.yaml").write_text("resources: [TCS]\nsequencers:\n  ESW: script.py\n  NOPE: x.py\n")
        reply = await ask(place, ReloadObsModes())
        assert isinstance(reply, FailedResponse)
        assert "Sequence Manager Operation(ReloadObsModes) failed due to: " in reply.reason
        assert "mode.yaml:4" in reply.reason
        assert (await manager.status()).state == "Idle"
        assert isinstance(await manager.configure(B), Success)

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


def test_given_a_running_mode_when_one_sequencer_is_ended_started_and_restarted_then_the_mode_runs_on(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:  # cases 19, 20 and 25
        await manager.configure(C)
        esw = {"subsystem": Subsystem.ESW, "obs_mode": C}
        assert await ask(place, ShutdownSequencer(**esw)) == Success()
        assert not place.held_by
        assert isinstance(await ask(place, StartSequencer(**esw)), SequencerStarted)
        assert place.held_by == {C: ("WFOS",)}
        assert isinstance(await ask(place, RestartSequencer(**esw)), Success)
        assert place.held_by == {C: ("WFOS",)}
        assert sequencers(place) == ["ESW.C-Sequencer"]

    night(place, story)


def test_given_sequencers_that_are_lost_when_other_modes_are_configured_then_what_they_held_is_free(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:
        await manager.configure(A)
        for name in sequencers(place):
            place.die(name)
        assert isinstance(await manager.configure(B), Success | SequenceComponentNotAvailable)
        assert A not in place.held_by

    night(place, story)


def test_given_two_machines_when_provisioned_again_then_only_what_was_asked_for_runs(place: Any) -> None:
    async def story(manager: SequenceManager) -> None:  # case 31
        assert await manager.provision({Prefix("ESW.machine1"): 1, Prefix("IRIS.machine1"): 1}) == Success()
        found = [name for name in place.names() if name.endswith("-SequenceComponent")]
        assert found == ["ESW.ESW_1-SequenceComponent", "IRIS.IRIS_1-SequenceComponent"]

    night(place, story)


def test_given_a_component_that_does_not_start_when_provisioned_then_the_text_names_machine_and_reason(
    place: Any,
) -> None:
    async def story(manager: SequenceManager) -> None:  # case 34
        place.broken.add("IRIS.IRIS_2-SequenceComponent")
        reply = await manager.provision(COUNTS)
        assert isinstance(reply, SpawningSequenceComponentsFailed)
        (text,) = reply.failure_responses
        begin = "Failed to spawn Sequence component: IRIS.IRIS_2 on Machine: IRIS.machine1, reason: "
        assert text.startswith(begin)
        assert "out of memory" in text

    night(place, story)
