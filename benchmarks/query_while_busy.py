"""How long does a status query of a sequencer take while its script is idle, sleeps in ``time.sleep``, or spins?

Beside a bare Ray actor that does the same in its own thread, in the same run. Prints one JSON object, milliseconds.
Run: ``just bench query_while_busy``.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
import threading
import time
from pathlib import Path

import ray

from ocs_ray.actors.ray_actors import ACTORS
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import GetStatus, SubmitSequence

QUERIES = 400
WARM_UP = 50
BUSY_S = 6.0
SCRIPT = f"""
import time
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("sleep")
    async def sleep(command: Setup) -> None:
        time.sleep({BUSY_S})

    @ctx.on_setup("spin")
    async def spin(command: Setup) -> None:
        end = time.monotonic() + {BUSY_S}
        while time.monotonic() < end:
            pass
"""


class Bare:
    """A bare async actor; its work has a thread of its own, as a script has its strand."""

    async def ask(self, message: object) -> object:
        """Answer at once; ``sleep`` and ``spin`` start the work."""
        if message in ("sleep", "spin"):
            threading.Thread(target=_work, args=(message,), daemon=True).start()
        return await asyncio.sleep(0, message)


def _work(how: object) -> None:
    end = time.monotonic() + BUSY_S
    while time.monotonic() < end:
        if how == "sleep":
            time.sleep(0.1)


def measured(actor: object, message: object) -> dict[str, float]:
    """Milliseconds of one query after the other."""
    taken: list[float] = []
    for n in range(QUERIES + WARM_UP):
        began = time.perf_counter()
        ray.get(actor.ask.remote(message), timeout=30)  # type: ignore[attr-defined]
        if n >= WARM_UP:
            taken.append((time.perf_counter() - began) * 1e3)
    cuts = statistics.quantiles(taken, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), "max_ms": round(max(taken), 2)}


def main() -> None:
    """Idle, sleeping, spinning: ours, then the floor."""
    with tempfile.TemporaryDirectory(prefix="ocs-") as folder:
        file = Path(folder) / "script.py"
        file.write_text(SCRIPT)
        ray.init(address="local", include_dashboard=False, log_to_driver=False, _temp_dir=f"{folder}/ray")
        prefix, mode = Prefix("ESW.Bench"), ObsMode("Bench")
        ours = ACTORS["Sequencer"].options(num_cpus=0).remote(prefix, mode, Prefix("ESW.bench"))
        source = ScriptSource(file=str(file), root=folder)
        ray.get(ours.ask.remote(LoadScript(prefix=prefix, obs_mode=mode, script=source)), timeout=60)
        floor = ray.remote(num_cpus=0)(Bare).remote()
        result: dict[str, object] = {
            "question": "milliseconds of a status query while the script is idle, sleeps, or spins in pure Python",
            "queries": QUERIES,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "ray": ray.__version__,
        }
        for how in ("idle", "sleep", "spin"):
            if how != "idle":
                ray.get(ours.ask.remote(SubmitSequence(sequence=Sequence.of(Setup("ESW.b", how)))), timeout=30)
            mine = measured(ours, GetStatus())
            time.sleep(BUSY_S)  # until the work is over, so that the floor has the machine to itself
            ray.get(floor.ask.remote(how), timeout=30)
            bare = measured(floor, "there?")
            time.sleep(BUSY_S)
            result[how] = {"ours": mine, "floor": bare, "p50_ratio": round(mine["p50_ms"] / bare["p50_ms"], 2)}
        ray.shutdown()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
