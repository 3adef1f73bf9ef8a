"""The atmospheric dispersion corrector (ADC): prisms that are brought into the beam and then follow the sky."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field, PositiveFloat

from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.keys import Parameter, boolean_key, choice_key, double_key
from ocs_ray.models.responses import CommandIssue, IssueType
from ocs_ray.models.units import Units
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.simulation.simulated_device import (
    Action,
    Options,
    SimulatedDevice,
    always,
    first,
    issue,
    missing,
    options_of,
)


class Place(StrEnum):
    """Where the prisms are."""

    IN = "IN"
    OUT = "OUT"


POSITION = choice_key("position")
RETRACT = choice_key("position", *Place)
FOLLOWING = choice_key("following", "FOLLOWING", "STOPPED")
ON_TARGET = boolean_key("onTarget")
ANGLE_ERROR = double_key("angleError", Units.degree)


class DispersionCorrectorOptions(Options):
    """What an ADC can be told.

    Args:
        retract_s: seconds from OUT to IN and back; a shutdown hook that brings the prisms out has five in all.
        period_s: seconds between two corrections while the prisms are off target.
        idle_period_s: seconds between two states published while they are on target.
        slew_deg: how far off the prisms are when they begin to follow.
        tolerance_deg: within this many degrees they are on target.
        shrink: what remains of the error after one correction, between 0 and 1.
    """

    retract_s: PositiveFloat = 3.0
    period_s: PositiveFloat = 0.5
    idle_period_s: PositiveFloat = 5.0
    slew_deg: PositiveFloat = 20.0
    tolerance_deg: PositiveFloat = 0.1
    shrink: float = Field(default=0.4, gt=0.0, lt=1.0)


class DispersionCorrector(SimulatedDevice):
    """RETRACT_SELECT moves the prisms in and out, PRISM_FOLLOW and PRISM_STOP start and end following.

    While following it publishes ``prism_state``. Every PRISM_FOLLOW starts off target and publishes that before it
    completes, so that nobody takes the state of an earlier target for the present one.
    Source: esw-observing-simulation PrismActor.scala; stopping what stands still is harmless here, an error there.
    """

    def __init__(self, ctx: ComponentContext) -> None:
        super().__init__(ctx)
        self.options = options_of(ctx, DispersionCorrectorOptions)
        self._place = Place.OUT
        self._moving_to: Place | None = None
        self._error_deg = 0.0
        self._following: asyncio.Task[None] | None = None

    def actions(self) -> Mapping[str, Action]:
        return {
            "RETRACT_SELECT": Action(self._check_retract, self._retract),
            "PRISM_FOLLOW": Action(self._check_follow, self._follow),
            "PRISM_STOP": Action(always, self._stop),
        }

    async def initialize(self) -> None:
        await self._publish_place()
        await self._publish_state()

    async def on_shutdown(self) -> None:
        self._stop_following()

    # -- moving in and out ---------------------------------------------------------------------------------------

    def _check_retract(self, command: ControlCommand) -> CommandIssue | None:
        if (refusal := missing(command, POSITION)) is not None:
            return refusal
        wanted = first(command, POSITION)
        if wanted not in list(Place):
            reason = f"{self.ctx.prefix} has no position {wanted}: it has {', '.join(Place)}"
            return issue(IssueType.ParameterValueOutOfRangeIssue, reason)
        if self._moving_to is not None:
            return issue(IssueType.AssemblyBusyIssue, f"{self.ctx.prefix} is moving {self._moving_to}")
        if self._following is not None and wanted != self._place:
            return issue(IssueType.WrongInternalStateIssue, "the prisms are following: send PRISM_STOP first")
        return None

    async def _retract(self, command: ControlCommand, run_id: str) -> None:
        wanted = Place(command[POSITION].head())
        if wanted is self._place:
            return
        self._moving_to = wanted
        try:
            await self.ctx.sleep(self.options.retract_s)
            self._place = wanted
        finally:
            self._moving_to = None
        await self._publish_place()

    # -- following -----------------------------------------------------------------------------------------------

    def _check_follow(self, command: ControlCommand) -> CommandIssue | None:
        if self._moving_to is not None:
            return issue(IssueType.AssemblyBusyIssue, f"{self.ctx.prefix} is moving {self._moving_to}")
        if self._place is Place.OUT:
            reason = "the prisms are OUT: send RETRACT_SELECT with position IN first"
            return issue(IssueType.WrongInternalStateIssue, reason)
        return None

    async def _follow(self, command: ControlCommand, run_id: str) -> None:
        self._stop_following()
        self._error_deg = self.options.slew_deg
        self._following = self.ctx.start(self._keep_following())
        await self._publish_state()

    async def _stop(self, command: ControlCommand, run_id: str) -> None:
        self._stop_following()
        await self._publish_state()

    def _stop_following(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    async def _keep_following(self) -> None:
        while True:
            await self.ctx.sleep(self.options.idle_period_s if self._is_on_target else self.options.period_s)
            self._error_deg *= self.options.shrink
            await self.publish_in_background("prism_state", *self._state())

    @property
    def _is_on_target(self) -> bool:
        return self._error_deg <= self.options.tolerance_deg

    def _state(self) -> tuple[Parameter[Any], ...]:
        following = "FOLLOWING" if self._following is not None else "STOPPED"
        return FOLLOWING.set(following), ON_TARGET.set(self._is_on_target), ANGLE_ERROR.set(self._error_deg)

    async def _publish_state(self) -> None:
        await self.ctx.publish("prism_state", *self._state())

    async def _publish_place(self) -> None:
        await self.ctx.publish("prism_retract", RETRACT.set(self._place))
