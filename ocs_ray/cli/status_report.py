"""What runs in the cluster and which modes there are, as tables and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ocs_ray.models import wire
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.manager_replies import (
    ManagerStatus,
    ObsModesDetails,
)
from ocs_ray.models.sequencer_messages import SequencerStatus


def document(seen: ManagerStatus) -> dict[str, Any]:
    """The status for programs: flat lists, each thing with the machine it runs on."""
    components = [component for agent in seen.agents for component in agent.sequence_components]
    return {
        "manager": {"state": seen.state, "pid": seen.pid},
        "running_obs_modes": list(seen.running_obs_modes),
        "machines": [
            *({"prefix": a.agent, "alive": True, "pid": a.pid, "silent": list(a.silent)} for a in seen.agents),
            *({"prefix": prefix, "alive": False, "pid": None, "silent": []} for prefix in seen.silent_agents),
        ],
        "sequence_components": [
            {"prefix": c.prefix, "machine": c.machine, "state": c.state, "sequencer": c.loaded, "pid": c.pid}
            for c in components
        ],
        "sequencers": [_sequencer(component) for component in components if component.loaded],
        "devices": [
            {
                "prefix": device.prefix,
                "type": device.component_type.value,
                "machine": device.machine,
                "running": list(device.running),
                "pid": device.pid,
            }
            for agent in seen.agents
            for device in agent.devices
        ],
    }


def tables(place: Mapping[str, object], seen: ManagerStatus) -> Iterator[RenderableType]:
    """The status for people."""
    for name, value in place.items():
        yield Text(f"{name.replace('_', ' ')}: {value}")
    yield Text(f"Sequence Manager: {seen.state}")
    yield Text(f"running observing modes: {', '.join(seen.running_obs_modes) or 'none'}")
    components = [component for agent in seen.agents for component in agent.sequence_components]
    yield _machines(seen)
    yield _components(components)
    yield _devices(seen.agents)


def modes_document(seen: ObsModesDetails) -> dict[str, Any]:
    """The modes for programs."""
    return {"obs_modes": [wire.encode(mode) for mode in seen.obs_modes]}


def modes_table(seen: ObsModesDetails) -> Table:
    """The modes for people."""
    shown = _table("", "mode", "status", "resources", "sequencers", "why not")
    for mode in seen.obs_modes:
        missing = f"no sequence component for {', '.join(mode.missing)}" if mode.missing else ""
        blocked = f"its resources are held by {', '.join(mode.blocked_by)}" if mode.blocked_by else ""
        reasons = "; ".join(filter(None, (blocked, missing)))
        shown.add_row(mode.obs_mode, mode.status, " ".join(mode.resources), " ".join(mode.sequencers), reasons)
    return shown


def _sequencer(component: SequenceComponentStatus) -> dict[str, Any]:
    """A sequencer's own account; one that did not answer in time is named all the same, with state null."""
    told = {} if component.sequencer is None else wire.encode(component.sequencer)
    empty = dict.fromkeys(name for name in SequencerStatus.model_fields if name not in ("prefix", "sequence_component"))
    own = {"prefix": component.loaded, "sequence_component": component.prefix, "machine": component.machine}
    return {**own, **empty, **told}


def _machines(seen: ManagerStatus) -> Table:
    shown = _table("machines", "machine", "agent", "components", "devices", "does not answer")
    for agent in seen.agents:
        counts = str(len(agent.sequence_components)), str(len(agent.devices))
        shown.add_row(agent.agent, "alive", *counts, ", ".join(agent.silent))
    for prefix in seen.silent_agents:
        shown.add_row(prefix, "does not answer", "", "", "")
    return shown


def _components(components: list[SequenceComponentStatus]) -> RenderableType:
    if not components:
        return Text("\nno sequence components (start some: ocs provision)")
    shown = _table("sequence components", "component", "machine", "state", "sequencer", "does", "step", "script")
    for component in components:
        told = component.sequencer
        if told is None:
            shown.add_row(component.prefix, component.machine, component.state, component.loaded or "", "", "", "")
            continue
        done = f"{told.steps_done}/{told.steps_total}" if told.steps_total else ""
        step = " ".join(filter(None, (told.step, done)))
        loaded = component.loaded or told.prefix
        does = f"{told.state}, script blocked for {told.blocked_s:.0f} s" if told.blocked_s else str(told.state)
        script = told.blocked_at or told.script
        shown.add_row(component.prefix, component.machine, component.state, loaded, does, step, script)
    return shown


def _devices(agents: tuple[AgentStatus, ...]) -> RenderableType:
    devices = [device for agent in agents for device in agent.devices]
    if not devices:
        return Text("\nno devices")
    shown = _table("devices", "device", "type", "machine", "runs")
    for device in devices:
        shown.add_row(device.prefix, device.component_type, device.machine, ", ".join(device.running))
    return shown


def _table(title: str, *columns: str) -> Table:
    heading = f"\n{title}" if title else None
    shown = Table(title=heading, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    return shown
