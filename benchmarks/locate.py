"""How long does it take to look a sequencer up by name and ask for its status, the first time and again?

The first time is that of a fresh process, which has to open a connection; beside the same with a bare actor, in turn.
Run: ``just bench locate``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from ocs_ray.models.actor_names import NAMESPACE, actor_name
from ocs_ray.models.prefix import ComponentType

QUESTION = "milliseconds to look a sequencer up by name and have its status: first in a process, and again"
SEQUENCER = "ESW.Bench"


@dataclass(frozen=True)
class Sizes:
    processes: int = 15
    samples: int = 2_000
    warm_up: int = 100


class Asker:
    """A process that knows nobody yet."""

    async def ready(self) -> None:
        """Have the modules imported, which is no part of the question."""
        from ocs_ray.models.sequencer_messages import GetStatus, SequencerStatus

        self._question, _ = GetStatus(), SequencerStatus

    async def first(self, name: str, question: object) -> float:
        """Seconds to find an actor and have its answer."""
        began = time.perf_counter()
        await ray.get_actor(name, namespace=NAMESPACE).ask.remote(question or self._question)
        return time.perf_counter() - began


def first_time(processes: int) -> tuple[list[float], list[float]]:
    """Seconds of fresh processes, one for each sample: ours, and the floor."""
    kind = ray.remote(num_cpus=0)(Asker)
    ours: list[float] = []
    floor: list[float] = []
    for took, name, question in (
        (ours, actor_name(SEQUENCER, ComponentType.Sequencer), None),
        (floor, "bare", "there?"),
    ) * processes:
        asker = kind.remote()
        ray.get(asker.ready.remote())
        took.append(ray.get(asker.first.remote(name, question)))
        ray.kill(asker)
    return ours, floor


async def again(sizes: Sizes) -> dict[str, list[float]]:
    """Seconds of one process that asks again and again."""
    from ocs_ray.location.call import names
    from ocs_ray.scripting.sequencer_service import Sequencer

    took: dict[str, list[float]] = {"again": [], "floor_again": [], "list_of_names": []}
    sequencer = Sequencer.at(SEQUENCER)
    for n in range(sizes.warm_up + sizes.samples):
        marks = [time.perf_counter()]
        await sequencer.status()
        marks.append(time.perf_counter())
        await ray.get_actor("bare", namespace=NAMESPACE).ask.remote("there?")
        marks.append(time.perf_counter())
        names()
        marks.append(time.perf_counter())
        if n >= sizes.warm_up:
            for values, end, begin in zip(took.values(), marks[1:], marks[:-1], strict=True):
                values.append(end - begin)
    return took


def measure(sizes: Sizes) -> dict[str, Any]:
    """One sequencer, one bare actor, and those who ask."""
    with private_ray.private_ray():
        private_ray.start_sequencers([SEQUENCER], None)
        private_ray.start_bare(["bare"])
        first, floor_first = first_time(sizes.processes)
        took = asyncio.run(again(sizes))
    found = {
        name: report.spread(values)
        for name, values in {"first_time": first, "floor_first_time": floor_first, **took}.items()
    }
    return {
        **found,
        "first_time_p50_ratio": report.p50_ratio(found["first_time"], found["floor_first_time"]),
        "again_p50_ratio": report.p50_ratio(found["again"], found["floor_again"]),
    }


FULL, SMOKE = Sizes(), Sizes(processes=1, samples=20, warm_up=5)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
