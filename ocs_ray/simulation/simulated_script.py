"""The script of a simulated sequencer: it completes every command of any kind at once, and every hook succeeds.

Source: esw-ocs-app --simulation. A sequencer that was given no script loads this file.
"""

from ocs_ray.scripting import ScriptContext, SequenceCommand, script


@script
async def simulated(ctx: ScriptContext) -> None:
    """Take whatever comes."""

    @ctx.on_any_command
    async def complete(command: SequenceCommand) -> None:
        pass
