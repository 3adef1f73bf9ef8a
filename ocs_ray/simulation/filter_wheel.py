"""A wheel with named positions: imager filter, IFS grating, WFOS filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field, NonNegativeFloat

from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.keys import Parameter, boolean_key, choice_key
from ocs_ray.models.responses import CommandIssue, IssueType
from ocs_ray.models.units import Units
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.simulation.simulated_device import Action, Options, SimulatedDevice, first, issue, missing, options_of

IRIS_FILTERS: Final = ("Z", "Y", "J", "H", "K", "Ks", "H+K notch", "CO", "BrGamma", "PaBeta", "H2", "FeII")
"""The positions a wheel has when the cluster file names none."""


class PositionEvent(Options):
    """How the position is published.

    Args:
        name: name of the event.
        current: key of the position the wheel is at.
        target: key of the position it goes to.
        dark: key that is true while no position is in the beam; None when the wheel does not tell.
    """

    name: str = "Wheel1Position"
    current: str = "current"
    target: str = "target"
    dark: str | None = None


class WheelOptions(Options):
    """What a wheel can be told.

    Args:
        command: name of the command that moves it.
        key: choice key of that command which names the position.
        units: units of that key.
        positions: in the order they sit on the wheel.
        start: where it stands at first; the first position when left out.
        step_s: seconds from one position to the next.
        event: how the position is published.
    """

    command: str = "SELECT"
    key: str = "wheel1"
    units: Units = Units.NoUnits
    positions: tuple[str, ...] = Field(default=IRIS_FILTERS, min_length=1)
    start: str | None = None
    step_s: NonNegativeFloat = 0.5
    event: PositionEvent = PositionEvent()


class FilterWheel(SimulatedDevice):
    """Moves one position per step, in a line and not around, and publishes every position it passes.

    Source: esw-observing-simulation WheelAssembly.scala: busy while moving, dark between start and target.
    """

    def __init__(self, ctx: ComponentContext) -> None:
        super().__init__(ctx)
        self.options = options_of(ctx, WheelOptions)
        self.position = self.options.start or self.options.positions[0]
        self._moving_to: str | None = None
        self._key = choice_key(self.options.key, *self.options.positions, units=self.options.units)

    def actions(self) -> Mapping[str, Action]:
        return {self.options.command: Action(self._check, self._select)}

    async def initialize(self) -> None:
        await self._publish(self.position)

    def path_to(self, target: str) -> Sequence[str]:
        """The positions on the way from here, the last one being ``target``."""
        positions = self.options.positions
        here, there = positions.index(self.position), positions.index(target)
        return positions[here + 1 : there + 1] if there > here else positions[there:here][::-1]

    def _check(self, command: ControlCommand) -> CommandIssue | None:
        if (refusal := missing(command, self._key)) is not None:
            return refusal
        wanted = first(command, self._key)
        if wanted not in self.options.positions:
            reason = f"{self.ctx.prefix} has no position {wanted}: it has {', '.join(self.options.positions)}"
            return issue(IssueType.ParameterValueOutOfRangeIssue, reason)
        if self._moving_to is not None:
            return issue(IssueType.AssemblyBusyIssue, f"{self.ctx.prefix} is moving to {self._moving_to}")
        return None

    async def _select(self, command: ControlCommand, run_id: str) -> None:
        target = command[self._key].head()
        self._moving_to = target
        try:
            for position in self.path_to(target):
                await self.ctx.sleep(self.options.step_s)
                self.position = position
                if position != target:
                    await self._publish(target)
        finally:
            self._moving_to = None
        await self._publish(target)

    async def _publish(self, target: str) -> None:
        event = self.options.event
        params: list[Parameter[Any]] = [
            choice_key(event.current, *self.options.positions, units=self.options.units).set(self.position),
            choice_key(event.target, *self.options.positions, units=self.options.units).set(target),
        ]
        if event.dark is not None:
            params.append(boolean_key(event.dark).set(self.position != target))
        await self.ctx.publish(event.name, *params)
