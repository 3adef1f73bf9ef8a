"""Aborting: what is under way ends as soon as it can, and the data taken so far are kept.

Source: seed 001, "the script can take action to end the current step immediately".
"""

from __future__ import annotations

from ocs_ray.scripting import ScriptContext, Subsystem, par
from reusable.detectors import Detector, read_out_and_write


def pass_abort_on(ctx: ScriptContext, *subsystems: Subsystem) -> None:
    """Abort the sequences of the subsystems' sequencers too; one that runs none has nothing to abort."""

    @ctx.on_abort_sequence
    async def abort_below() -> None:
        await par(*(ctx.sequencer(subsystem).abort_sequence() for subsystem in subsystems))


def abort_exposures(ctx: ScriptContext, *detectors: Detector) -> None:
    """Read out what was exposed so far; the run is not over while a detector still writes."""

    @ctx.on_abort_sequence
    async def read_out_now() -> None:
        await read_out_and_write(ctx, *detectors)
