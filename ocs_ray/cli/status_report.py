"""What runs in the cluster, as tables and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ocs_ray.cli import report_table
from ocs_ray.models import wire
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import LostSequencer, SequenceComponentStatus
from ocs_ray.models.manager_replies import ManagerStatus, StraySequencer
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import SequencerStatus


def document(seen: ManagerStatus) -> dict[str, Any]:
    """The status for programs: flat lists, each thing with the machine it runs on."""
    components = _components_of(seen)
    return {
        "manager": {"state": seen.state, "pid": seen.pid, "since": seen.since, "restarted": seen.restarted},
        "running_obs_modes": list(seen.running_obs_modes),
        "machines": [
            *({"prefix": a.agent, "alive": True, "silent": list(a.silent), **_life(a)} for a in seen.agents),
            *(
                {"prefix": prefix, "alive": False, "silent": [], "pid": None, "since": None, "restarted": False}
                for prefix in seen.silent_agents
            ),
        ],
        "sequence_components": [
            {"prefix": c.prefix, "machine": c.machine, "state": c.state, "sequencer": c.loaded, **_life(c)}
            for c in components
        ],
        "without_agent": [component.prefix for component in seen.without_agent],
        "silent_components": list(seen.silent_components),
        "lost_sequencers": [wire.encode(lost) for lost in seen.lost],
        "sequencers": [
            *(_sequencer(c.loaded, c.prefix, c.machine, c.sequencer) for c in components if c.loaded),
            *(_sequencer(stray.prefix, None, None, stray.sequencer) for stray in seen.stray),
        ],
        "stray_sequencers": [stray.prefix for stray in seen.stray],
        "devices": [
            {
                "prefix": device.prefix,
                "type": device.component_type.value,
                "machine": device.machine,
                "container": device.container,
                "running": list(device.running),
                **_life(device),
            }
            for agent in seen.agents
            for device in agent.devices
        ],
    }


def tables(place: Mapping[str, object], seen: ManagerStatus) -> Iterator[RenderableType]:
    """The status for people."""
    for name, value in place.items():
        told = ("yes" if value else "no") if isinstance(value, bool) else value
        yield Text(f"{name.replace('_', ' ')}: {told}")
    yield Text(f"Sequence Manager: {seen.state}{_restarted(seen)}")
    yield Text(f"running observing modes: {', '.join(seen.running_obs_modes) or 'none'}")
    yield _machines(seen)
    yield _components(seen)
    yield _devices(seen.agents)
    if seen.stray:
        yield _stray_sequencers(seen.stray)
    if seen.lost:
        yield _lost_sequencers(seen.lost)


def _components_of(seen: ManagerStatus) -> list[SequenceComponentStatus]:
    """All that answer, those without an agent too."""
    return [*(component for agent in seen.agents for component in agent.sequence_components), *seen.without_agent]


def _life(thing: Any) -> dict[str, Any]:
    """The process of a thing, since when it is, and whether Ray had to start it again."""
    return {"pid": thing.pid, "since": thing.since, "restarted": thing.restarted}


def _restarted(thing: Any) -> str:
    since = f" at {thing.since}" if thing.since else ""
    return f" (restarted{since})" if thing.restarted else ""


def _sequencer(
    prefix: Prefix, component: Prefix | None, machine: Prefix | None, account: SequencerStatus | None
) -> dict[str, Any]:
    """A sequencer's own account; one that did not answer in time is named all the same, with state null."""
    told = {} if account is None else wire.encode(account)
    empty = dict.fromkeys(name for name in SequencerStatus.model_fields if name not in ("prefix", "sequence_component"))
    own = {"prefix": prefix, "sequence_component": component, "machine": machine}
    return {**own, **empty, **told}


def _machines(seen: ManagerStatus) -> Table:
    shown = report_table.table("machines", "machine", "agent", "components", "devices", "does not answer")
    for agent in seen.agents:
        counts = str(len(agent.sequence_components)), str(len(agent.devices))
        shown.add_row(agent.agent, f"alive{_restarted(agent)}", *counts, ", ".join(agent.silent))
    for prefix in seen.silent_agents:
        shown.add_row(prefix, "does not answer", "", "", "")
    return shown


def _components(seen: ManagerStatus) -> RenderableType:
    components = _components_of(seen)
    if not components and not seen.silent_components:
        return Text("\nno sequence components (start some: ocs provision)")
    orphans = {component.prefix for component in seen.without_agent}
    shown = report_table.table(
        "sequence components", "component", "machine", "state", "sequencer", "does", "procedure", "step", "script"
    )
    for component in components:
        machine = f"{component.machine} (no agent)" if component.prefix in orphans else component.machine
        state = f"{component.state}{_restarted(component)}"
        shown.add_row(component.prefix, machine, state, component.loaded or "", *_doing(component.sequencer))
    for prefix in seen.silent_components:
        shown.add_row(prefix, "", "does not answer", "", "", "", "", "")
    return shown


def _doing(told: SequencerStatus | None) -> tuple[str, str, str, str]:
    """What a sequencer does, and its procedure, at which step, in which script; nothing of one that did not answer."""
    if told is None:
        return "", "", "", ""
    done = f"{told.steps_done}/{told.steps_total}" if told.steps_total else ""
    does = f"{told.state}, script blocked for {told.blocked_s:.0f} s" if told.blocked_s else str(told.state)
    procedure = f"{told.procedure}, late: {told.late}" if told.late else str(told.procedure)
    return does, procedure, " ".join(filter(None, (told.step, done))), told.blocked_at or told.script


def _devices(agents: Iterable[AgentStatus]) -> RenderableType:
    devices = [device for agent in agents for device in agent.devices]
    if not devices:
        return Text("\nno devices")
    shown = report_table.table("devices", "device", "type", "machine", "runs")
    for device in devices:
        name = f"{device.prefix}{_restarted(device)}"
        shown.add_row(name, device.component_type, device.machine, ", ".join(device.running))
    return shown


def _stray_sequencers(stray: Iterable[StraySequencer]) -> Table:
    title = "sequencers in no component that answers (end one: ocs shutdown --sequencer PREFIX)"
    shown = report_table.table(title, "sequencer", "was in", "does", "procedure", "step", "script")
    for each in stray:
        told = each.sequencer
        home = told.sequence_component if told else ""
        shown.add_row(each.prefix, home, *(_doing(told) if told else ("does not answer", "", "", "")))
    return shown


def _lost_sequencers(lost: Iterable[LostSequencer]) -> Table:
    shown = report_table.table("lost sequencers", "sequencer", "was in", "noticed at", "reason")
    for each in lost:
        shown.add_row(each.prefix, each.sequence_component or "", each.at, each.reason)
    return shown
