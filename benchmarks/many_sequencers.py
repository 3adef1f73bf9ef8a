"""What does each of N sequencers on one machine cost when all of them run, beside N bare Ray actors in the same loop?

For each N: start-up, 100 steps in each at once, status queries meanwhile, memory (PSS), CPU when idle. Limits: PSS at
most 1.25 times and start-up at most 1.3 times the bare actor's; memory and idle CPU do not grow with N;
the CPU of a run does while all compute at once, and a bare actor's too: ``cpu_ratio`` says how much of it is ours.
Run: ``just bench many_sequencers [--counts 1 10 50]``; a sequencer takes some 60 MiB.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import private_ray, report
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.scripting.sequencer_service import Sequencer

QUESTION = "what N sequencers at once on one machine cost, each running 100 steps, beside N bare Ray actors"
OURS, BARE = "ray::Sequencer", "ray::Bare"
"""What Ray calls the processes."""


@dataclass(frozen=True)
class Sizes:
    counts: tuple[int, ...] = (1, 10, 50, 100, 150)
    steps: int = 100
    rounds: int = 5
    idle_s: float = 10.0


def processes(title: str) -> list[psutil.Process]:
    """Those of our own Ray that go by this title."""
    return [each for each in psutil.Process().children(recursive=True) if _title(each).startswith(title)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return ""


def pss_mib(found: list[psutil.Process]) -> float:
    """Mean proportional set size, in MiB."""
    return sum(each.memory_full_info().pss for each in found) / len(found) / (1 << 20)


def cpu_s(found: list[psutil.Process]) -> float:
    """CPU seconds all of them have used; finer than the 10 ms ticks of a process where Linux counts its threads."""
    return sum(_of_threads(each) or sum(each.cpu_times()[:2]) for each in found)


def _of_threads(process: psutil.Process) -> float:
    used = 0
    for count in Path("/proc", str(process.pid), "task").glob("*/schedstat"):
        with suppress(OSError):  # the thread has ended meanwhile
            used += int(count.read_text().split()[0])
    return used / 1e9


def at_rest(title: str, count: int, idle_s: float) -> dict[str, float]:
    """Memory and CPU of actors that have nothing to do."""
    found = processes(title)
    assert len(found) == count, f"{len(found)} processes {title} instead of {count}"
    before = cpu_s(found)
    time.sleep(idle_s)
    used = (cpu_s(found) - before) / idle_s / count
    return {"pss_mib": round(pss_mib(found), 1), "idle_cpu_percent": round(used * 100, 2)}


async def with_queries(
    work: Callable[[], Awaitable[Any]], query: Callable[[], Awaitable[Any]]
) -> tuple[float, list[float]]:
    """Seconds the work took, and seconds of each query that was made meanwhile, one after the other."""
    took: list[float] = []
    is_over = asyncio.Event()

    async def ask() -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            await query()
            took.append(time.perf_counter() - began)

    asking = asyncio.create_task(ask())
    began = time.perf_counter()
    await work()
    whole = time.perf_counter() - began
    is_over.set()
    await asking
    return whole, took


async def ours(sequencers: list[Sequencer], sizes: Sizes) -> tuple[list[float], list[float]]:
    """Seconds of each round, and of the queries in it; the first round warms up."""
    sequence = Sequence.of(*(Setup("ESW.bench", "nothing") for _ in range(sizes.steps)))

    async def run() -> None:
        responses = await asyncio.gather(*(each.submit_and_wait(sequence) for each in sequencers))
        assert all(response.is_completed for response in responses)

    return await _rounds(run, sequencers[0].status, sizes.rounds)


async def floor(actors: list[Any], sizes: Sizes) -> tuple[list[float], list[float]]:
    """The same of bare actors."""

    async def run() -> None:
        await asyncio.gather(*(each.steps.remote(sizes.steps) for each in actors))

    async def query() -> None:
        await actors[0].ask.remote("there?")

    return await _rounds(run, query, sizes.rounds)


async def _rounds(
    run: Callable[[], Awaitable[None]], query: Callable[[], Awaitable[Any]], rounds: int
) -> tuple[list[float], list[float]]:
    whole: list[float] = []
    queries: list[float] = []
    for n in range(rounds + 1):
        took, meanwhile = await with_queries(run, query)
        if n:
            whole.append(took)
            queries += meanwhile
    return whole, queries


def figures(
    title: str, count: int, sizes: Sizes, start_s: float, work: Coroutine[Any, Any, tuple[list[float], list[float]]]
) -> dict[str, Any]:
    """What the rounds of either side say."""
    found = processes(title)
    before = cpu_s(found)
    rounds = asyncio.run(work)
    used = (cpu_s(found) - before) / count / (sizes.rounds + 1)
    whole = sorted(rounds[0])[len(rounds[0]) // 2]
    return {
        "start_s": round(start_s, 2),
        "start_per_actor_ms": round(start_s / count * 1e3, 1),
        "all_steps_per_s": round(count * sizes.steps / whole),
        "cpu_ms_per_run": round(used * 1e3, 2),
        "status_query": report.spread(rounds[1]),
    }


def with_sequencers(count: int, sizes: Sizes) -> dict[str, Any]:
    """N sequencers."""
    with private_ray.private_ray() as folder:
        script = folder / "script.py"
        script.write_text(private_ray.DOES_NOTHING)
        prefixes = [f"ESW.Bench.n{n}" for n in range(count)]
        began = time.perf_counter()
        private_ray.start_sequencers(prefixes, script)
        start_s = time.perf_counter() - began
        found = figures(OURS, count, sizes, start_s, ours([Sequencer.at(prefix) for prefix in prefixes], sizes))
        return {**found, **at_rest(OURS, count, sizes.idle_s)}


def with_bare(count: int, sizes: Sizes) -> dict[str, Any]:
    """N bare actors."""
    with private_ray.private_ray():
        began = time.perf_counter()
        actors = private_ray.start_bare([f"bare{n}" for n in range(count)])
        start_s = time.perf_counter() - began
        found = figures(BARE, count, sizes, start_s, floor(actors, sizes))
        return {**found, **at_rest(BARE, count, sizes.idle_s)}


def measure(sizes: Sizes) -> dict[str, Any]:
    """Both sides of each N on one Ray, swept between."""
    result: dict[str, Any] = {}
    with private_ray.private_ray():
        private_ray.start_bare([f"warm-up{n}" for n in range(4)])  # uses up the workers that Ray started in advance
        with_sequencers(1, SMOKE)  # modules are compiled, files read
        private_ray.sweep()
        _gone(BARE)
        _gone(OURS)
        for count in sizes.counts:
            bare = with_bare(count, sizes)
            _gone(BARE)
            mine = with_sequencers(count, sizes)
            _gone(OURS)
            result[f"{count}_sequencers"] = {
                "ours": mine,
                "floor": bare,
                "pss_ratio": round(mine["pss_mib"] / bare["pss_mib"], 2),
                "start_ratio": round(mine["start_s"] / bare["start_s"], 2),
                "cpu_ratio": round(mine["cpu_ms_per_run"] / bare["cpu_ms_per_run"], 2),
            }
            print(result[f"{count}_sequencers"], file=sys.stderr)
    return result


def _gone(title: str) -> None:
    """Wait until what was ended has left the machine, so that nobody pays for what came before."""
    deadline = time.monotonic() + 60
    while processes(title) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)  # Ray's own bookkeeping of what ended


FULL, SMOKE = Sizes(), Sizes(counts=(1, 2), steps=20, rounds=1, idle_s=0.2)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
