"""What agents do: ``ocs spawn component``, ``ocs spawn containers``, ``ocs kill``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ocs_ray.cli.operation import carry_out
from ocs_ray.client import Agent
from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.agent_messages import AgentStatus, Completed, Spawned
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix


def spawn_component(machine: str, name: str | None, as_json: bool) -> int:
    """Start one sequence component."""
    agent = Agent(machine)
    own = f"{agent.prefix.subsystem}."
    short = name.removeprefix(own) if name else None  # IRIS.IRIS_5 means IRIS_5 on a machine of IRIS

    def done(response: Message) -> str:
        started = response.prefix if isinstance(response, Spawned) else None
        return f"{started or f'{own}{short}'} runs on {agent.prefix}"

    return carry_out(
        f"spawn component on {agent.prefix}",
        lambda: agent.spawn_sequence_component(short),
        as_json,
        doing=f"starting a sequence component on {agent.prefix}",
        done=done,
    )


def spawn_containers(machine: str, host_config: Path, as_json: bool) -> int:
    """Start the devices of a host config."""
    from ocs_ray.config.host_config import read_host_config

    agent, containers = Agent(machine), read_host_config(host_config)

    def done(response: Message) -> str:
        started = response.responses if isinstance(response, Completed) else {}
        return f"started on {agent.prefix}: {', '.join(started)}"

    return carry_out(
        f"spawn containers on {agent.prefix}",
        lambda: agent.spawn_containers(containers),
        as_json,
        doing=f"starting {len(containers)} containers on {agent.prefix}",
        done=done,
    )


def kill(component: str, as_json: bool) -> int:
    """End a component for certain, by the agent that started it."""
    prefix, component_type = component_id(component)

    async def work() -> Message:
        from ocs_ray.location.call import names  # Ray is imported late: `ocs --help` must not wait for it

        machines = [name for name in names() if name.endswith(f"-{ComponentType.Machine}")]
        agents = [Agent(parse_actor_name(name)[0]) for name in machines]
        agent = await agent_of(actor_name(prefix, component_type), agents)
        return await agent.kill(prefix, component_type)

    return carry_out(
        f"kill {component}", work, as_json, doing=f"ending {component}", done=lambda _: f"{component} is gone"
    )


def component_id(text: str) -> tuple[Prefix, ComponentType]:
    """Prefix and type of ``IRIS.IRIS_1-SequenceComponent``.

    Raises:
        BadInputError: it is none.
    """
    try:
        return Prefix(text.rpartition("-")[0] or text), ComponentType(text.rpartition("-")[2])
    except ValueError:
        types = ", ".join(ComponentType)
        raise BadInputError(
            where=text, problem="it does not end with the component's type", remedy=f"write PREFIX-TYPE, of: {types}"
        ) from None


async def agent_of(name: str, agents: Sequence[Agent]) -> Agent:
    """The agent that started a component; the Sequence Manager is not asked, it may be what is to be ended.

    Raises:
        BadInputError: none of those that answer did.
    """

    async def status(agent: Agent) -> AgentStatus | None:
        try:
            return await agent.status()
        except OcsError:  # a silent machine does not keep us from ending what runs on another
            return None

    for agent, seen in zip(agents, await asyncio.gather(*map(status, agents)), strict=True):
        if seen is not None and name in seen.children:
            return agent
    raise BadInputError(
        where=name, problem="no agent that answers has started it", remedy="see what runs where: ocs agents"
    )
