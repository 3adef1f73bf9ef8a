"""TCS: point the telescope at the target, then beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ocs_ray.models.coordinates import EqCoord
from ocs_ray.models.keys import choice_key, coord_key, double_key, eq_coord_key
from ocs_ray.models.observe_events import CoordinateSystem
from ocs_ray.models.units import Units
from ocs_ray.scripting import Event, EventKey, ObserveEventName, ScriptContext, Setup, par
from reusable.orders import Order, carry_out
from reusable.requirements import obs_id_of, value_of

SLEW_TOLERANCE_ARCSEC: Final = 0.5
OFFSET_TOLERANCE_ARCSEC: Final = 0.1
ON_TARGET_WITHIN_S: Final = 300.0
"""Longest wait, in real seconds, until mount and enclosure are where they should be."""

POINTING_KERNEL: Final = "TCS.PointingKernelAssembly"
BASE_COORDS, BASE = coord_key("baseCoords"), coord_key("base")
P, Q = double_key("p", Units.arcsec), double_key("q", Units.arcsec)
X, Y = double_key("Xcoordinate", Units.arcsec), double_key("Ycoordinate", Units.arcsec)
FRAME = choice_key("Refframe", "ICRS")

MOUNT_POSITION: Final = EventKey("TCS.MCSAssembly", "MountPosition")
MOUNT_CURRENT, MOUNT_DEMAND = eq_coord_key("currentPos"), eq_coord_key("demandPos")
ENCLOSURE_POSITION: Final = EventKey("TCS.ENCAssembly", "CurrentPosition")
ENCLOSURE_AXES: Final = [  # current and demand, in degrees
    (double_key("baseCurrent", Units.degree), double_key("baseDemand", Units.degree)),
    (double_key("capCurrent", Units.degree), double_key("capDemand", Units.degree)),
]


def tcs_pointing(ctx: ScriptContext) -> None:
    """Point the telescope."""

    @ctx.on_setup("preset")
    async def preset(command: Setup) -> None:
        obs_id = obs_id_of(command)
        target = value_of(command, BASE_COORDS, POINTING_KERNEL)
        with ctx.no_hold():  # a slew that was begun is ended
            await carry_out(ctx, Order(POINTING_KERNEL, Setup(ctx.prefix, "SlewToTarget", obs_id, BASE.set(target))))
            await par(
                ctx.wait_for_event(MOUNT_POSITION, mount_within(SLEW_TOLERANCE_ARCSEC), ON_TARGET_WITHIN_S),
                ctx.wait_for_event(ENCLOSURE_POSITION, enclosure_within(SLEW_TOLERANCE_ARCSEC), ON_TARGET_WITHIN_S),
            )

    @ctx.on_setup("setupObservation")
    async def setup_observation(command: Setup) -> None:
        obs_id = obs_id_of(command)
        p, q = value_of(command, P, POINTING_KERNEL), value_of(command, Q, POINTING_KERNEL)
        is_offset = p > 0 or q > 0  # as in TMT's script: an offset to negative p and q is not announced
        if is_offset:
            await ctx.publish_observe_event(
                ObserveEventName.OffsetStart, obs_id, coordinate_system=CoordinateSystem.RADEC, p=p, q=q
            )
        offset = Setup(ctx.prefix, "SetOffset", obs_id, X.set(p), Y.set(q), FRAME.set("ICRS"))
        with ctx.no_hold():
            await carry_out(ctx, Order(POINTING_KERNEL, offset))
            await ctx.wait_for_event(MOUNT_POSITION, mount_within(OFFSET_TOLERANCE_ARCSEC), ON_TARGET_WITHIN_S)
        if is_offset:
            await ctx.publish_observe_event(ObserveEventName.OffsetEnd, obs_id)


def mount_within(tolerance_arcsec: float) -> Callable[[Event], bool]:
    """Whether a MountPosition event says that the mount is this close to where it should be."""

    def is_within(event: Event) -> bool:
        return separation_arcsec(event[MOUNT_CURRENT].head(), event[MOUNT_DEMAND].head()) < tolerance_arcsec

    return is_within


def enclosure_within(tolerance_arcsec: float) -> Callable[[Event], bool]:
    """Whether a CurrentPosition event says that base and cap are this close to where they should be."""

    def is_within(event: Event) -> bool:
        errors_deg = (abs(event[current].head() - event[demand].head()) for current, demand in ENCLOSURE_AXES)
        return all(error_deg * 3600 < tolerance_arcsec for error_deg in errors_deg)

    return is_within


def separation_arcsec(one: EqCoord, other: EqCoord) -> float:
    """Distance on the sky, in arcseconds."""
    half_dec = math.sin((one.dec.radians - other.dec.radians) / 2)
    half_ra = math.sin((one.ra.radians - other.ra.radians) / 2)
    haversine = half_dec**2 + math.cos(one.dec.radians) * math.cos(other.dec.radians) * half_ra**2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(haversine)))) * 3600
