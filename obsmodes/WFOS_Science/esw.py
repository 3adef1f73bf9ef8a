"""Top level of WFOS_Science: a field is acquired, then both arms expose together."""

from reusable.esw_phases import Exposures
from reusable.esw_wfos import esw_wfos, esw_wfos_acquisition

from ocs_ray.scripting import ScriptContext, Subsystem, script


@script
async def lead(ctx: ScriptContext) -> None:
    exposures = Exposures(Subsystem.WFOS)
    esw_wfos_acquisition(ctx, exposures)
    esw_wfos(ctx, exposures)
