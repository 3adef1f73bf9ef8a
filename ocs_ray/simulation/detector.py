"""A detector: initialised, loaded with a configuration, exposed ramp by ramp, read out to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum

from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.identifiers import ExposureId, Id
from ocs_ray.models.keys import int_key, string_key
from ocs_ray.models.responses import Cancelled, CommandIssue, IssueType, SubmitResponse
from ocs_ray.models.units import Units
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.simulation.exposure import Configuration, DetectorOptions, Exposure
from ocs_ray.simulation.simulated_device import Action, SimulatedDevice, first, issue, missing, options_of

EXPOSURE_ID = string_key("exposureId")
FILENAME = string_key("filename")
RAMP_INTEGRATION_TIME = int_key("rampIntegrationTime", Units.millisecond)
RAMPS = int_key("ramps")


class State(StrEnum):
    """Where a detector stands."""

    UNINITIALISED = "not initialised"
    IDLE = "not configured"
    LOADED = "configured"
    EXPOSING = "exposing"


REFUSALS: Mapping[tuple[State, str], IssueType] = {
    (State.UNINITIALISED, "LOAD_CONFIGURATION"): IssueType.WrongInternalStateIssue,
    (State.UNINITIALISED, "START_EXPOSURE"): IssueType.WrongInternalStateIssue,
    (State.UNINITIALISED, "ABORT_EXPOSURE"): IssueType.WrongInternalStateIssue,
    (State.IDLE, "START_EXPOSURE"): IssueType.WrongInternalStateIssue,
    (State.IDLE, "ABORT_EXPOSURE"): IssueType.WrongInternalStateIssue,
    (State.LOADED, "ABORT_EXPOSURE"): IssueType.WrongInternalStateIssue,
    (State.EXPOSING, "INIT"): IssueType.AssemblyBusyIssue,
    (State.EXPOSING, "LOAD_CONFIGURATION"): IssueType.AssemblyBusyIssue,
    (State.EXPOSING, "START_EXPOSURE"): IssueType.AssemblyBusyIssue,
}
"""What a command meets in a state it does not fit; every other pair is accepted."""

REMEDIES: Mapping[IssueType, str] = {
    IssueType.WrongInternalStateIssue: "send INIT, LOAD_CONFIGURATION and START_EXPOSURE in this order",
    IssueType.AssemblyBusyIssue: "wait for its end, or send ABORT_EXPOSURE",
}


class Detector(SimulatedDevice):
    """INIT, LOAD_CONFIGURATION, START_EXPOSURE, ABORT_EXPOSURE, SHUTDOWN.

    INIT and SHUTDOWN may be repeated; SHUTDOWN aborts an exposure. A loaded configuration serves any number of
    exposures. START_EXPOSURE ends Completed, or Cancelled when the exposure was aborted.
    Source: esw-observing-simulation ControllerActor.scala; the issue types and the Cancelled are ours.
    """

    def __init__(self, ctx: ComponentContext) -> None:
        super().__init__(ctx)
        self.options = options_of(ctx, DetectorOptions)
        self.state = State.UNINITIALISED
        self._configuration: Configuration | None = None
        self._integration: asyncio.Task[None] | None = None
        self._is_over = asyncio.Event()

    def actions(self) -> Mapping[str, Action]:
        return {
            "INIT": Action(self._check_state, self._init),
            "LOAD_CONFIGURATION": Action(self._check_load, self._load),
            "START_EXPOSURE": Action(self._check_state, self._expose),
            "ABORT_EXPOSURE": Action(self._check_state, self._abort),
            "SHUTDOWN": Action(self._check_state, self._shutdown),
        }

    async def on_shutdown(self) -> None:
        if self._integration is not None:
            self._integration.cancel()

    # -- what is refused -----------------------------------------------------------------------------------------

    def _check_state(self, command: ControlCommand) -> CommandIssue | None:
        kind = REFUSALS.get((self.state, command.command_name))
        if kind is None:
            return None
        return issue(kind, f"{self.ctx.prefix} is {self.state}: {REMEDIES[kind]}")

    def _check_load(self, command: ControlCommand) -> CommandIssue | None:
        if (refusal := self._check_state(command)) is not None:
            return refusal
        if (refusal := missing(command, EXPOSURE_ID, FILENAME, RAMP_INTEGRATION_TIME, RAMPS)) is not None:
            return refusal
        out_of_range = IssueType.ParameterValueOutOfRangeIssue
        try:
            ExposureId(first(command, EXPOSURE_ID) or "")
        except BadInputError as bad:
            return issue(out_of_range, f"exposureId: {bad}")
        for key in (RAMPS, RAMP_INTEGRATION_TIME):
            value = first(command, key)
            if value is None or value < 1:
                return issue(out_of_range, f"{key.name} is {value}: it must be at least 1")
        return None

    # -- what is done --------------------------------------------------------------------------------------------

    async def _init(self, command: ControlCommand, run_id: str) -> None:
        if self.state is State.UNINITIALISED:
            self.state = State.IDLE

    async def _load(self, command: ControlCommand, run_id: str) -> None:
        self._configuration = Configuration(
            exposure_id=ExposureId(command[EXPOSURE_ID].head()),
            filename=command[FILENAME].head(),
            ramp_ms=command[RAMP_INTEGRATION_TIME].head(),
            ramps=command[RAMPS].head(),
        )
        self.state = State.LOADED

    async def _expose(self, command: ControlCommand, run_id: str) -> SubmitResponse | None:
        assert self._configuration is not None  # the state is LOADED
        exposure = Exposure(self.ctx, self.options, self._configuration)
        self.state = State.EXPOSING
        self._is_over.clear()
        self._integration = integration = asyncio.ensure_future(exposure.integrate())
        try:
            await asyncio.wait([integration])
            aborted = integration.cancelled()
            if not aborted:
                integration.result()  # raises what went wrong
            await exposure.read_out(aborted=aborted)
        finally:
            integration.cancel()
            self._integration = None
            self.state = State.LOADED
            self._is_over.set()
        return Cancelled(run_id=Id(run_id)) if aborted else None

    async def _abort(self, command: ControlCommand, run_id: str) -> None:
        """Complete when the detector is ready for another exposure: what was read out is written first."""
        if self._integration is not None:
            self._integration.cancel()
            await self._is_over.wait()

    async def _shutdown(self, command: ControlCommand, run_id: str) -> None:
        await self._abort(command, run_id)
        self.state = State.UNINITIALISED
