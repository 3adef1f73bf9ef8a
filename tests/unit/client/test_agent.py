"""Every call of an agent's client becomes its message. Names: esw AgentServiceApi.scala."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocs_ray.actors import agent_shell, manager_ending
from ocs_ray.client import Agent, agent
from ocs_ray.errors import BadInputError
from ocs_ray.models.agent_messages import (
    ContainerSpec,
    GetAgentStatus,
    KillComponent,
    SpawnContainers,
    SpawnSequenceComponent,
    SpawnSequenceManager,
)
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix

PREFIX = Prefix("IRIS.IRIS_5")
BOX = ContainerSpec(name="box", components=(DeviceSpec(prefix=Prefix("IRIS.filter"), factory="a:B"),))
KILLED = KillComponent(prefix=PREFIX, component_type=ComponentType.SequenceComponent)

CALLS: list[tuple[Callable[[Agent], Awaitable[Any]], Message]] = [
    (lambda a: a.spawn_sequence_component(), SpawnSequenceComponent()),
    (lambda a: a.spawn_sequence_component("IRIS_5"), SpawnSequenceComponent(prefix=PREFIX)),
    (
        lambda a: a.spawn_sequence_manager("/modes", simulation=True),
        SpawnSequenceManager(catalogue="/modes", simulation=True),
    ),
    (lambda a: a.spawn_containers([BOX]), SpawnContainers(containers=(BOX,))),
    (lambda a: a.kill(PREFIX, ComponentType.SequenceComponent), KILLED),
    (lambda a: a.status(), GetAgentStatus()),
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=lambda value: type(value).__name__)
def test_given_a_call_when_made_then_the_agent_of_that_machine_gets_its_message(
    call: Callable[[Agent], Awaitable[Any]], message: Message
) -> None:
    asked: list[tuple[str, object]] = []

    class RecordingPort:
        async def ask(self, name: str, message: object, timeout_s: float) -> Any:
            assert timeout_s > 0
            asked.append((name, message))
            return "the answer"

    async def made() -> Any:
        return await call(Agent("IRIS.machine1", RecordingPort()))

    assert asyncio.run(made()) == "the answer"
    assert asked == [("IRIS.machine1-Machine", message)]


@pytest.mark.parametrize("name", ["a-b", "", " a"])
def test_given_a_name_that_is_none_when_a_component_is_to_be_started_then_nobody_is_asked(name: str) -> None:
    with pytest.raises(BadInputError):
        asyncio.run(Agent("IRIS.machine1").spawn_sequence_component(name))


def test_given_a_machine_that_is_no_prefix_when_named_then_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="is not a prefix"):
        Agent("machine1")


def test_given_a_component_that_must_be_killed_then_whoever_asks_its_agent_waits_longer_than_the_agent_does() -> None:
    # weakness 8: in ESW the asker gives up after 8 s, the agent kills after 10 s
    agent_s = agent_shell.SHUTDOWN_S + agent_shell.HOME_S
    assert min(agent.KILL_S, manager_ending.KILL_S) > agent_s
