"""How fast do instances of script packages start, how many a second, how big are they, how much do they write?

Beside a bare Ray actor on the same node, whose start and size any design of one actor an instance would have at least.
Ours goes all the way: client -> package service -> host -> fork server -> keeper -> program, on a private Ray. With
``--choices`` it also times the ways a process can be had.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import private_ray, report
from benchmarks.private_ray import ray
from benchmarks.report import spread
from ocs_ray.actors.spawning import create
from ocs_ray.client.instance import Instance
from ocs_ray.client.packages import Packages
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.packages.pack import pack

QUESTION = "instances of script packages: start, rate, memory, output; beside a bare Ray actor"
PROGRAMS = {
    "counter": "def run(start=0, length=1):\n    for n in range(start, start + length):\n        yield n\n",
    "idle": "import time\n\ndef run():\n    time.sleep(600)\n",
    "noting": "import time\n\ndef run():\n    yield time.time()\n",
    "raw": "def run(n):\n    line = b'x' * 79 + b'\\n'\n    for _ in range(n):\n        yield line\n",
    "objects": "def run(n):\n    for i in range(n):\n        yield {'step': i, 'name': 'observe', 'filter': 'F3'}\n",
    "objects_async": "async def run(n):\n    for i in range(n):\n        yield {'step': i, 'name': 'observe'}\n",
    "stdout": "def run(n):\n    for i in range(n):\n        print('x' * 79)\n",
}


@dataclass(frozen=True)
class Sizes:
    rounds: int = 20
    at_once: int = 40
    idle: int = 20
    lines: int = 1_000_000
    bare: int = 10
    choices: bool = False


class Bare:
    """The floor."""

    def ping(self) -> int:
        return os.getpid()


def pss_mib(pid: int) -> float:
    return psutil.Process(pid).memory_full_info().pss / (1 << 20)


def floor(count: int) -> dict[str, Any]:
    kind = ray.remote(num_cpus=0)(Bare)
    starts: list[float] = []
    pids: list[int] = []
    actors: list[Any] = []
    for _ in range(count):
        began = time.perf_counter()
        actors.append(kind.remote())
        pids.append(ray.get(actors[-1].ping.remote()))
        starts.append(time.perf_counter() - began)
    size = statistics.mean(map(pss_mib, pids))
    for actor in actors:
        ray.kill(actor)
    began = time.perf_counter()
    actors = [kind.remote() for _ in range(count)]
    ray.get([actor.ping.remote() for actor in actors])
    rate = count / (time.perf_counter() - began)
    for actor in actors:
        ray.kill(actor)
    return {"start_to_first_reply": spread(starts), "starts_per_s": round(rate, 1), "pss_mib": round(size, 1)}


async def first_output(packages: Packages, rounds: int) -> list[float]:
    found: list[float] = []
    for n in range(rounds + 3):
        began = time.perf_counter()
        instance = await packages.start("counter", [n])
        piece = await instance.read(wait_s=10)
        assert piece.data == b"%d\n" % n
        if n >= 3:
            found.append(time.perf_counter() - began)
    return found


async def starts_per_s(packages: Packages, count: int) -> dict[str, float]:
    began = time.perf_counter()
    started = [await packages.start("counter") for _ in range(count)]
    in_a_row = count / (time.perf_counter() - began)
    await asyncio.gather(*(each.wait(30) for each in started))
    began = time.perf_counter()
    started = await asyncio.gather(*(packages.start("counter") for _ in range(count)))
    at_once = count / (time.perf_counter() - began)
    await asyncio.gather(*(each.wait(30) for each in started))
    return {"in_a_row_per_s": round(in_a_row, 1), "at_once_per_s": round(at_once, 1)}


async def memory(packages: Packages, count: int) -> dict[str, float]:
    started = [await packages.start("idle") for _ in range(count)]
    programs = [psutil.Process((await each.info()).process_id) for each in started]
    parents = [program.parent() for program in programs]
    program = statistics.mean(pss_mib(each.pid) for each in programs)
    keeper = statistics.mean(pss_mib(each.pid) for each in parents if each is not None)
    rss = statistics.mean(each.memory_info().rss for each in programs) / (1 << 20)
    await asyncio.gather(*(each.kill() for each in started))
    figures = {"pss_mib": program + keeper, "of_it_keeper_pss_mib": keeper, "program_rss_mib": rss}
    return {name: round(value, 1) for name, value in figures.items()}


async def completed_after_return(packages: Packages, rounds: int) -> list[float]:
    found: list[float] = []
    for _ in range(rounds):
        instance = await packages.start("noting")
        await instance.wait(10)
        known = time.time()
        found.append(known - float(await instance.output()))
    return found


async def lines_per_s(packages: Packages, name: str, lines: int) -> int:
    began = time.perf_counter()
    instance: Instance = await packages.start(name, [lines])
    await instance.wait(60)
    return round(lines / (time.perf_counter() - began))


async def ours(sources: Path, sizes: Sizes) -> dict[str, Any]:
    packages = Packages()
    for name, program in PROGRAMS.items():
        folder = sources / name
        folder.mkdir()
        (folder / "index.py").write_text(program)
        (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", "main": "index.py"}))
        await packages.send(pack(folder, sources / f"{name}.tar.gz").file)
    return {
        "start_to_first_output": spread(await first_output(packages, sizes.rounds)),
        "starts_per_s": await starts_per_s(packages, sizes.at_once),
        "memory_per_instance": await memory(packages, sizes.idle),
        "return_to_completed": spread(await completed_after_return(packages, sizes.rounds)),
        "lines_per_s": {
            name: await lines_per_s(packages, name, sizes.lines)
            for name in ("raw", "objects", "objects_async", "stdout")
        },
    }


def choices() -> dict[str, Any]:
    """The ways a process for a program can be had; the fork server is in ``ours``."""
    imports = "import ocs_ray.packages.instance_program"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    fresh: list[float] = []
    for _ in range(8):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", imports], check=True, env=environment)
        fresh.append(time.perf_counter() - began)
    return {"a_fresh_interpreter": spread(fresh[1:])}


def measure(sizes: Sizes) -> dict[str, Any]:
    """The floor, then ours."""
    with private_ray.private_ray() as folder:
        service = create("PackageService", PACKAGE_SERVICE, str(folder / "data"), resource=None)
        ray.get(service.start.remote(), timeout=60)
        (folder / "sources").mkdir()
        bare = floor(sizes.bare)
        mine = asyncio.run(ours(folder / "sources", sizes))
    return {"ours": mine, "floor": bare, "other_choices": choices() if sizes.choices else {}}


FULL, SMOKE = Sizes(), Sizes(rounds=2, at_once=2, idle=1, lines=2_000, bare=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
