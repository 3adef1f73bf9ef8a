"""IRIS in IRIS_ImagerAndIFS: the imager acquires, then imager and integral field spectrograph expose together."""

from reusable.detectors import IFS, IMAGER
from reusable.iris_observing import FILTER, RESOLUTION, SCALE, iris_observing

from ocs_ray.scripting import ScriptContext, script


@script
async def observe(ctx: ScriptContext) -> None:
    iris_observing(ctx, detectors=[IFS, IMAGER], science=[IMAGER, IFS], optics=[FILTER, SCALE, RESOLUTION])
