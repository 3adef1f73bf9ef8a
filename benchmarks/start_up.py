"""How long from nothing to a configured observing mode, beside bare Ray starting as many bare actors?

Both in turn in one run, each in a fresh project or folder, the first round dropped. Prints one JSON object.
Run: ``just bench start_up [ROUNDS]``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.configure import CLUSTER, MACHINE, write_catalogue

QUESTION = "seconds from nothing to a mode configured, beside bare Ray with as many actors; medians"
REPO = Path(__file__).parents[1]
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


@dataclass(frozen=True)
class Sizes:
    rounds: int = 5
    warm_up: int = 1
    mode: str = "IRIS_ImagerAndIFS"


def ours(mode: str) -> tuple[dict[str, float], int]:
    """One start of ours: seconds of each phase, and how many actors there are at its end."""
    from ocs_ray.cli.cluster_process import bring_up, take_down
    from ocs_ray.cli.cluster_start import ClusterStart
    from ocs_ray.client import SequenceManager, connect, disconnect
    from ocs_ray.config.cluster_config import read_cluster_file
    from ocs_ray.location.cluster_home import ClusterHome
    from ocs_ray.models.identifiers import ObsMode

    with tempfile.TemporaryDirectory() as project:
        file, catalogue = site_of(mode, Path(project))
        home = ClusterHome(Path(project))
        marks = [time.perf_counter()]
        try:
            bring_up(home, ClusterStart(file, catalogue, 0.05), lambda _: None)
            marks.append(time.perf_counter())
            connect(Path(project))

            async def prepare() -> None:
                await SequenceManager().provision(read_cluster_file(file).provision)
                marks.append(time.perf_counter())
                await SequenceManager().configure(ObsMode(mode))
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


def site_of(mode: str, project: Path) -> tuple[Path, Path]:
    """Cluster file and catalogue of a mode: the repository's own, or for any other the small one of ``configure``."""
    if (REPO / "obsmodes" / mode).is_dir():
        return REPO / "cluster" / "local.yaml", REPO / "obsmodes"
    file, catalogue = project / "cluster.yaml", project / "obsmodes"
    file.write_text(f"{CLUSTER}provision: {{{MACHINE}: 1}}\n")
    catalogue.mkdir()
    write_catalogue(catalogue, (1,))
    return file, catalogue


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


def one_round(mode: str) -> None:
    """Ours, then the floor with as many actors; printed as one JSON line."""
    mine, actors = ours(mode)
    print(json.dumps({"ours": mine, "floor": floor(actors), "actors": actors}))


def measure(sizes: Sizes) -> dict[str, Any]:
    """Every round in a process of its own: one process joins one Ray. The first warms the disk and is dropped."""
    found: list[dict[str, Any]] = []
    for _ in range(sizes.rounds + sizes.warm_up):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.start_up", "--round", sizes.mode],
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
            cwd=REPO,
        )
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"round {len(found)} of {sizes.rounds + sizes.warm_up}", file=sys.stderr)
    kept = found[sizes.warm_up :]

    def median(who: str) -> dict[str, float]:
        return {key: round(statistics.median(r[who][key] for r in kept), 2) for key in kept[0][who]}

    return {
        "ours": median("ours"),
        "floor": median("floor"),
        "total_ratio": report.ratio((r["ours"]["total_s"] for r in kept), (r["floor"]["total_s"] for r in kept)),
        "actors": kept[0]["actors"],
    }


FULL, SMOKE = Sizes(), Sizes(rounds=1, warm_up=0, mode="One1")

if __name__ == "__main__":
    if sys.argv[1:2] == ["--round"]:
        one_round(sys.argv[2])
    else:
        report.run(QUESTION, measure, FULL, SMOKE)
