"""How long does a status query of a sequencer take while its script is idle, sleeps in ``time.sleep``, or spins?

Beside a bare Ray actor that does the same in its own thread, in the same run. Prints one JSON object, milliseconds.
Run: ``just bench query_while_busy``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.sequencer_messages import GetStatus, SubmitSequence

QUESTION = "milliseconds of a status query while the script is idle, sleeps, or spins in pure Python"
SCRIPT = """
import time
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("sleep")
    async def sleep(command: Setup) -> None:
        time.sleep(BUSY_S)

    @ctx.on_setup("spin")
    async def spin(command: Setup) -> None:
        end = time.monotonic() + BUSY_S
        while time.monotonic() < end:
            pass
"""


@dataclass(frozen=True)
class Sizes:
    samples: int = 400
    warm_up: int = 50
    busy_s: float = 6.0


class Bare:
    """A bare async actor; its work has a thread of its own, as a script has its strand."""

    def __init__(self, busy_s: float) -> None:
        self._busy_s = busy_s

    async def ask(self, message: object) -> object:
        """Answer at once; ``sleep`` and ``spin`` start the work."""
        if message in ("sleep", "spin"):
            threading.Thread(target=_work, args=(message, self._busy_s), daemon=True).start()
        return await asyncio.sleep(0, message)


def _work(how: object, busy_s: float) -> None:
    end = time.monotonic() + busy_s
    while time.monotonic() < end:
        if how == "sleep":
            time.sleep(0.1)


def queried(actor: Any, message: object, sizes: Sizes) -> dict[str, float]:
    """One query after the other."""
    taken: list[float] = []
    for n in range(sizes.samples + sizes.warm_up):
        began = time.perf_counter()
        ray.get(actor.ask.remote(message), timeout=30)
        if n >= sizes.warm_up:
            taken.append(time.perf_counter() - began)
    return report.spread(taken)


def measure(sizes: Sizes) -> dict[str, Any]:
    """Idle, sleeping, spinning: ours, then the floor."""
    result: dict[str, Any] = {}
    with private_ray.private_ray() as folder:
        file = folder / "script.py"
        file.write_text(SCRIPT.replace("BUSY_S", str(sizes.busy_s)))
        (ours,) = private_ray.start_sequencers(["ESW.Bench"], file)
        floor = ray.remote(num_cpus=0)(Bare).remote(sizes.busy_s)
        for how in ("idle", "sleep", "spin"):
            if how != "idle":
                ray.get(ours.ask.remote(SubmitSequence(sequence=Sequence.of(Setup("ESW.b", how)))), timeout=30)
            mine = queried(ours, GetStatus(), sizes)
            time.sleep(sizes.busy_s)  # until the work is over, so that the floor has the machine to itself
            ray.get(floor.ask.remote(how), timeout=30)
            bare = queried(floor, "there?", sizes)
            time.sleep(sizes.busy_s)
            result[how] = {"ours": mine, "floor": bare, "p50_ratio": report.p50_ratio(mine, bare)}
        ray.kill(floor)
    return result


FULL, SMOKE = Sizes(), Sizes(samples=20, warm_up=5, busy_s=0.3)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
