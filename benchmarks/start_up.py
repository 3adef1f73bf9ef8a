"""How long from nothing to a configured observing mode, beside bare Ray starting as many bare actors?

Both in turn in one run, each in a fresh project or folder, the first round dropped. Prints one JSON object.
Run: ``just bench start_up [ROUNDS]``.
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

REPO = Path(__file__).parents[1]
MODE = "IRIS_ImagerAndIFS"
FLOOR = """
import json, sys, time
began = time.perf_counter()
import ray
ray.init(address="local", include_dashboard=False, log_to_driver=False, configure_logging=False, _temp_dir=sys.argv[1])
up = time.perf_counter()

class Bare:
    async def ask(self, message):
        return message

kind = ray.remote(num_cpus=0)(Bare)
actors = [kind.options(name=f"bare{n}", lifetime="detached").remote() for n in range(int(sys.argv[2]))]
ray.get([actor.ask.remote("there?") for actor in actors])
print(json.dumps({"ray_s": up - began, "actors_s": time.perf_counter() - up}))
"""


def ours() -> tuple[dict[str, float], int]:
    """One start of ours: seconds of each phase, and how many actors there are at its end."""
    from ocs_ray.cli.cluster_process import bring_up, take_down
    from ocs_ray.cli.cluster_start import ClusterStart
    from ocs_ray.client import SequenceManager, connect, disconnect
    from ocs_ray.config.cluster_config import read_cluster_file
    from ocs_ray.location.cluster_home import ClusterHome
    from ocs_ray.models.identifiers import ObsMode

    file = REPO / "cluster" / "local.yaml"
    with tempfile.TemporaryDirectory() as project:
        home = ClusterHome(Path(project))
        marks = [time.perf_counter()]
        try:
            bring_up(home, ClusterStart(file, REPO / "obsmodes", 0.05), lambda _: None)
            marks.append(time.perf_counter())
            connect(Path(project))

            async def prepare() -> None:
                await SequenceManager().provision(read_cluster_file(file).provision)
                marks.append(time.perf_counter())
                await SequenceManager().configure(ObsMode(MODE))
                marks.append(time.perf_counter())

            asyncio.run(prepare())
            from ocs_ray.location.call import names

            count = len(names())
        finally:
            disconnect()
            take_down(home)
    phases = {
        f"{name}_s": end - start
        for name, start, end in zip(("up", "provision", "configure"), marks[:-1], marks[1:], strict=True)
    }
    return {**phases, "total_s": marks[-1] - marks[0]}, count


def floor(actors: int) -> dict[str, float]:
    """The same number of bare actors on a Ray tuned as ours is: seconds of each phase."""
    from ocs_ray.location.environment import LOOPBACK_ONLY, TUNING

    folder = tempfile.mkdtemp(prefix="ocs-")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {**TUNING, **LOOPBACK_ONLY, "RAY_AUTH_MODE": "disabled"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", FLOOR, folder, str(actors)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith('{"ray_s"'))
    phases: dict[str, float] = json.loads(line)
    return {**phases, "total_s": phases["ray_s"] + phases["actors_s"]}


def one_round() -> None:
    """Ours, then the floor with as many actors; printed as one JSON line."""
    mine, actors = ours()
    print(json.dumps({"ours": mine, "floor": floor(actors), "actors": actors}))


def main(rounds: int) -> None:
    """Every round in a process of its own: one process joins one Ray. The first warms the disk and is dropped."""
    found: list[dict[str, dict[str, float]]] = []
    for _ in range(rounds + 1):
        done = subprocess.run(
            [sys.executable, __file__, "--round"], capture_output=True, text=True, check=True, timeout=600
        )
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"round {len(found)} of {rounds + 1}", file=sys.stderr)
    kept = found[1:]

    def median(who: str) -> dict[str, float]:
        return {key: round(statistics.median(r[who][key] for r in kept), 2) for key in kept[0][who]}

    result = {
        "question": f"seconds from nothing to {MODE} configured, beside bare Ray with as many actors; medians",
        "ours": median("ours"),
        "floor": median("floor"),
        "ratio": round(statistics.median(r["ours"]["total_s"] / r["floor"]["total_s"] for r in kept), 2),
        "actors": kept[0]["actors"],
        "rounds": rounds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    if sys.argv[1:] == ["--round"]:
        one_round()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
