"""Agents over in-memory components. Source: reference esw_sm section 5; case numbers: its section 10."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Completed,
    ContainerSpec,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    SpawnContainers,
    SpawnDevice,
    Spawned,
    SpawnSequenceComponent,
    SpawnSequenceManager,
)
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.component_messages import DeviceSpec, GetComponentStatus, LoadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.scripting.component_handlers import ComponentHandlers

AGENT = "IRIS.machine1-Machine"
COMPONENT = "IRIS.IRIS_1-SequenceComponent"


class Idle(ComponentHandlers):
    """A device that does nothing."""

    async def on_submit(self, command: ControlCommand, run_id: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _idle_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocs_ray.actors.component_shell._factory", lambda spec: Idle)


def devices(*names: str) -> tuple[DeviceSpec, ...]:
    return tuple(DeviceSpec(prefix=Prefix(name), factory="tests:Idle") for name in names)


def spawn(name: str | None) -> SpawnSequenceComponent:
    return SpawnSequenceComponent(prefix=None if name is None else Prefix(name))


def kill(name: str, component_type: ComponentType = ComponentType.SequenceComponent) -> KillComponent:
    return KillComponent(prefix=Prefix(name), component_type=component_type)


async def ask(place: Any, message: object, agent: str = AGENT) -> Any:
    return await place.ask(agent, message, 20)


async def status(place: Any) -> AgentStatus:
    return await ask(place, GetAgentStatus())


def test_given_no_name_when_components_are_spawned_then_each_gets_the_lowest_free_number(place: Any) -> None:
    async def story() -> None:
        await ask(place, spawn("IRIS.IRIS_2"))
        replies = [await ask(place, spawn(None)) for _ in range(2)]
        assert [reply.prefix for reply in replies] == ["IRIS.IRIS_1", "IRIS.IRIS_3"]

    asyncio.run(story())


def test_given_two_agents_of_a_subsystem_when_both_choose_at_the_same_time_then_the_second_takes_the_next_name(
    place: Any,
) -> None:
    async def story() -> None:  # case 84: a generated name that clashes is given up for another
        await place.add_agent("IRIS.machine2")
        agents = [AGENT, "IRIS.machine2-Machine"]
        replies = await asyncio.gather(*(ask(place, spawn(None), agent) for agent in agents * 2))
        assert sorted(reply.prefix for reply in replies) == [f"IRIS.IRIS_{n}" for n in range(1, 5)]

    asyncio.run(story())


def test_given_names_that_are_always_taken_when_one_is_chosen_then_the_agent_gives_up_after_ten(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:  # case 84
        for number in range(1, 12):
            place.running[f"IRIS.IRIS_{number}-SequenceComponent"] = object()
        monkeypatch.setattr(place, "names", lambda: [])  # others are quicker each time
        reply = await ask(place, spawn(None))
        assert isinstance(reply, Failed)
        assert "was free in 10 tries" in reply.msg
        assert "IRIS.IRIS_10" in reply.msg

    asyncio.run(story())


def test_given_a_name_that_is_registered_when_spawned_then_failed_says_where_and_the_first_lives(place: Any) -> None:
    async def story() -> None:  # cases 43, 84: a name that was asked for is not changed
        assert await ask(place, spawn("IRIS.IRIS_1")) == Spawned(prefix=Prefix("IRIS.IRIS_1"))
        first = place.running[COMPONENT]
        text = f"{COMPONENT} is already registered with location service at IRIS.machine1"
        assert await ask(place, spawn("IRIS.IRIS_1")) == Failed(msg=text)
        assert place.running[COMPONENT] is first

    asyncio.run(story())


def test_given_a_name_of_another_subsystem_when_spawned_then_failed_names_the_right_machines(place: Any) -> None:
    async def story() -> None:
        reply = await ask(place, spawn("TCS.TCS_1"))
        assert isinstance(reply, Failed)
        assert "ask a machine of TCS" in reply.msg
        assert "TCS.TCS_1-SequenceComponent" not in place.names()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "reason"), [("broken", "out of memory"), ("fragile", "Process terminated before registration")]
)
def test_given_a_component_that_does_not_come_up_when_spawned_then_failed_and_the_agent_does_not_know_it(
    place: Any, kind: str, reason: str
) -> None:
    async def story() -> None:  # cases 44, 45; that its process is gone: tests/cluster
        getattr(place, kind).add(COMPONENT)
        reply = await ask(place, spawn("IRIS.IRIS_1"))
        assert isinstance(reply, Failed)
        assert reason in reply.msg
        assert (await status(place)).children == ()
        getattr(place, kind).clear()
        assert isinstance(await ask(place, spawn("IRIS.IRIS_1")), Spawned)

    asyncio.run(story())


def test_given_a_child_that_is_gone_for_good_then_its_agent_does_not_list_it(place: Any) -> None:
    async def story() -> None:  # case 46; a child whose process died is restarted instead: tests/cluster
        await ask(place, spawn("IRIS.IRIS_1"))
        place.die(COMPONENT)
        assert (await status(place)).children == ()

    asyncio.run(story())


def test_given_actors_with_odd_names_then_the_agent_still_tells_its_status_and_starts_components(place: Any) -> None:
    async def story() -> None:  # anybody may register an actor in our namespace
        place.running["odd"] = place.running["odd-odd"] = place.running["ESW..odd-Sequencer"] = None
        assert await ask(place, spawn(None)) == Spawned(prefix=Prefix("IRIS.IRIS_1"))
        assert (await status(place)).children == (COMPONENT,)

    asyncio.run(story())


def test_given_a_component_when_killed_twice_then_killed_both_times(place: Any) -> None:
    async def story() -> None:
        """Cases 47, 49, 51.

        ESW finds a process through the PID it registered, so three answers tell what was wrong with that PID, and one
        that the name is unknown. Ray knows the process of an actor itself: one that is gone is Killed like any other.
        """
        await ask(place, spawn("IRIS.IRIS_1"))
        for _ in range(2):
            assert await ask(place, kill("IRIS.IRIS_1")) == Killed()
            assert COMPONENT not in place.names()

    asyncio.run(story())


def test_given_a_component_that_does_not_answer_when_killed_then_it_is_ended_all_the_same(place: Any) -> None:
    async def story() -> None:  # case 48
        await ask(place, spawn("IRIS.IRIS_1"))
        place.silent.add(COMPONENT)
        assert await ask(place, kill("IRIS.IRIS_1")) == Killed()
        assert COMPONENT not in place.names()

    asyncio.run(story())


def test_given_a_component_that_does_not_answer_when_killed_then_its_sequencer_goes_with_it_and_no_other(
    place: Any,
) -> None:
    async def story() -> None:  # case 29: both are gone
        for number in ("1", "2"):
            await ask(place, spawn(f"IRIS.IRIS_{number}"))
            message = LoadScript(prefix=Prefix(f"IRIS.A.{number}"), obs_mode=ObsMode("A"), script=None)
            await place.ask(f"IRIS.IRIS_{number}-SequenceComponent", message, 5)
        place.silent.add(COMPONENT)
        assert await ask(place, kill("IRIS.IRIS_1")) == Killed()
        assert [name for name in place.names() if name.endswith("-Sequencer")] == ["IRIS.A.2-Sequencer"]
        await ask(place, kill("IRIS.IRIS_2"))

    asyncio.run(story())


def test_given_a_silent_child_when_status_is_asked_then_it_is_named_and_the_others_are_shown(place: Any) -> None:
    async def story() -> None:  # weakness 10
        await ask(place, spawn("IRIS.IRIS_1"))
        await ask(place, spawn("IRIS.IRIS_2"))
        place.silent.add(COMPONENT)
        found = await status(place)
        assert found.silent == (COMPONENT,)
        assert [component.prefix for component in found.sequence_components] == ["IRIS.IRIS_2"]
        assert (found.restarted, found.since is not None) == (False, True)

    asyncio.run(story())


def test_given_a_manager_when_another_is_spawned_then_failed_and_after_its_end_spawned(place: Any) -> None:
    async def story() -> None:
        message = SpawnSequenceManager(catalogue="obsmodes", simulation=True)
        reply = await ask(place, message)
        assert isinstance(reply, Failed)
        assert reply.msg.startswith(f"{SEQUENCE_MANAGER} is already registered with location service at ")
        place.die(SEQUENCE_MANAGER)
        assert await ask(place, message) == Spawned(prefix=Prefix("ESW.sequence_manager"))

    asyncio.run(story())


def test_given_containers_and_a_device_when_one_device_cannot_start_then_only_its_container_failed_and_left_nothing(
    place: Any,
) -> None:
    async def story() -> None:  # case 52
        place.broken.add("IRIS.b2-Assembly")
        message = SpawnContainers(
            containers=(
                ContainerSpec(name="good", components=devices("IRIS.g1", "IRIS.g2")),
                ContainerSpec(name="bad", components=devices("IRIS.b1", "IRIS.b2")),
                ContainerSpec(components=devices("IRIS.alone")),
            )
        )
        reply = await ask(place, message)
        assert isinstance(reply, Completed)
        assert reply.responses["Container.good"] == Spawned(prefix=Prefix("Container.good"))
        assert reply.responses["IRIS.alone"] == Spawned(prefix=Prefix("IRIS.alone"))
        failed = reply.responses["Container.bad"]
        assert isinstance(failed, Failed)
        assert failed.msg.startswith("IRIS.b2-Assembly did not start: out of memory")
        found = {device.prefix: device.container for device in (await status(place)).devices}
        assert found == {"IRIS.g1": "Container.good", "IRIS.g2": "Container.good", "IRIS.alone": None}
        assert "IRIS.b1-Assembly" not in place.names()

    asyncio.run(story())


def test_given_a_container_when_spawned_again_then_failed_and_when_killed_all_of_it_is_gone(place: Any) -> None:
    async def story() -> None:
        one = SpawnContainers(containers=(ContainerSpec(name="c", components=devices("IRIS.a", "IRIS.b")),))
        await ask(place, SpawnDevice(device=devices("IRIS.alone")[0]))
        await ask(place, one)
        text = "Container.c-Container is already registered with location service at IRIS.machine1"
        assert (await ask(place, one)).responses == {"Container.c": Failed(msg=text)}
        for _ in range(2):
            assert await ask(place, kill("Container.c", ComponentType.Container)) == Killed()
            assert (await status(place)).children == ("IRIS.alone-Assembly",)

    asyncio.run(story())


def test_given_an_agent_that_was_restarted_then_it_knows_its_components_and_its_containers_again(place: Any) -> None:
    async def story() -> None:
        await ask(place, spawn("IRIS.IRIS_1"))
        await ask(place, SpawnContainers(containers=(ContainerSpec(name="c", components=devices("IRIS.a")),)))
        await ask(place, spawn("ESW.ESW_1"), "ESW.machine1-Machine")
        before = (await status(place)).children
        await place.restart(AGENT)
        found = await status(place)
        assert (found.children, found.restarted) == (before, True)
        assert await ask(place, kill("Container.c", ComponentType.Container)) == Killed()
        assert (await status(place)).children == (COMPONENT,)

    asyncio.run(story())


def test_given_many_machines_when_all_tell_their_status_then_each_component_is_asked_once_by_its_own_agent(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        asked: list[str] = []
        answer = place.ask

        async def counted(name: str, message: object, timeout_s: float) -> Any:
            if isinstance(message, GetComponentStatus):
                asked.append(name)
            return await answer(name, message, timeout_s)

        monkeypatch.setattr(place, "ask", counted)
        agents = [f"IRIS.machine{number}-Machine" for number in range(1, 7)]
        for agent in agents[1:]:
            await place.add_agent(agent.removesuffix("-Machine"))
        names = [f"IRIS.IRIS_{number}-SequenceComponent" for number in range(1, 7)]
        for agent in agents:
            await ask(place, spawn(None), agent)

        async def look() -> list[str]:
            asked.clear()
            for agent in agents:
                await ask(place, GetAgentStatus(), agent)
            return sorted(asked)

        assert await look() == await look() == names  # not the square of the machines

        asked.clear()
        await place.restart(agents[0])  # it knows nobody: it asks everybody, once
        assert sorted(asked) == names
        assert await look() == names

    asyncio.run(story())


def test_given_an_agent_that_is_started_anew_then_it_knows_what_runs_on_its_machine(place: Any) -> None:
    async def story() -> None:  # `ocs up` does so when it is gone for good; to Ray it is a new one
        await ask(place, spawn("IRIS.IRIS_1"))
        place.die(AGENT)
        await place.add_agent("IRIS.machine1")
        found = await status(place)
        assert (found.children, found.restarted) == ((COMPONENT,), False)

    asyncio.run(story())


def test_given_a_component_that_was_silent_when_its_agent_came_back_then_it_is_adopted_as_soon_as_it_answers(
    place: Any,
) -> None:
    async def story() -> None:
        await ask(place, spawn("IRIS.IRIS_1"))
        place.silent.add(COMPONENT)
        await place.restart(AGENT)
        assert (await status(place)).children == ()
        place.silent.clear()
        assert (await status(place)).children == (COMPONENT,)

    asyncio.run(story())


def test_given_a_name_that_moved_to_another_machine_then_only_that_one_s_agent_lists_it(place: Any) -> None:
    async def story() -> None:
        await place.add_agent("IRIS.machine2")
        await ask(place, spawn("IRIS.IRIS_1"))
        await ask(place, kill("IRIS.IRIS_1"), "IRIS.machine2-Machine")
        await ask(place, spawn("IRIS.IRIS_1"), "IRIS.machine2-Machine")
        assert (await status(place)).children == ()
        await ask(place, kill("IRIS.IRIS_1"))
        await ask(place, spawn("IRIS.IRIS_1"))
        assert (await status(place)).children == (COMPONENT,)

    asyncio.run(story())
