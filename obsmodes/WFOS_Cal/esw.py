"""Top level of WFOS_Cal: both arms expose together, without a field to acquire."""

from reusable.esw_phases import Exposures
from reusable.esw_wfos import esw_wfos

from ocs_ray.scripting import ScriptContext, Subsystem, script


@script
async def lead(ctx: ScriptContext) -> None:
    esw_wfos(ctx, Exposures(Subsystem.WFOS))
