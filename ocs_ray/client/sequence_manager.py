"""The Sequence Manager for Python callers. Source: esw SequenceManagerApi.scala."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    Provision,
    ShutdownAllSequenceComponents,
    ShutdownObsModeSequencers,
)
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    ManagerStatus,
    ObsModesDetails,
    SequenceComponentNotAvailable,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.scripting.port import Port, current_port

READ_S: Final = 10.0
OPERATION_S: Final = 180.0
"""Longest wait for a changing operation, in seconds; the manager's own limits inside it are shorter."""

ConfigureResponse = (
    Success
    | ConfigurationMissing
    | ConflictingResourcesWithRunningObsMode
    | SequenceComponentNotAvailable
    | FailedToStartSequencers
    | FailedResponse
    | Unhandled
)
ProvisionResponse = Success | CouldNotFindMachines | SpawningSequenceComponentsFailed | FailedResponse | Unhandled
ShutdownResponse = Success | FailedResponse | Unhandled


class SequenceManager:
    """Provisions machines, configures observing modes, cleans up.

    Args:
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    async def provision(self, components: Mapping[Prefix, int]) -> ProvisionResponse:
        """Start sequence components, machine -> how many; those that run are replaced."""
        return await self._ask(Provision(components=dict(components)), OPERATION_S)

    async def configure(self, obs_mode: ObsMode, time_factor: float | None = None) -> ConfigureResponse:
        """Start the sequencers of a mode and hold its resources; Success names the top-level sequencer."""
        return await self._ask(Configure(obs_mode=obs_mode, time_factor=time_factor), OPERATION_S)

    async def shutdown_obs_mode(self, obs_mode: ObsMode) -> ShutdownResponse:
        """End the sequencers of a mode and release its resources; Success also when it does not run."""
        return await self._ask(ShutdownObsModeSequencers(obs_mode=obs_mode), OPERATION_S)

    async def shutdown_all_sequence_components(self) -> ShutdownResponse:
        """End all sequence components and the sequencers in them; release all resources."""
        return await self._ask(ShutdownAllSequenceComponents(), OPERATION_S)

    async def obs_modes_details(self) -> ObsModesDetails:
        """Every mode of the catalogue, and whether it could be configured now."""
        return await self._ask(GetObsModesDetails(), READ_S)

    async def status(self) -> ManagerStatus:
        """Machines, sequence components, sequencers, running modes."""
        return await self._ask(GetManagerStatus(), READ_S)

    async def _ask(self, message: Message, timeout_s: float) -> Any:
        return await (self._port or current_port()).ask(SEQUENCE_MANAGER, message, timeout_s)
