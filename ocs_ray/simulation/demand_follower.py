"""What mount and enclosure have in common: they take a demand from an event and approach it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

from pydantic import Field, PositiveFloat

from ocs_ray.errors import OcsError
from ocs_ray.models.events import Event, EventKey
from ocs_ray.models.keys import Parameter
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting.component_handlers import ComponentContext
from ocs_ray.simulation.simulated_device import SILENCE_S, Action, Options, SimulatedDevice, options_of

SHORTEST_IDLE_S: Final = 0.25
"""Real seconds between two positions on target however small the time factor: nobody waits for them."""


class FollowerOptions(Options):
    """What a mount or enclosure can be told.

    Args:
        pointing_kernel: who publishes the demand.
        period_s: seconds between two positions while it moves.
        idle_period_s: seconds between two positions while it stands on target.
        shrink: what remains of the error after one period, between 0 and 1.
        settled_arcsec: an error below this, in arcseconds, becomes zero.
    """

    pointing_kernel: str = "TCS.PointingKernelAssembly"
    period_s: PositiveFloat = 0.25
    idle_period_s: PositiveFloat = 5.0
    shrink: float = Field(default=0.5, gt=0.0, lt=1.0)
    settled_arcsec: PositiveFloat = 0.01


class DemandFollower(SimulatedDevice):
    """Two axes in degrees whose error shrinks exponentially until it is zero. Takes no commands.

    It publishes its position and the demand together and as soon as a demand comes, so that whoever reads it knows
    which demand the error belongs to.
    """

    demand_name: str
    position_name: str
    parked: tuple[float, float]

    def __init__(self, ctx: ComponentContext) -> None:
        super().__init__(ctx)
        self.options = options_of(ctx, FollowerOptions)
        self._demand = self._current = self.parked
        self._has_new_demand = asyncio.Event()
        self._work: tuple[asyncio.Task[None], ...] = ()

    @abstractmethod
    def read(self, event: Event) -> tuple[float, float]:
        """The demand an event carries, in degrees."""

    @abstractmethod
    def write(self, current: tuple[float, float], demand: tuple[float, float]) -> tuple[Parameter[Any], ...]:
        """The parameters of the position event."""

    def actions(self) -> Mapping[str, Action]:
        return {}

    async def initialize(self) -> None:
        self._work = (self.ctx.start(self._take_demands()), self.ctx.start(self._approach()))

    async def on_shutdown(self) -> None:
        for task in self._work:
            task.cancel()

    async def _take_demands(self) -> None:
        key = EventKey(source=Prefix(self.options.pointing_kernel), event_name=self.demand_name)
        while True:
            try:
                async with aclosing(self.ctx.events.subscribe(key)) as demands:
                    async for event in demands:
                        self._demand = self.read(event)
                        self._has_new_demand.set()
            except OcsError as failure:
                self.ctx.log.warning("%s cannot follow %s, trying again: %s", self.ctx.prefix, key, failure)
                await asyncio.sleep(SILENCE_S)

    async def _approach(self) -> None:
        while True:
            await self.publish_in_background(self.position_name, *self.write(self._current, self._demand))
            await self._rest()
            self._current = self._one_period_later()

    async def _rest(self) -> None:
        """One period; a new demand ends the rest of one that stands on target."""
        self._has_new_demand.clear()
        if self._current != self._demand:
            await self.ctx.sleep(self.options.period_s)
            return
        nap = asyncio.ensure_future(self._nap())
        demand = asyncio.ensure_future(self._has_new_demand.wait())
        try:
            await asyncio.wait([nap, demand], return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            demand.cancel()

    async def _nap(self) -> None:
        await asyncio.gather(self.ctx.sleep(self.options.idle_period_s), asyncio.sleep(SHORTEST_IDLE_S))

    def _one_period_later(self) -> tuple[float, float]:
        first, second = (self._closer(*axis) for axis in zip(self._current, self._demand, strict=True))
        return first, second

    def _closer(self, current: float, demand: float) -> float:
        error = (current - demand) * self.options.shrink
        return demand if abs(error) * 3600 < self.options.settled_arcsec else demand + error
