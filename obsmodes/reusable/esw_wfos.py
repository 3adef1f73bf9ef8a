"""Top level of the WFOS modes: leads WFOS through an observation, with or without acquisition of a field."""

from __future__ import annotations

from ocs_ray.scripting import Observe, ObserveEventName, ScriptContext, Setup, Subsystem
from reusable.aborting import pass_abort_on
from reusable.detectors import BLUE, RED
from reusable.error_event import publish_error_event
from reusable.esw_phases import Exposures, announce_holds, pass_on, phase, renamed
from reusable.requirements import obs_id_of


def esw_wfos(ctx: ScriptContext, exposures: Exposures) -> None:
    """Lead exposures of both arms.

    Args:
        exposures: numbers them.
    """
    pass_abort_on(ctx, Subsystem.WFOS)
    announce_holds(ctx)

    @ctx.on_setup("observationStart")
    async def observation_start(command: Setup) -> None:
        await ctx.publish_observe_event(ObserveEventName.ObservationStart, obs_id_of(command))

    @ctx.on_observe("fineAcquisition")
    async def fine_acquisition(command: Observe) -> None:
        ctx.log.info("%s: there is nothing to do for fineAcquisition", ctx.prefix)

    @ctx.on_setup("setupObservation")
    async def setup_observation(command: Setup) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.ScitargetAcqStart, ObserveEventName.ScitargetAcqEnd):
            await pass_on(ctx, Subsystem.WFOS, command)

    @ctx.on_observe("observe")
    async def observe(command: Observe) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.ObserveStart, ObserveEventName.ObserveEnd):
            await pass_on(ctx, Subsystem.WFOS, exposures.next(command, "singleExposure", RED, BLUE))

    @ctx.on_setup("observationEnd")
    async def observation_end(command: Setup) -> None:
        await ctx.publish_observe_event(ObserveEventName.ObservationEnd, obs_id_of(command))

    @ctx.on_global_error
    async def tell(failure: BaseException) -> None:
        await publish_error_event(ctx, failure)


def esw_wfos_acquisition(ctx: ScriptContext, exposures: Exposures) -> None:
    """Lead the acquisition of a field, which is the blue arm's.

    Args:
        exposures: numbers acquisition and science exposures together.
    """

    @ctx.on_setup("preset")
    async def preset(command: Setup) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.PresetStart, ObserveEventName.PresetEnd):
            await pass_on(ctx, Subsystem.WFOS, renamed(command, "setupAcquisition"))

    @ctx.on_observe("coarseAcquisition")
    async def coarse_acquisition(command: Observe) -> None:
        obs_id = obs_id_of(command)
        async with phase(ctx, obs_id, ObserveEventName.GuidestarAcqStart, ObserveEventName.GuidestarAcqEnd):
            await pass_on(ctx, Subsystem.WFOS, exposures.next(command, "acquisitionExposure", BLUE))
