"""How many no-op steps a second does one sequencer run inside its actor, and does a step cost the same in a long list?

Beside a bare asyncio loop that awaits as many empty coroutines as tasks, one after the other, in the same run. The
journal in memory is on, as at night. Prints one JSON object. Run: ``just bench step_throughput``.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from ocs_ray.actors.sequencer_process import SWITCH_S
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.location.call import RayPort
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import QueryFinal, SubmitSequence

QUESTION = "no-op steps a second of one sequencer inside its actor, beside a bare asyncio loop; medians"


@dataclass(frozen=True)
class Sizes:
    lengths: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    rounds: int = 5


class Bench:
    """A sequencer's shell in an actor of its own; the clock is read inside, so no call of Ray is in the figures."""

    async def start(self, file: str) -> None:
        """Load the script."""
        sys.setswitchinterval(SWITCH_S)  # as the sequencer's actor does
        self.shell = SequencerShell(Prefix("ESW.Bench"), ObsMode("Bench"), Prefix("ESW.bench"), RayPort())
        await self.shell.start(ScriptSource(file=file, root=str(Path(file).parent)), 1.0)

    async def ours(self, steps: int) -> float:
        """Seconds for one sequence of so many steps, from submit to its final response."""
        sequence = Sequence.of(*(Setup("ESW.bench", "nothing") for _ in range(steps)))
        began = time.perf_counter()
        started = await self.shell.ask(SubmitSequence(sequence=sequence))
        final = await self.shell.ask(QueryFinal(run_id=started.run_id, timeout_s=600))
        assert final.is_completed, final
        return time.perf_counter() - began

    async def floor(self, steps: int) -> float:
        """Seconds for as many empty coroutines, each a task of its own on a bare loop."""

        async def nothing() -> None:
            pass

        began = time.perf_counter()
        for _ in range(steps):
            await asyncio.ensure_future(nothing())
        return time.perf_counter() - began


def measure(sizes: Sizes) -> dict[str, Any]:
    """Ours and the floor in turn; the first round of each length is dropped."""
    with private_ray.private_ray() as folder:
        file = folder / "script.py"
        file.write_text(private_ray.DOES_NOTHING)
        actor = ray.remote(num_cpus=0)(Bench).remote()
        ray.get(actor.start.remote(str(file)), timeout=60)
        result: dict[str, Any] = {}
        for steps in sizes.lengths:
            ours: list[float] = []
            floor: list[float] = []
            for n in range((sizes.rounds if steps < 100_000 else 2) + 1):
                mine = ray.get(actor.ours.remote(steps), timeout=600)
                bare = ray.get(actor.floor.remote(steps), timeout=600)
                if n:
                    ours.append(mine)
                    floor.append(bare)
            result[f"{steps}_steps_each"] = {
                "ours_steps_per_s": round(steps / statistics.median(ours)),
                "floor_steps_per_s": round(steps / statistics.median(floor)),
                "ours_per_step_us": round(statistics.median(ours) / steps * 1e6, 1),
                "time_ratio": report.ratio(ours, floor),
            }
        ray.kill(actor)
    return result


FULL, SMOKE = Sizes(), Sizes(lengths=(10, 100), rounds=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
