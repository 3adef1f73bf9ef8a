"""WFOS: two arms, blue and red, each with a filter wheel and a detector."""

from __future__ import annotations

from typing import Final

from ocs_ray.models.keys import choice_key
from ocs_ray.scripting import Observe, ScriptContext, Setup
from reusable.aborting import abort_exposures
from reusable.detectors import BLUE, RED, expose, simple_order
from reusable.orders import Selection, carry_out, carry_out_together

WHEEL = choice_key("wheel1")
BLUE_FILTER: Final = Selection("WFOS.blue.filter", "SELECT", choice_key("blueFilter"), WHEEL)
RED_FILTER: Final = Selection("WFOS.red.filter", "SELECT", choice_key("redFilter"), WHEEL)


async def wfos_observing(ctx: ScriptContext) -> None:
    """Set up and expose both arms. The detectors are initialised now, when the script is loaded."""
    for detector in (BLUE, RED):
        await carry_out(ctx, simple_order(ctx, detector, "INIT"))
    abort_exposures(ctx, BLUE, RED)

    @ctx.on_setup("setupObservation")
    async def setup_observation(command: Setup) -> None:
        await carry_out_together(ctx, BLUE_FILTER.order(ctx, command), RED_FILTER.order(ctx, command))

    @ctx.on_observe("singleExposure")
    async def single_exposure(command: Observe) -> None:
        await expose(ctx, command, BLUE, RED)

    @ctx.on_shutdown
    async def shut_blue_down() -> None:
        await carry_out(ctx, simple_order(ctx, BLUE, "SHUTDOWN"))

    @ctx.on_shutdown
    async def shut_red_down() -> None:
        await carry_out(ctx, simple_order(ctx, RED, "SHUTDOWN"))


async def wfos_acquisition(ctx: ScriptContext) -> None:
    """Acquire the field with the blue arm."""

    @ctx.on_setup("setupAcquisition")
    async def setup_acquisition(command: Setup) -> None:
        await carry_out(ctx, BLUE_FILTER.order(ctx, command))

    @ctx.on_observe("acquisitionExposure")
    async def acquisition_exposure(command: Observe) -> None:
        await expose(ctx, command, BLUE)
