"""WFOS in WFOS_Cal."""

from reusable.wfos_observing import wfos_observing

from ocs_ray.scripting import ScriptContext, script


@script
async def observe(ctx: ScriptContext) -> None:
    await wfos_observing(ctx)
