"""The telescope mount: TCS MCSAssembly, which follows the pointing kernel and says where it points."""

from __future__ import annotations

from typing import Any, Final

from ocs_ray.models.coordinates import EqCoord
from ocs_ray.models.events import Event, SystemEvent
from ocs_ray.models.keys import Parameter, eq_coord_key
from ocs_ray.simulation.demand_follower import DemandFollower

DEMAND: Final = "MountDemandPosition"
POSITION: Final = "MountPosition"
DEMAND_POS = eq_coord_key("pos")
CURRENT = eq_coord_key("currentPos")
DEMANDED = eq_coord_key("demandPos")


class Mount(DemandFollower):
    """Publishes ``MountPosition`` with currentPos and demandPos. Its options are those of every follower.

    Source: sequencer-scripts, keys of the TCS scripts.
    """

    demand_name = DEMAND
    position_name = POSITION
    parked = (0.0, 0.0)

    def read(self, event: Event) -> tuple[float, float]:
        assert isinstance(event, SystemEvent)
        pos = event[DEMAND_POS].head()
        return pos.ra.degrees, pos.dec.degrees

    def write(self, current: tuple[float, float], demand: tuple[float, float]) -> tuple[Parameter[Any], ...]:
        return CURRENT.set(coordinate(current)), DEMANDED.set(coordinate(demand))


def coordinate(axes: tuple[float, float]) -> EqCoord:
    """Right ascension and declination in degrees as a coordinate."""
    return EqCoord.of(ra_degrees=axes[0], dec_degrees=axes[1])
