"""How long does a script take that sends a one-step sequence to three other sequencers at once and waits for all?

Beside a bare actor that makes three raw actor calls at once and waits for all, each of which awaits an event. The clock
is read where the three are sent: in the script, and in the bare actor. Limit: p50 at most 1.5 times the floor's.
Run: ``just bench relay``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.scripting.sequencer_service import Sequencer

QUESTION = "milliseconds of a one-step sequence sent to 3 sequencers at once and waited for, beside 3 raw actor calls"
BELOW = ("IRIS", "TCS", "WFOS")
TOP = """
import time
from ocs_ray.scripting import *

@script
async def lead(ctx: ScriptContext) -> None:
    below = [ctx.sequencer(subsystem) for subsystem in (Subsystem.IRIS, Subsystem.TCS, Subsystem.WFOS)]
    took = []

    @ctx.on_setup("relay")
    async def relay(command: Setup) -> None:
        began = time.perf_counter()
        await par(*(each.submit_and_wait(Sequence.of(command)) for each in below))
        took.append(time.perf_counter() - began)

    @ctx.on_setup("tell")
    async def tell(command: Setup) -> None:
        with open(__file__ + ".took", "w") as sink:
            sink.write("\\n".join(map(repr, took)))
"""
PART = """
from ocs_ray.scripting import *

@script
async def part(ctx: ScriptContext) -> None:
    @ctx.on_setup("relay")
    async def relay(command: Setup) -> None:
        pass
"""


@dataclass(frozen=True)
class Sizes:
    samples: int = 1_000
    warm_up: int = 100


class Fan:
    """The floor: an actor that asks three others at once."""

    def __init__(self, below: list[Any]) -> None:
        self._below = below

    async def relay(self) -> float:
        """Seconds until all three have answered."""
        began = time.perf_counter()
        await asyncio.gather(*(each.step.remote("step") for each in self._below))
        return time.perf_counter() - began


async def in_turn(sizes: Sizes, fan: Any) -> tuple[list[float], list[float]]:
    """Seconds the client sees for ours, and seconds inside the bare actor."""
    top, command = Sequencer.at("ESW.Bench"), Setup("ESW.bench", "relay")
    ours: list[float] = []
    floor: list[float] = []
    for n in range(sizes.warm_up + sizes.samples):
        began = time.perf_counter()
        response = await top.submit_and_wait(Sequence.of(command))
        took = time.perf_counter() - began
        assert response.is_completed, response
        bare = await fan.relay.remote()
        if n >= sizes.warm_up:
            ours.append(took)
            floor.append(bare)
    await top.submit_and_wait(Sequence.of(Setup("ESW.bench", "tell")))
    return ours, floor


def measure(sizes: Sizes) -> dict[str, Any]:
    """Four sequencers, and four bare actors."""
    with private_ray.private_ray() as folder:
        top, part = folder / "top.py", folder / "part.py"
        top.write_text(TOP)
        part.write_text(PART)
        private_ray.start_sequencers([f"{subsystem}.Bench" for subsystem in BELOW], part)
        private_ray.start_sequencers(["ESW.Bench"], top)
        bare = private_ray.start_bare([f"bare{n}" for n in range(len(BELOW))])
        fan = ray.remote(num_cpus=0)(Fan).remote(bare)
        client, floor = asyncio.run(in_turn(sizes, fan))
        took = [float(line) for line in (folder / "top.py.took").read_text().split()]
    relay, raw = report.spread(took[sizes.warm_up :]), report.spread(floor)
    return {
        "relay": relay,
        "floor": raw,
        "relay_p50_ratio": report.p50_ratio(relay, raw),
        "client_to_relay_and_back": report.spread(client),
    }


FULL, SMOKE = Sizes(), Sizes(samples=10, warm_up=2)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
