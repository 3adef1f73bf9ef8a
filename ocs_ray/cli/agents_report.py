"""Which agents are there and what runs on each: seed 002, GetAgentStatus. As a table and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from ocs_ray.cli import report_table
from ocs_ray.models import wire
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.manager_replies import ManagerStatus
from ocs_ray.models.sequencer_messages import SequencerStatus


def document(seen: ManagerStatus) -> dict[str, Any]:
    """The agents for programs, as the agents tell it themselves."""
    return {
        "agents": [{"alive": True, **wire.encode(agent)} for agent in seen.agents],
        "silent_agents": list(seen.silent_agents),
        "without_agent": [wire.encode(component) for component in seen.without_agent],
        "silent_components": list(seen.silent_components),
        "stray_sequencers": [wire.encode(stray) for stray in seen.stray],
    }


def tables(seen: ManagerStatus) -> Iterator[RenderableType]:
    """The agents for people: a line for each sequence component."""
    shown = report_table.table("", "agent", "alive", "component", "state", "sequencer", "script")
    for agent in seen.agents:
        alive = "restarted" if agent.restarted else "yes"
        for component in agent.sequence_components:
            shown.add_row(agent.agent, alive, *_cells(component))
        if not agent.sequence_components:
            shown.add_row(agent.agent, alive, "", "", "", "")
    for prefix in seen.silent_agents:
        shown.add_row(prefix, "does not answer", "", "", "", "")
    for component in seen.without_agent:
        shown.add_row("(no agent)", "", *_cells(component))
    for prefix in seen.silent_components:
        shown.add_row("", "", prefix, "does not answer", "", "")
    for stray in seen.stray:
        told = stray.sequencer
        shown.add_row("", "", "(no component)", told.state if told else "does not answer", stray.prefix, _script(told))
    yield shown


def _cells(component: SequenceComponentStatus) -> tuple[str, str, str, str]:
    return component.prefix, component.state, component.loaded or "", _script(component.sequencer)


def _script(told: SequencerStatus | None) -> str:
    return told.script if told else ""
