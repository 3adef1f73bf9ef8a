"""IRIS in IRIS_IFSOnly: the imager acquires, the integral field spectrograph takes the science exposures."""

from reusable.detectors import IFS, IMAGER
from reusable.iris_observing import FILTER, RESOLUTION, SCALE, iris_observing

from ocs_ray.scripting import ScriptContext, script


@script
async def observe(ctx: ScriptContext) -> None:
    iris_observing(ctx, detectors=[IFS, IMAGER], science=[IFS], optics=[FILTER, SCALE, RESOLUTION])
