"""Top level of IRIS_IFSOnly: the integral field spectrograph takes the science exposures."""

from reusable.detectors import IFS
from reusable.esw_iris import esw_iris

from ocs_ray.scripting import ScriptContext, script


@script
async def lead(ctx: ScriptContext) -> None:
    esw_iris(ctx, IFS)
