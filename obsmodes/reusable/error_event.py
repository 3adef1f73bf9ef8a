"""How a script tells the observatory that something in it failed."""

from __future__ import annotations

from ocs_ray.scripting import ScriptContext


async def publish_error_event(ctx: ScriptContext, failure: BaseException) -> None:
    """Publish ``onError-event`` and log the failure."""
    ctx.log.error("%s: %s", ctx.prefix, failure)
    await ctx.publish_event("onError-event")
