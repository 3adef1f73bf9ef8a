"""What agents do: ``ocs spawn component``, ``ocs spawn containers``, ``ocs kill``."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from ocs_ray.cli.operation import carry_out
from ocs_ray.client import Agent
from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.models.actor_names import actor_name, component_of
from ocs_ray.models.agent_messages import AgentStatus, Completed, Spawned
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.scripting.port import current_port

ENDED_BY_ANY: Final = tuple(
    f"-{kind}"
    for kind in (
        ComponentType.Sequencer,
        ComponentType.SequenceComponent,
        ComponentType.Assembly,
        ComponentType.HCD,
    )
)
"""What any agent can end: its own may be gone, and a sequencer may have lost its component."""


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
    """End a component for certain, by the agent of its machine."""
    prefix, component_type = component_id(component)

    async def work() -> Message:
        registered = current_port().names()
        found = filter(None, map(component_of, registered))
        agents = [Agent(machine) for machine, kind in found if kind is ComponentType.Machine]
        agent = await agent_of(actor_name(prefix, component_type), agents, registered)
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


async def agent_of(name: str, agents: Sequence[Agent], registered: Collection[str]) -> Agent:
    """The agent of the machine a component runs on, or another when that one does not answer.

    The Sequence Manager is not asked, it may hang.

    Args:
        registered: who is there at all.

    Raises:
        BadInputError: it is nowhere, no agent answers, or it is nothing that agents end.
    """

    async def status(agent: Agent) -> AgentStatus | None:
        try:
            return await agent.status()
        except OcsError:  # a silent machine does not keep us from ending what runs on another
            return None

    told = zip(agents, await asyncio.gather(*map(status, agents)), strict=True)
    answered = [(agent, seen) for agent, seen in told if seen is not None]
    for agent, seen in answered:
        if name in seen.children or name in _guests(seen):
            return agent
    if answered and name in registered and name.endswith(ENDED_BY_ANY):
        return answered[0][0]
    problem = "no agent that answers has started it" if name in registered else "is not running"
    raise BadInputError(where=name, problem=problem, remedy="see what runs where: ocs agents")


def _guests(seen: AgentStatus) -> set[str]:
    """Actor names of what is on a machine without being started by its agent: sequencers, and containers as such."""
    sequencers = {component.loaded for component in seen.sequence_components if component.loaded is not None}
    containers = {device.container for device in seen.devices if device.container is not None}
    return {
        *(actor_name(prefix, ComponentType.Sequencer) for prefix in sequencers),
        *(actor_name(prefix, ComponentType.Container) for prefix in containers),
    }
