"""WFOS in WFOS_Science."""

from reusable.wfos_observing import wfos_acquisition, wfos_observing

from ocs_ray.scripting import ScriptContext, script


@script
async def observe(ctx: ScriptContext) -> None:
    await ctx.load_scripts(wfos_acquisition, wfos_observing)
