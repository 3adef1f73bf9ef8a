"""The Sequence Manager for Python callers. Source: esw SequenceManagerApi.scala; plan, reload and status are ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ocs_ray.core.manager_states import OPERATIONS_S, longest_s
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.identifiers import ObsMode, Variation
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    GetSequenceManagerState,
    Provision,
    ReloadObsModes,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.manager_replies import (
    AlreadyRunning,
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    LoadScriptError,
    LocationServiceError,
    ManagerStatus,
    ObsModesDetails,
    ObsModesReloaded,
    Plan,
    ResourcesStatus,
    SequenceComponentNotAvailable,
    SequenceManagerState,
    SequencerStarted,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.scripting.port import Port, current_port

READ_S: Final = 10.0
WAY_S: Final = 7.0
"""How long question and answer may be on their way, in seconds, to a machine that is busy."""
OPERATION_S: Final = max(map(longest_s, OPERATIONS_S)) + WAY_S
"""Longest wait for a changing operation, in seconds: its answer comes before, whatever hangs."""

_Common = LocationServiceError | FailedResponse | Unhandled
ConfigureResponse = (
    Success
    | ConfigurationMissing
    | ConflictingResourcesWithRunningObsMode
    | SequenceComponentNotAvailable
    | FailedToStartSequencers
    | _Common
)
ProvisionResponse = Success | CouldNotFindMachines | SpawningSequenceComponentsFailed | _Common
StartSequencerResponse = (
    SequencerStarted
    | AlreadyRunning
    | LoadScriptError
    | SequenceComponentNotAvailable
    | ConfigurationMissing
    | ConflictingResourcesWithRunningObsMode
    | _Common
)
RestartSequencerResponse = Success | LoadScriptError | _Common
ShutdownResponse = Success | _Common
ObsModesResponse = ObsModesDetails | LocationServiceError | FailedResponse
ResourcesResponse = ResourcesStatus | LocationServiceError | FailedResponse
PlanResponse = Plan | ConfigurationMissing | LocationServiceError | FailedResponse
ReloadResponse = ObsModesReloaded | _Common


class SequenceManager:
    """Provisions machines, configures observing modes, starts and ends sequencers, says what runs.

    A refusal is an answer; a call raises ``UnreachableError`` only when there is none in time.

    Args:
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    # -- machines and modes --------------------------------------------------------------------------------------

    async def provision(self, components: Mapping[Prefix, int]) -> ProvisionResponse:
        """Start sequence components, machine -> how many; those that run are replaced."""
        return await self._ask(Provision(components=dict(components)), OPERATION_S)

    async def configure(self, obs_mode: ObsMode, time_factor: float | None = None) -> ConfigureResponse:
        """Start the sequencers of a mode and hold its resources; Success names the top-level sequencer."""
        return await self._ask(Configure(obs_mode=obs_mode, time_factor=time_factor), OPERATION_S)

    async def reload_obs_modes(self) -> ReloadResponse:
        """Read the catalogue anew; modes that run are left as they are."""
        return await self._ask(ReloadObsModes(), OPERATION_S)

    # -- sequencers ----------------------------------------------------------------------------------------------

    async def start_sequencer(
        self, subsystem: Subsystem, obs_mode: ObsMode, variation: Variation | None = None
    ) -> StartSequencerResponse:
        """Start one sequencer on an idle component of its subsystem, else of ESW; AlreadyRunning is a success."""
        message = StartSequencer(subsystem=subsystem, obs_mode=obs_mode, variation=variation)
        return await self._ask(message, OPERATION_S)

    async def restart_sequencer(
        self, subsystem: Subsystem, obs_mode: ObsMode, variation: Variation | None = None
    ) -> RestartSequencerResponse:
        """Load anew in the component it is in, with the script its mode names now; Success says which one runs."""
        message = RestartSequencer(subsystem=subsystem, obs_mode=obs_mode, variation=variation)
        return await self._ask(message, OPERATION_S)

    async def shutdown_sequencer(
        self, subsystem: Subsystem, obs_mode: ObsMode, variation: Variation | None = None
    ) -> ShutdownResponse:
        """End one sequencer; Success also when it does not run."""
        message = ShutdownSequencer(subsystem=subsystem, obs_mode=obs_mode, variation=variation)
        return await self._ask(message, OPERATION_S)

    async def shutdown_subsystem_sequencers(self, subsystem: Subsystem) -> ShutdownResponse:
        """End all sequencers of a subsystem."""
        return await self._ask(ShutdownSubsystemSequencers(subsystem=subsystem), OPERATION_S)

    async def shutdown_obs_mode(self, obs_mode: ObsMode) -> ShutdownResponse:
        """End the sequencers of a mode and release its resources; Success also when it does not run."""
        return await self._ask(ShutdownObsModeSequencers(obs_mode=obs_mode), OPERATION_S)

    async def shutdown_all_sequencers(self) -> ShutdownResponse:
        """End all sequencers and release all resources; the sequence components stay."""
        return await self._ask(ShutdownAllSequencers(), OPERATION_S)

    # -- sequence components -------------------------------------------------------------------------------------

    async def shutdown_sequence_component(self, prefix: Prefix) -> ShutdownResponse:
        """End one sequence component and the sequencer in it; LocationServiceError when there is none."""
        return await self._ask(ShutdownSequenceComponent(prefix=prefix), OPERATION_S)

    async def shutdown_all_sequence_components(self) -> ShutdownResponse:
        """End all sequence components and the sequencers in them; release all resources."""
        return await self._ask(ShutdownAllSequenceComponents(), OPERATION_S)

    # -- reading: answered also while an operation goes on -------------------------------------------------------

    async def obs_modes_details(self) -> ObsModesResponse:
        """Every mode of the catalogue, and whether it could be configured now."""
        return await self._ask(GetObsModesDetails(), READ_S)

    async def resources(self) -> ResourcesResponse:
        """Every resource of the catalogue, and which mode holds it."""
        return await self._ask(GetResources(), READ_S)

    async def plan(self, obs_modes: Iterable[ObsMode] = ()) -> PlanResponse:
        """Which modes can run together, and what each still lacks; without modes, all of the catalogue."""
        return await self._ask(GetPlan(obs_modes=tuple(obs_modes)), READ_S)

    async def state(self) -> SequenceManagerState:
        """Idle, or busy with one operation; answered at once."""
        return await self._ask(GetSequenceManagerState(), READ_S)

    async def status(self) -> ManagerStatus:
        """Machines, sequence components, sequencers, running modes."""
        return await self._ask(GetManagerStatus(), READ_S)

    async def _ask(self, message: Message, timeout_s: float) -> Any:
        return await (self._port or current_port()).ask(SEQUENCE_MANAGER, message, timeout_s)
