"""The detectors of IRIS and WFOS: how a command describes their exposures, and how one is taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from ocs_ray.models.keys import int_key, string_key
from ocs_ray.models.units import Units
from ocs_ray.scripting import ExposureId, Observe, ScriptContext, Setup, par
from reusable.orders import Order, carry_out_together
from reusable.requirements import obs_id_of, value_of

DIRECTORY = string_key("directory")
EXPOSURE_ID = string_key("exposureId")
FILENAME = string_key("filename")
RAMP_INTEGRATION_TIME = int_key("rampIntegrationTime", Units.millisecond)
RAMPS = int_key("ramps")

READOUT: Final = timedelta(seconds=30)
"""How much longer than its integration an exposure may take."""


class Detector:
    """A detector and the keys a sequence's command describes its exposure with.

    Args:
        assembly: its prefix.
        code: its name in exposure ids.
        stem: what its keys begin with: ``imager`` makes ``imagerExposureId``.
    """

    def __init__(self, assembly: str, code: str, stem: str) -> None:
        self.assembly, self.code = assembly, code
        self.exposure_id = string_key(f"{stem}ExposureId")
        self.exposure_type = string_key(f"{stem}ExposureType")
        self.integration_time = int_key(f"{stem}IntegrationTime", Units.millisecond)
        self.ramps = int_key(f"{stem}NumRamps")


IMAGER: Final = Detector("IRIS.imager.detector", "IMG", "imager")
IFS: Final = Detector("IRIS.ifs.detector", "IFS", "ifs")
BLUE: Final = Detector("WFOS.blue.detector", "BLU", "blue")
RED: Final = Detector("WFOS.red.detector", "RED", "red")


def simple_order(ctx: ScriptContext, detector: Detector, name: str) -> Order:
    """INIT or SHUTDOWN."""
    return Order(detector.assembly, Setup(ctx.prefix, name))


async def expose(ctx: ScriptContext, command: Observe, *detectors: Detector) -> None:
    """Load all detectors at the same time, then expose all at the same time.

    It may be held before the exposure and after it, not while a shutter is open. Whoever cannot wait for the end of an
    exposure, a stop or an abort, has it read out.
    """
    loads = [_load(ctx, command, detector) for detector in detectors]
    starts = [_start(ctx, command, detector) for detector in detectors]
    await carry_out_together(ctx, *loads)
    await ctx.checkpoint()
    try:
        await carry_out_together(ctx, *starts)
    except asyncio.CancelledError:  # the script had its time to follow
        await read_out(ctx, *detectors)
        raise
    await ctx.checkpoint()


async def read_out(ctx: ScriptContext, *detectors: Detector) -> None:
    """End exposures and keep what they have so far; a detector that does not expose answers Invalid, which is fine."""
    abort = Setup(ctx.prefix, "ABORT_EXPOSURE")
    await par(*(ctx.assembly(detector.assembly).submit(abort, resume_on_error=True) for detector in detectors))


async def read_out_and_write(ctx: ScriptContext, *detectors: Detector) -> None:
    """The same, and wait until all is written: the step may have ended with the first detector that was ready."""
    abort = Setup(ctx.prefix, "ABORT_EXPOSURE")
    assemblies = [ctx.assembly(detector.assembly) for detector in detectors]
    await par(*(each.submit_and_wait(abort, READOUT, resume_on_error=True) for each in assemblies))


def _load(ctx: ScriptContext, command: Observe, detector: Detector) -> Order:
    needed_by = detector.assembly
    directory = value_of(command, DIRECTORY, needed_by)
    exposure_id = ExposureId(value_of(command, detector.exposure_id, needed_by))
    configuration = Setup(ctx.prefix, "LOAD_CONFIGURATION", obs_id_of(command)).add(
        EXPOSURE_ID.set(exposure_id),
        FILENAME.set(f"{directory}/{exposure_id}.fits"),
        RAMP_INTEGRATION_TIME.set(value_of(command, detector.integration_time, needed_by)),
        RAMPS.set(value_of(command, detector.ramps, needed_by)),
    )
    return Order(detector.assembly, configuration)


def _start(ctx: ScriptContext, command: Observe, detector: Detector) -> Order:
    ramps = value_of(command, detector.ramps, detector.assembly)
    ramp = timedelta(milliseconds=value_of(command, detector.integration_time, detector.assembly))
    start = Observe(ctx.prefix, "START_EXPOSURE", obs_id_of(command))
    return Order(detector.assembly, start, timeout=max(ramps * ramp, timedelta()) + READOUT)
