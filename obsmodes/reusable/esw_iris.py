"""Top level of the IRIS modes: leads IRIS and TCS through an observation."""

from __future__ import annotations

from typing import Final

from ocs_ray.models.keys import boolean_key, choice_key, coord_key
from ocs_ray.scripting import (
    Event,
    EventKey,
    Observe,
    ObserveEventName,
    ScriptContext,
    Setup,
    Subsystem,
    par,
)
from reusable.aborting import pass_abort_on
from reusable.detectors import IMAGER, Detector
from reusable.error_event import publish_error_event
from reusable.esw_phases import Exposures, announce_holds, pass_on, phase, renamed
from reusable.requirements import obs_id_of, value_of

TARGET, BASE = coord_key("targetCoords"), coord_key("baseCoords")
ADC_FOLLOW = boolean_key("scienceAdcFollow")

ADC_STATE: Final = EventKey("IRIS.imager.adc", "prism_state")
FOLLOWING, ON_TARGET = choice_key("following"), boolean_key("onTarget")
ADC_WITHIN_S: Final = 300.0
"""Longest wait, in real seconds, until the dispersion corrector is on target."""

FINE_ACQUISITION_S: Final = 0.5


def esw_iris(ctx: ScriptContext, *science: Detector) -> None:
    """Lead an observation with IRIS.

    Args:
        science: the detectors that take the science exposures; acquisition is always the imager's.
    """
    exposures = Exposures(Subsystem.IRIS)
    pass_abort_on(ctx, Subsystem.IRIS, Subsystem.TCS)
    announce_holds(ctx)

    @ctx.on_setup("observationStart")
    async def observation_start(command: Setup) -> None:
        await ctx.publish_observe_event(ObserveEventName.ObservationStart, obs_id_of(command))
        await pass_on(ctx, Subsystem.IRIS, command)

    @ctx.on_setup("preset")
    async def preset(command: Setup) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.PresetStart, ObserveEventName.PresetEnd):
            target = value_of(command, TARGET, f"TCS.{ctx.obs_mode}")
            slew = Setup(command.source, "preset", obs_id, BASE.set(target))
            await point_and_set_up(slew, renamed(command, "setupAcquisition"))

    @ctx.on_observe("coarseAcquisition")
    async def coarse_acquisition(command: Observe) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.GuidestarAcqStart, ObserveEventName.GuidestarAcqEnd):
            await pass_on(ctx, Subsystem.IRIS, exposures.next(command, "acquisitionExposure", IMAGER))

    @ctx.on_observe("fineAcquisition")
    async def fine_acquisition(command: Observe) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.ScitargetAcqStart, ObserveEventName.ScitargetAcqEnd):
            await ctx.sleep(FINE_ACQUISITION_S)

    @ctx.on_setup("setupObservation")
    async def setup_observation(command: Setup) -> None:
        obs_id_of(command)
        await point_and_set_up(command, command)

    @ctx.on_observe("observe")
    async def observe(command: Observe) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.ObserveStart, ObserveEventName.ObserveEnd):
            await pass_on(ctx, Subsystem.IRIS, exposures.next(command, "singleExposure", *science))

    @ctx.on_setup("observationEnd")
    async def observation_end(command: Setup) -> None:
        obs_id = obs_id_of(command)
        await pass_on(ctx, Subsystem.IRIS, command)
        await ctx.publish_observe_event(ObserveEventName.ObservationEnd, obs_id)

    @ctx.on_global_error
    async def tell(failure: BaseException) -> None:
        await publish_error_event(ctx, failure)

    async def point_and_set_up(telescope: Setup, instrument: Setup) -> None:
        """Telescope and instrument move at the same time; what is then off target is the dispersion corrector."""
        await par(pass_on(ctx, Subsystem.TCS, telescope), pass_on(ctx, Subsystem.IRIS, instrument))
        if value_of(instrument, ADC_FOLLOW, "IRIS.imager.adc"):  # one that was not told to follow never will
            await ctx.wait_for_event(ADC_STATE, is_on_target, ADC_WITHIN_S)


def is_on_target(event: Event) -> bool:
    """Whether the dispersion corrector follows and is on target."""
    return event[FOLLOWING].head() == "FOLLOWING" and event[ON_TARGET].head()
