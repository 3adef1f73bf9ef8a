"""The Sequence Manager on a real Ray: its own death, a second manager, the death of a mode's ESW sequencer.

Every script is simulated: what is looked at is who holds what.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
import ray

from ocs_ray.actors.placement import RayReservations, release_all
from ocs_ray.actors.spawning import create
from ocs_ray.cli.launch import launch
from ocs_ray.errors import UnreachableError
from ocs_ray.location.call import RayPort, ask, find, names
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.cluster_file import ClusterFile, EmbeddedNode
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetResources,
    Provision,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
)
from ocs_ray.models.manager_replies import (
    ConflictingResourcesWithRunningObsMode,
    FailedToStartSequencers,
    ManagerStatus,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.scripting.sequencer_service import Sequencer

pytestmark = pytest.mark.cluster

ESW_M, IRIS_M = Prefix("ESW.m"), Prefix("IRIS.m")
DARK, CLEAR = ObsMode("Dark"), ObsMode("Clear")
SECOND = "ESW.second_manager-Service"
MOMENTS_S = (0.0, 0.1, 0.3, 0.6, 1.0)
"""When it is shut down, in seconds after its reservation; a configure takes about one."""
RACES = [(DARK, CLEAR), (DARK, DARK), (CLEAR, DARK), (CLEAR, CLEAR)]

Waits = Callable[[Callable[[], Coroutine[Any, Any, bool]]], None]


@pytest.fixture(scope="module")
def launched(private_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Simulated, with three ESW components and one of IRIS; Dark{IRIS,TCS} and Clear{TCS,WFOS} share TCS.

    Yields:
        The catalogue's folder.
    """
    root = tmp_path_factory.mktemp("obsmodes")
    for name, resources in (("Dark", "IRIS, TCS"), ("Clear", "TCS, WFOS")):
        folder = root / name
        folder.mkdir()
        (folder / "mode.yaml").write_text(f"resources: [{resources}]\nsequencers: {{ESW: x.py, IRIS: x.py}}\n")
    machines = {ESW_M: "machine:ESW.m", IRIS_M: "machine:IRIS.m"}
    cluster = ClusterFile(node=EmbeddedNode(resources=()), machines=machines)
    launch(cluster, str(root), 1.0, lambda _: None, simulation=True)
    assert asyncio.run(tell(Provision(components={ESW_M: 3, IRIS_M: 1}))) == Success()
    yield str(root)
    for name in names():
        ray.kill(find(name))
    release_all()


@pytest.fixture
def observatory(launched: str) -> str:
    """The same, with nothing configured."""
    assert asyncio.run(tell(ShutdownAllSequencers())) == Success()
    return launched


async def tell(message: Message, manager: str = SEQUENCE_MANAGER) -> Any:
    return await ask(manager, message, 60)


async def held() -> set[ObsMode]:
    return set(await RayReservations().held())


async def configured(mode: ObsMode) -> ManagerStatus:
    assert isinstance(await tell(Configure(obs_mode=mode)), Success)
    return await tell(GetManagerStatus())


def test_given_a_mode_runs_when_the_manager_is_killed_then_it_comes_back_and_knows_all_of_it(
    observatory: str, eventually: Waits
) -> None:
    before = asyncio.run(configured(DARK))
    os.kill(before.pid, signal.SIGKILL)

    async def came_back() -> bool:
        try:
            status: ManagerStatus = await tell(GetManagerStatus())
        except UnreachableError:  # Ray has not noticed, or is about to start it again
            return False
        return status.pid != before.pid and status.restarted

    eventually(came_back)

    async def story() -> None:
        status: ManagerStatus = await tell(GetManagerStatus())
        assert status.running_obs_modes == (DARK,)
        assert status.lost == ()
        loaded = {c.loaded for agent in status.agents for c in agent.sequence_components}
        assert loaded == {"ESW.Dark", "IRIS.Dark", None}
        assert await held() == {DARK}
        used = {s.resource: s.obs_mode for s in (await tell(GetResources())).resources}
        assert used == {"IRIS": DARK, "TCS": DARK, "WFOS": None}
        refused = await tell(Configure(obs_mode=CLEAR))
        expected = ConflictingResourcesWithRunningObsMode(running_obs_modes=(DARK,), conflicts={"TCS": DARK})
        assert refused == expected
        assert await tell(ShutdownObsModeSequencers(obs_mode=DARK)) == Success()
        assert await held() == set()
        assert isinstance(await tell(Configure(obs_mode=CLEAR)), Success)

    asyncio.run(story())


