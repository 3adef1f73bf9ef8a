"""Which observing modes can run together, and what each still lacks.

The question is ours; what counts as running, held and available is as in configure (reference esw_sm 3.1 to 3.3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ocs_ray.core.component_allocation import allocate, at_hand
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import ModePlan, Plan
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix, Subsystem

Catalogue = Mapping[ObsMode, ObsModeConfig]
Holders = Mapping[ObsMode, Sequence[Subsystem]]


class _Night(NamedTuple):
    """What ``plan_modes`` was told."""

    modes: Sequence[ObsMode]
    catalogue: Catalogue
    idle: Sequence[Prefix]
    loaded: Mapping[Prefix, Prefix]
    agents: Sequence[Prefix]
    holders: Holders
    running: Collection[ObsMode]
    offered: Collection[Subsystem]


def plan_modes(
    wanted: Sequence[ObsMode],
    catalogue: Catalogue,
    idle: Sequence[Prefix],
    loaded: Mapping[Prefix, Prefix],
    agents: Sequence[Prefix],
    held: Holders,
    running: Collection[ObsMode],
    offered: Collection[Subsystem],
) -> Plan:
    """Answer GetPlan.

    Args:
        wanted: the modes to look at, all of them in ``catalogue``; all of it, by name, when empty.
        idle: sequence components without a script.
        loaded: component -> the sequencer in it; configure ends what is left of its mode, and has their components.
        agents: machines whose agent answers.
        held: mode -> the resources it holds now, which may differ from what its file says by now.
        running: modes that are configured.
        offered: resources some node of the cluster offers, held or not.
    """
    modes = tuple(dict.fromkeys(wanted)) or tuple(sorted(catalogue))
    holders = _holders(catalogue, held, running)
    now = _Night(modes, catalogue, idle, loaded, agents, holders, running, offered)
    plans = tuple(_mode_plan(catalogue[mode], now) for mode in modes)
    to_come = [plan.obs_mode for plan in plans if plan.status != "Configured"]
    missing = _missing_together([catalogue[mode] for mode in to_come], at_hand(to_come, idle, loaded))
    # One that could not be configured by itself is no part of a plan, even if what another one leaves would help it.
    blocked = any(plan.excludes or plan.status == "NonConfigurable" for plan in plans)
    return Plan(modes=plans, together=not blocked and not missing, missing_together=missing)


def _holders(catalogue: Catalogue, held: Holders, running: Collection[ObsMode]) -> Holders:
    """What is taken; a mode that runs and has lost its reservation still uses what its file says."""
    unreserved = {mode: catalogue[mode].resources for mode in running if mode in catalogue and mode not in held}
    return {**held, **unreserved}


def _mode_plan(mode: ObsModeConfig, now: _Night) -> ModePlan:
    shared = {other: _shared(mode, now.catalogue[other].resources) for other in now.modes if other != mode.name}
    excludes = {other: resources for other, resources in shared.items() if resources}
    if mode.name in now.running:
        return ModePlan(obs_mode=mode.name, status="Configured", excludes=excludes)
    # What the mode holds itself without running is in its way too, until it is shut down: so configure sees it.
    held = {resource: holder for holder in sorted(now.holders) for resource in _shared(mode, now.holders[holder])}
    missing = allocate(mode.sequencers, at_hand([mode.name], now.idle, now.loaded)).missing
    not_offered = tuple(resource for resource in mode.resources if resource not in now.offered)
    return ModePlan(
        obs_mode=mode.name,
        status="NonConfigurable" if held or missing or not_offered else "Configurable",
        excludes=excludes,
        missing=missing,
        machines=_without_a_machine(missing, now.agents),
        held=held,
        not_offered=not_offered,
    )


def _shared(mode: ObsModeConfig, resources: Collection[Subsystem]) -> tuple[Subsystem, ...]:
    return tuple(sorted(set(mode.resources) & set(resources)))


def _without_a_machine(missing: Sequence[VariationInfo], agents: Sequence[Prefix]) -> tuple[Subsystem, ...]:
    """An agent starts components of its own subsystem; those of ESW serve all."""
    hosts = {agent.subsystem for agent in agents}
    if Subsystem.ESW in hosts:
        return ()
    return tuple(sorted({info.subsystem for info in missing} - hosts))


def _missing_together(modes: Sequence[ObsModeConfig], idle: Sequence[Prefix]) -> tuple[str, ...]:
    """Place the sequencers of all modes at once; two modes may both need ``IRIS``, so numbered ones stand in."""
    stand_ins: dict[VariationInfo, str] = {}
    for mode in modes:
        for info in mode.sequencers:
            stand_ins[VariationInfo(f"{info.subsystem}.{len(stand_ins)}")] = f"{mode.name}: {info}"
    return tuple(stand_ins[info] for info in allocate(stand_ins, idle).missing)
