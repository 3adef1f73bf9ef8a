"""IRIS in IRIS_ImagerOnly: the imager alone."""

from reusable.detectors import IMAGER
from reusable.iris_observing import FILTER, iris_observing

from ocs_ray.scripting import ScriptContext, script


@script
async def observe(ctx: ScriptContext) -> None:
    iris_observing(ctx, detectors=[IMAGER], science=[IMAGER], optics=[FILTER])
