"""TCS in IRIS_ImagerOnly."""

from reusable.tcs_pointing import tcs_pointing

from ocs_ray.scripting import ScriptContext, script


@script
async def point(ctx: ScriptContext) -> None:
    tcs_pointing(ctx)
