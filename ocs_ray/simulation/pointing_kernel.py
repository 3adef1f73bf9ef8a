"""The pointing kernel: TCS PointingKernelAssembly, which turns a target into demands for mount and enclosure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import PositiveFloat

from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.coordinates import EqCoord
from ocs_ray.models.events import Event, EventKey, SystemEvent
from ocs_ray.models.keys import choice_key, coord_key, double_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import CommandIssue, IssueType
from ocs_ray.models.units import Units
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.scripting.control import par
from ocs_ray.simulation import enclosure, mount
from ocs_ray.simulation.simulated_device import Action, Options, SimulatedDevice, first, issue, missing, options_of

TARGET = coord_key("base")
X, Y = double_key("Xcoordinate", Units.arcsec), double_key("Ycoordinate", Units.arcsec)
FRAME = choice_key("Refframe")


class PointingKernelOptions(Options):
    """What the pointing kernel can be told.

    Args:
        mount: who follows the mount demand.
        enclosure: who follows the enclosure demand.
        take_up_s: longest wait, in real seconds, until both have taken up a new demand.
    """

    mount: str = "TCS.MCSAssembly"
    enclosure: str = "TCS.ENCAssembly"
    take_up_s: PositiveFloat = 10.0


class PointingKernel(SimulatedDevice):
    """SlewToTarget points at ``base``; SetOffset points ``Xcoordinate``, ``Ycoordinate`` arcseconds beside it.

    Both are complete when mount and enclosure have taken up the new demand. Without that, somebody who then looks at
    the mount's error would see that of the target before, which is zero.
    """

    def __init__(self, ctx: ComponentContext) -> None:
        super().__init__(ctx)
        self.options = options_of(ctx, PointingKernelOptions)
        self._target: EqCoord | None = None

    def actions(self) -> Mapping[str, Action]:
        return {
            "SlewToTarget": Action(self._check_slew, self._slew),
            "SetOffset": Action(self._check_offset, self._offset),
        }

    def _check_slew(self, command: ControlCommand) -> CommandIssue | None:
        if (refusal := missing(command, TARGET)) is not None:
            return refusal
        target = first(command, TARGET)
        if not isinstance(target, EqCoord):
            reason = f"base is a {type(target).__name__}: the simulated telescope points at EqCoord only"
            return issue(IssueType.WrongParameterTypeIssue, reason)
        return None

    def _check_offset(self, command: ControlCommand) -> CommandIssue | None:
        if (refusal := missing(command, X, Y, FRAME)) is not None:
            return refusal
        if first(command, FRAME) != "ICRS":
            reason = f"Refframe is {first(command, FRAME)}: the simulated telescope knows ICRS only"
            return issue(IssueType.ParameterValueOutOfRangeIssue, reason)
        if self._target is None:
            return issue(IssueType.WrongInternalStateIssue, "there is no target yet: send SlewToTarget first")
        return None

    async def _slew(self, command: ControlCommand, run_id: str) -> None:
        target = command[TARGET].head()
        assert isinstance(target, EqCoord)  # checked
        self._target = target
        await self._point_at(target)

    async def _offset(self, command: ControlCommand, run_id: str) -> None:
        assert self._target is not None  # checked
        await self._point_at(beside(self._target, command[X].head(), command[Y].head()))

    async def _point_at(self, place: EqCoord) -> None:
        base, cap = shutter(place)
        await self.ctx.publish(mount.DEMAND, mount.DEMAND_POS.set(place))
        await self.ctx.publish(enclosure.DEMAND, enclosure.BASE.set(base), enclosure.CAP.set(cap))

        def mount_follows(event: Event) -> bool:
            assert isinstance(event, SystemEvent)
            demanded = event[mount.DEMANDED].head()
            return (demanded.ra, demanded.dec) == (place.ra, place.dec)

        def enclosure_follows(event: Event) -> bool:
            assert isinstance(event, SystemEvent)
            return (event[enclosure.BASE_DEMAND].head(), event[enclosure.CAP_DEMAND].head()) == (base, cap)

        within_s = self.options.take_up_s
        mount_key = EventKey(source=Prefix(self.options.mount), event_name=mount.POSITION)
        enclosure_key = EventKey(source=Prefix(self.options.enclosure), event_name=enclosure.POSITION)
        await par(
            self.ctx.events.wait_for(mount_key, mount_follows, within_s),
            self.ctx.events.wait_for(enclosure_key, enclosure_follows, within_s),
        )


def beside(target: EqCoord, x_arcsec: float, y_arcsec: float) -> EqCoord:
    """The place this far east and north of a target, in the tangent plane's approximation."""
    dec_degrees = target.dec.degrees + y_arcsec / 3600
    east_degrees = x_arcsec / 3600 / max(math.cos(target.dec.radians), 1e-6)
    return EqCoord.of(ra_degrees=target.ra.degrees + east_degrees, dec_degrees=dec_degrees)


def shutter(place: EqCoord) -> tuple[float, float]:
    """Base and cap in degrees. Not astronomy: two numbers that change with the target."""
    return place.ra.degrees % 360, 90 - place.dec.degrees / 2
