"""Making ready for an observation what is not: cluster, sequence components, the mode, the time factor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from ocs_ray.cli.observation_request import Request
from ocs_ray.cli.refusals import expected, refused
from ocs_ray.client import SequenceManager
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    ManagerStatus,
    ObsModesDetails,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import SetTimeFactor
from ocs_ray.scripting.port import current_port

ANSWER_S: Final = 5.0


async def prepare(
    request: Request, counts_of: Callable[[], dict[Prefix, int]], fresh: bool, progress: Callable[[str], None]
) -> bool:
    """Provision if no sequence component runs, configure the mode if it does not run, set the time factor.

    Args:
        counts_of: tells what to provision, machine -> how many, when there is nothing yet.
        fresh: the cluster was brought up for this observation, with its time factor.

    Returns:
        Whether it was this call that configured the mode.

    Raises:
        OcsError: one of these was refused.
    """
    manager, name = SequenceManager(), request.mode.name
    status = await manager.status()
    configure = name not in status.running_obs_modes
    if not any(agent.sequence_components for agent in status.agents):
        counts = counts_of()
        progress(f"starting {sum(counts.values())} sequence components")
        _raise_if_refused(await manager.provision(counts), "provision")
    if configure:
        if _is_left_over(status, name):
            progress(f"shutting down what is left of {name}")
            _raise_if_refused(await manager.shutdown_obs_mode(name), f"shutdown {name}")
        progress(f"configuring {name}")
        _raise_if_refused(await manager.configure(name, request.time_factor), f"configure {name}")
    if request.time_factor is not None and not fresh:
        modes = expected(ObsModesDetails, await manager.obs_modes_details(), "modes")
        names = _scaled(request, status, modes, with_sequencers=not configure)
        message = SetTimeFactor(factor=request.time_factor)
        number = sum(await asyncio.gather(*(_try(component, message) for component in names)))
        progress(f"time factor {request.time_factor:g} set on {number} components")
    return configure


def _is_left_over(status: ManagerStatus, name: ObsMode) -> bool:
    """Whether sequencers of a mode that does not run occupy components: its top level sequencer died."""
    components = [component for agent in status.agents for component in agent.sequence_components]
    return any(component.loaded and ObsMode.from_prefix(component.loaded) == name for component in components)


def _scaled(request: Request, status: ManagerStatus, modes: ObsModesDetails, *, with_sequencers: bool) -> Iterator[str]:
    """Whose simulated waits to scale: all devices but those another running mode holds, and the mode's sequencers."""
    running = [mode for mode in modes.obs_modes if mode.status == "Configured" and mode.obs_mode != request.mode.name]
    taken = {resource for mode in running for resource in mode.resources}
    for agent in status.agents:
        for device in agent.devices:
            if device.prefix.subsystem not in taken:
                yield actor_name(device.prefix, device.component_type)
    if with_sequencers:
        for prefix in request.mode.sequencer_prefixes():
            yield actor_name(prefix, ComponentType.Sequencer)


async def _try(name: str, message: SetTimeFactor) -> bool:
    """A device that is gone does not keep an observation from starting; whoever needs it will say so."""
    try:
        await current_port().ask(name, message, ANSWER_S)
    except OcsError:
        return False
    return True


def _raise_if_refused(response: Message, asked: str) -> None:
    if (refusal := refused(response, asked)) is not None:
        raise refusal
