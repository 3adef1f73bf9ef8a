"""Top level of IRIS_ImagerOnly: the imager takes the science exposures."""

from reusable.detectors import IMAGER
from reusable.esw_iris import esw_iris

from ocs_ray.scripting import ScriptContext, script


@script
async def lead(ctx: ScriptContext) -> None:
    esw_iris(ctx, IMAGER)
