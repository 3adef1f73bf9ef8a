"""The enclosure: TCS ENCAssembly, whose base and cap turn so that the telescope sees the sky."""

from __future__ import annotations

from typing import Any, Final

from ocs_ray.models.events import Event, SystemEvent
from ocs_ray.models.keys import Parameter, double_key
from ocs_ray.models.units import Units
from ocs_ray.simulation.demand_follower import DemandFollower

DEMAND: Final = "EnclosureDemandPosition"
POSITION: Final = "CurrentPosition"
BASE, CAP = double_key("base", Units.degree), double_key("cap", Units.degree)
BASE_CURRENT, BASE_DEMAND = double_key("baseCurrent", Units.degree), double_key("baseDemand", Units.degree)
CAP_CURRENT, CAP_DEMAND = double_key("capCurrent", Units.degree), double_key("capDemand", Units.degree)


class Enclosure(DemandFollower):
    """Publishes ``CurrentPosition``: where base and cap are and where they should be, in degrees.

    Its options are those of every follower. Source: sequencer-scripts, keys of the TCS scripts.
    """

    demand_name = DEMAND
    position_name = POSITION
    parked = (0.0, 0.0)

    def read(self, event: Event) -> tuple[float, float]:
        assert isinstance(event, SystemEvent)
        return event[BASE].head(), event[CAP].head()

    def write(self, current: tuple[float, float], demand: tuple[float, float]) -> tuple[Parameter[Any], ...]:
        return (
            BASE_CURRENT.set(current[0]),
            CAP_CURRENT.set(current[1]),
            BASE_DEMAND.set(demand[0]),
            CAP_DEMAND.set(demand[1]),
        )
