"""IRIS: wheels, gratings, dispersion corrector and detectors, in every mode that observes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from ocs_ray.errors import OcsError
from ocs_ray.models.keys import boolean_key, choice_key
from ocs_ray.models.units import Units
from ocs_ray.scripting import Observe, ScriptContext, Setup
from reusable.aborting import abort_exposures
from reusable.detectors import IMAGER, Detector, expose, simple_order
from reusable.error_event import publish_error_event
from reusable.orders import Order, Selection, carry_out, carry_out_together
from reusable.requirements import value_of

FILTER: Final = Selection("IRIS.imager.filter", "SELECT", choice_key("filter"), choice_key("wheel1"))
SCALE_KEY = choice_key("scale", units=Units.mas)
SCALE: Final = Selection("IRIS.ifs.scale", "SELECT", SCALE_KEY, SCALE_KEY)
RESOLUTION_KEY = choice_key("spectralResolution")
RESOLUTION: Final = Selection("IRIS.ifs.res", "GRATING_SELECT", RESOLUTION_KEY, RESOLUTION_KEY)

ADC: Final = "IRIS.imager.adc"
ADC_FOLLOW = boolean_key("scienceAdcFollow")
ADC_POSITION = choice_key("position", "IN", "OUT")


def iris_observing(
    ctx: ScriptContext,
    *,
    detectors: Sequence[Detector],
    science: Sequence[Detector],
    optics: Sequence[Selection],
) -> None:
    """Observe with IRIS.

    Args:
        detectors: those in use, in the order they are initialised and shut down.
        science: those that take the science exposures; acquisition is always the imager's.
        optics: what is moved for the observation; the filter alone is moved for acquisition.
    """
    abort_exposures(ctx, *detectors)
    instrument = asyncio.Lock()  # an observation that starts waits until the clean-up of a failed one has ended

    @ctx.on_setup("observationStart")
    async def observation_start(command: Setup) -> None:
        async with instrument:
            for detector in detectors:
                await carry_out(ctx, simple_order(ctx, detector, "INIT"))
            await carry_out(ctx, _adc(ctx, "RETRACT_SELECT", "IN"))

    @ctx.on_setup("setupAcquisition")
    async def setup_acquisition(command: Setup) -> None:
        await carry_out_together(ctx, FILTER.order(ctx, command), *_adc_follow(ctx, command))

    @ctx.on_setup("setupObservation")
    async def setup_observation(command: Setup) -> None:
        moves = [selection.order(ctx, command) for selection in optics]
        await carry_out_together(ctx, *moves, *_adc_follow(ctx, command))

    @ctx.on_observe("acquisitionExposure")
    async def acquisition_exposure(command: Observe) -> None:
        await expose(ctx, command, IMAGER)

    @ctx.on_observe("singleExposure")
    async def single_exposure(command: Observe) -> None:
        await expose(ctx, command, *science)

    @ctx.on_setup("observationEnd")
    async def observation_end(command: Setup) -> None:
        await clean_up()

    @ctx.on_shutdown
    async def clean_up() -> None:
        orders = [
            *(simple_order(ctx, detector, "SHUTDOWN") for detector in detectors),
            _adc(ctx, "PRISM_STOP"),
            _adc(ctx, "RETRACT_SELECT", "OUT"),
        ]
        failures: list[OcsError] = []
        async with instrument:
            for order in orders:
                try:
                    await carry_out(ctx, order)
                except OcsError as failure:  # one that does not answer must not keep the others as they are
                    failures.append(failure)
        if failures:
            raise failures[0]

    @ctx.on_global_error
    async def tell_and_clean_up(failure: BaseException) -> None:
        await publish_error_event(ctx, failure)
        await clean_up()


def _adc(ctx: ScriptContext, name: str, position: str | None = None) -> Order:
    params = () if position is None else (ADC_POSITION.set(position),)
    return Order(ADC, Setup(ctx.prefix, name, None, *params))


def _adc_follow(ctx: ScriptContext, command: Setup) -> list[Order]:
    follow = value_of(command, ADC_FOLLOW, ADC)
    return [Order(ADC, Setup(ctx.prefix, "PRISM_FOLLOW", command.maybe_obs_id))] if follow else []
