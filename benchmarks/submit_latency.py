"""How long does a client's submit-and-wait of one step take, beside one raw Ray call that awaits an event?

In turn, one of each, from one asyncio loop, as a client has it. Limit: p50 at most 1.5 times the floor's.
Run: ``just bench submit_latency``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import private_ray, report
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.scripting.sequencer_service import Sequencer

QUESTION = "milliseconds of a client's submit-and-wait of one step, beside one raw Ray call that awaits an event"


@dataclass(frozen=True)
class Sizes:
    samples: int = 2_000
    warm_up: int = 200


async def in_turn(sizes: Sizes, bare: Any) -> dict[str, Any]:
    """One of each, again and again."""
    sequencer = Sequencer.at("ESW.Bench")
    sequence = Sequence.of(Setup("ESW.bench", "nothing"))
    took: dict[str, list[float]] = {"submit_and_wait": [], "submit": [], "status": [], "floor": []}
    for n in range(sizes.warm_up + sizes.samples):
        marks = [time.perf_counter()]
        response = await sequencer.submit_and_wait(sequence)
        marks.append(time.perf_counter())
        started = await sequencer.submit(sequence)
        marks.append(time.perf_counter())
        await sequencer.query_final(started.run_id)
        before = time.perf_counter()
        await sequencer.status()
        between = time.perf_counter()
        await bare.step.remote("step")
        after = time.perf_counter()
        assert response.is_completed, response
        if n >= sizes.warm_up:
            took["submit_and_wait"].append(marks[1] - marks[0])
            took["submit"].append(marks[2] - marks[1])
            took["status"].append(between - before)
            took["floor"].append(after - between)
    found = {name: report.spread(values) for name, values in took.items()}
    return {
        **found,
        **{f"{name}_p50_ratio": report.p50_ratio(found[name], found["floor"]) for name in took if name != "floor"},
    }


def measure(sizes: Sizes) -> dict[str, Any]:
    """One sequencer and one bare actor."""
    with private_ray.private_ray() as folder:
        script = folder / "script.py"
        script.write_text(private_ray.DOES_NOTHING)
        private_ray.start_sequencers(["ESW.Bench"], script)
        (bare,) = private_ray.start_bare(["bare"])
        return asyncio.run(in_turn(sizes, bare))


FULL, SMOKE = Sizes(), Sizes(samples=20, warm_up=5)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