def test_given_two_managers_when_both_configure_modes_that_share_a_resource_then_never_both_succeed(
    observatory: str,
) -> None:
    create("SequenceManager", SECOND, observatory, 1.0, True, resource=None)

    async def story() -> None:
        successes = 0
        for one, two in RACES:
            wanted = {SEQUENCE_MANAGER: one, SECOND: two}
            replies = await asyncio.gather(*(tell(Configure(obs_mode=mode), who) for who, mode in wanted.items()))
            won = {m for m, reply in zip(wanted.values(), replies, strict=True) if isinstance(reply, Success)}
            assert sum(isinstance(reply, Success) for reply in replies) <= 1, replies
            assert await held() == won, replies
            expected = {f"{subsystem}.{mode}-Sequencer" for mode in won for subsystem in ("ESW", "IRIS")}
            assert {name for name in names() if name.endswith("-Sequencer")} == expected, replies
            successes += len(won)
            assert await tell(ShutdownAllSequencers(), SECOND) == Success()
            assert await held() == set()
        assert successes > 0

    try:
        asyncio.run(story())
    finally:
        ray.kill(find(SECOND))


def test_given_a_mode_that_is_being_configured_when_another_manager_shuts_it_down_then_only_what_holds_resources_runs(
    observatory: str,
) -> None:
    create("SequenceManager", SECOND, observatory, 1.0, True, resource=None)

    async def story(moment_s: float) -> None:
        first = asyncio.ensure_future(tell(Configure(obs_mode=DARK)))
        while not first.done() and await held() != {DARK}:  # noqa: ASYNC110 - its word comes much later
            await asyncio.sleep(0.01)
        await asyncio.sleep(moment_s)
        assert await tell(ShutdownObsModeSequencers(obs_mode=DARK), SECOND) == Success()
        second = await tell(Configure(obs_mode=CLEAR), SECOND)
        assert isinstance(second, Success), (moment_s, second, await first)
        assert isinstance(await first, Success | FailedToStartSequencers), moment_s
        assert await held() == {CLEAR}, moment_s
        sequencers = {name for name in names() if name.endswith("-Sequencer")}
        assert sequencers == {"ESW.Clear-Sequencer", "IRIS.Clear-Sequencer"}, moment_s
        assert await tell(ShutdownAllSequencers(), SECOND) == Success()
        status: ManagerStatus = await tell(GetManagerStatus())
        assert {c.state for agent in status.agents for c in agent.sequence_components} == {"Idle"}, moment_s

    try:
        for moment_s in MOMENTS_S:
            asyncio.run(story(moment_s))
    finally:
        ray.kill(find(SECOND))


def test_given_a_mode_runs_when_its_esw_sequencer_is_killed_then_its_resources_are_free_and_it_is_reported_lost(
    observatory: str, eventually: Waits
) -> None:
    status = asyncio.run(configured(DARK))
    running = [c.sequencer for agent in status.agents for c in agent.sequence_components if c.sequencer is not None]
    (pid,) = (sequencer.pid for sequencer in running if sequencer.prefix == "ESW.Dark")
    os.kill(pid, signal.SIGKILL)

    async def is_free() -> bool:
        return await held() == set()

    eventually(is_free)

    async def story() -> None:
        after: ManagerStatus = await tell(GetManagerStatus())
        assert [record.prefix for record in after.lost] == ["ESW.Dark"]
        assert after.running_obs_modes == ()
        assert isinstance(await tell(Configure(obs_mode=DARK)), Success)  # what was left of it is ended first
        again: ManagerStatus = await tell(GetManagerStatus())
        assert (again.lost, again.running_obs_modes) == ((), (DARK,))

    asyncio.run(story())


def test_given_a_held_sequencer_when_it_is_killed_then_its_senders_hear_of_it_and_the_next_one_is_idle(
    observatory: str, eventually: Waits
) -> None:
    async def story() -> None:  # isa88 case 28: lost, not adopted; nothing of it is replayed and nothing is held by it
        await configured(DARK)
        top = Sequencer.at("ESW.Dark", port=RayPort())
        await top.load(Sequence.of(Setup("ESW.test", "one"), Setup("ESW.test", "two")))
        steps = await top.sequence()
        assert steps is not None
        await top.add_breakpoint(steps[1].id)
        await top.start()
        async with asyncio.timeout(20):
            async for change in top.follow_procedure():
                if change.state is ProcedureState.HELD:
                    break
        os.kill((await top.status()).pid, signal.SIGKILL)
        with pytest.raises(UnreachableError):
            await top.unhold(wait=timedelta(seconds=5))

    async def is_free() -> bool:
        return await held() == set()

    async def anew() -> None:
        assert isinstance(await tell(Configure(obs_mode=DARK)), Success)
        procedure = await Sequencer.at("ESW.Dark", port=RayPort()).procedure_state()
        assert (procedure.state, procedure.changes) == (ProcedureState.IDLE, ())

    asyncio.run(story())
    eventually(is_free)
    asyncio.run(anew())
