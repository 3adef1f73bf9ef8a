"""Top level of IRIS_ImagerAndIFS: integral field spectrograph and imager expose together."""

from reusable.detectors import IFS, IMAGER
from reusable.esw_iris import esw_iris

from ocs_ray.scripting import ScriptContext, script


@script
async def lead(ctx: ScriptContext) -> None:
    esw_iris(ctx, IFS, IMAGER)
