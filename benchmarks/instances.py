"""How fast do instances of script packages start, how many a second, how big are they, how much do they write?

Beside a bare Ray actor on the same node, whose start and size any design of one actor an instance would have at least.
Ours goes all the way: client -> package service -> host -> fork server -> keeper -> program, on a private Ray. With
``--choices`` it also times the ways a process can be had.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ocs_ray.location.environment import LOOPBACK_ONLY, TUNING

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for variable, value in {**TUNING, **LOOPBACK_ONLY, "RAY_AUTH_MODE": "disabled"}.items():
    os.environ.setdefault(variable, value)

import psutil  # noqa: E402
import ray  # noqa: E402

from ocs_ray.actors.spawning import create  # noqa: E402
from ocs_ray.client.instance import Instance  # noqa: E402
from ocs_ray.client.packages import Packages  # noqa: E402
from ocs_ray.location.call import RayPort  # noqa: E402
from ocs_ray.models.actor_names import NAMESPACE, PACKAGE_SERVICE  # noqa: E402
from ocs_ray.packages.pack import pack  # noqa: E402
from ocs_ray.scripting.port import use_default_port  # noqa: E402

ROUNDS, AT_ONCE, IDLE, LINES = 20, 40, 20, 1_000_000
PROGRAMS = {
    "counter": "def run(start=0, length=1):\n    for n in range(start, start + length):\n        yield n\n",
    "idle": "import time\n\ndef run():\n    time.sleep(600)\n",
    "noting": "import time\n\ndef run():\n    yield time.time()\n",
    "raw": "def run(n):\n    line = b'x' * 79 + b'\\n'\n    for _ in range(n):\n        yield line\n",
    "objects": "def run(n):\n    for i in range(n):\n        yield {'step': i, 'name': 'observe', 'filter': 'F3'}\n",
    "objects_async": "async def run(n):\n    for i in range(n):\n        yield {'step': i, 'name': 'observe'}\n",
    "stdout": "def run(n):\n    for i in range(n):\n        print('x' * 79)\n",
}


@ray.remote(num_cpus=0)
class Bare:
    """The floor."""

    def ping(self) -> int:
        return os.getpid()


def ms(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50_ms": round(statistics.median(ordered) * 1e3, 1), "p99_ms": round(ordered[-1] * 1e3, 1)}


def pss_mib(pid: int) -> float:
    return psutil.Process(pid).memory_full_info().pss / (1 << 20)


def floor() -> dict[str, Any]:
    starts: list[float] = []
    pids: list[int] = []
    actors: list[Any] = []
    for _ in range(10):
        began = time.perf_counter()
        actors.append(Bare.remote())
        pids.append(ray.get(actors[-1].ping.remote()))
        starts.append(time.perf_counter() - began)
    size = statistics.mean(map(pss_mib, pids))
    for actor in actors:
        ray.kill(actor)
    began = time.perf_counter()
    actors = [Bare.remote() for _ in range(10)]
    ray.get([actor.ping.remote() for actor in actors])
    rate = 10 / (time.perf_counter() - began)
    for actor in actors:
        ray.kill(actor)
    return {"start_to_first_reply": ms(starts), "starts_per_s": round(rate, 1), "pss_mib": round(size, 1)}


async def first_output(packages: Packages) -> list[float]:
    found: list[float] = []
    for n in range(ROUNDS + 3):
        began = time.perf_counter()
        instance = await packages.start("counter", [n])
        piece = await instance.read(wait_s=10)
        assert piece.data == b"%d\n" % n
        if n >= 3:
            found.append(time.perf_counter() - began)
    return found


async def starts_per_s(packages: Packages) -> dict[str, float]:
    began = time.perf_counter()
    started = [await packages.start("counter") for _ in range(AT_ONCE)]
    in_a_row = AT_ONCE / (time.perf_counter() - began)
    await asyncio.gather(*(each.wait(30) for each in started))
    began = time.perf_counter()
    started = await asyncio.gather(*(packages.start("counter") for _ in range(AT_ONCE)))
    at_once = AT_ONCE / (time.perf_counter() - began)
    await asyncio.gather(*(each.wait(30) for each in started))
    return {"in_a_row": round(in_a_row, 1), "at_once": round(at_once, 1)}


async def memory(packages: Packages) -> dict[str, float]:
    started = [await packages.start("idle") for _ in range(IDLE)]
    programs = [psutil.Process((await each.info()).process_id) for each in started]
    parents = [program.parent() for program in programs]
    program = statistics.mean(pss_mib(each.pid) for each in programs)
    keeper = statistics.mean(pss_mib(each.pid) for each in parents if each is not None)
    rss = statistics.mean(each.memory_info().rss for each in programs) / (1 << 20)
    await asyncio.gather(*(each.kill() for each in started))
    figures = {"pss_mib": program + keeper, "of_it_keeper_pss_mib": keeper, "program_rss_mib": rss}
    return {name: round(value, 1) for name, value in figures.items()}


async def completed_after_return(packages: Packages) -> list[float]:
    found: list[float] = []
    for _ in range(ROUNDS):
        instance = await packages.start("noting")
        await instance.wait(10)
        known = time.time()
        found.append(known - float(await instance.output()))
    return found


async def lines_per_s(packages: Packages, name: str) -> int:
    began = time.perf_counter()
    instance: Instance = await packages.start(name, [LINES])
    await instance.wait(60)
    return round(LINES / (time.perf_counter() - began))


async def ours(sources: Path) -> dict[str, Any]:
    packages = Packages()
    for name, program in PROGRAMS.items():
        folder = sources / name
        folder.mkdir()
        (folder / "index.py").write_text(program)
        (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", "main": "index.py"}))
        await packages.send(pack(folder, sources / f"{name}.tar.gz").file)
    return {
        "start_to_first_output": ms(await first_output(packages)),
        "starts_per_s": await starts_per_s(packages),
        "memory_per_instance": await memory(packages),
        "return_to_completed": ms(await completed_after_return(packages)),
        "lines_per_s": {
            name: await lines_per_s(packages, name) for name in ("raw", "objects", "objects_async", "stdout")
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
    return {"a_fresh_interpreter": ms(fresh[1:])}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ocs-b-"))
    try:
        ray.init(
            address="local",
            namespace=NAMESPACE,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=str(folder / "ray"),
        )
        use_default_port(RayPort())
        service = create("PackageService", PACKAGE_SERVICE, str(folder / "data"), resource=None)
        ray.get(service.start.remote(), timeout=60)
        (folder / "sources").mkdir()
        bare = floor()
        mine = asyncio.run(ours(folder / "sources"))
        result = {
            "question": "instances of script packages: start, rate, memory, output; beside a bare Ray actor",
            "ours": mine,
            "bare_ray_actor": bare,
            "other_choices": choices() if "--choices" in sys.argv else {},
            "load_average": os.getloadavg()[0],
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "ray": ray.__version__,
        }
        print(json.dumps(result, indent=2))
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
