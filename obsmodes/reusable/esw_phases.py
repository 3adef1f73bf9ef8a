"""What every top-level script does: announce phases and holds, number the exposures, pass commands on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ocs_ray.models.keys import Parameter
from ocs_ray.scripting import ExposureId, Observe, ObserveEventName, ObsId, ScriptContext, Sequence, Setup, Subsystem
from reusable.detectors import Detector
from reusable.requirements import obs_id_of, value_of


@asynccontextmanager
async def phase(
    ctx: ScriptContext, obs_id: ObsId, start: ObserveEventName, end: ObserveEventName
) -> AsyncGenerator[None, None]:
    """Publish ``start`` before and ``end`` after the block; a block that fails has no end."""
    await ctx.publish_observe_event(start, obs_id)
    yield
    await ctx.publish_observe_event(end, obs_id)


async def pass_on(ctx: ScriptContext, subsystem: Subsystem, command: Setup | Observe) -> None:
    """Let the subsystem's sequencer of this mode run one command, and wait for its end."""
    ctx.log.info("%s: sending %s to %s.%s", ctx.prefix, command.command_name, subsystem, ctx.obs_mode)
    await ctx.sequencer(subsystem).submit_and_wait(Sequence.of(command))
    ctx.log.info("%s: %s of %s.%s is done", ctx.prefix, command.command_name, subsystem, ctx.obs_mode)


def announce_holds(ctx: ScriptContext) -> None:
    """Tell the observatory when the observation is held or suspended, and when it goes on."""

    @ctx.on_hold
    @ctx.on_suspend
    async def paused() -> None:
        await ctx.observe_events.observe_paused()

    @ctx.on_resume
    @ctx.on_unsuspend
    async def resumed() -> None:
        await ctx.observe_events.observe_resumed()


def renamed(command: Setup, name: str) -> Setup:
    """The same Setup under another name."""
    return Setup(command.source, name, command.maybe_obs_id, *command.param_set)


class Exposures:
    """Numbers the exposures of a sequencer, from 1 as long as its script is loaded.

    Args:
        subsystem: whose detectors expose.
    """

    def __init__(self, subsystem: Subsystem) -> None:
        self._subsystem = subsystem
        self._number = 0

    def next(self, command: Observe, name: str, *detectors: Detector) -> Observe:
        """The command a subsystem is sent for one exposure: the same parameters, and an exposure id per detector.

        Detectors that expose together share the number.
        """
        obs_id = obs_id_of(command)
        types = [value_of(command, detector.exposure_type, detector.assembly) for detector in detectors]
        self._number += 1
        ids: list[Parameter[str]] = []
        for detector, exposure_type in zip(detectors, types, strict=True):
            exposure_id = ExposureId.of(obs_id, self._subsystem, detector.code, exposure_type, 1, self._number)
            ids.append(detector.exposure_id.set(exposure_id))
        return Observe(command.source, name, obs_id, *command.param_set, *ids)
