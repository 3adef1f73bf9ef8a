"""How long does configuring an observing mode take, and switching to one that shares a resource?

Beside as many bare named Ray actors created at once on the same node, in turn in one run, the first rounds dropped.
Prints one JSON object, milliseconds. Run: ``just bench configure [ROUNDS]``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report

QUESTION = "ms until a mode is configured, or switched to, beside as many bare named actors made at once"
MACHINE = "ESW.machine1"
CLUSTER = f"""
node: {{resources: ["machine:{MACHINE}"]}}
machines: {{{MACHINE}: "machine:{MACHINE}"}}
"""
SCRIPT = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("command")
    async def command(command: Setup) -> None: ...
"""


@dataclass(frozen=True)
class Sizes:
    rounds: int = 10
    counts: tuple[int, ...] = (1, 4, 8)
    warm_up: int = 2
    handovers: int = 30


class Bare:
    """A bare async actor that answers."""

    async def ask(self, message: object) -> object:
        """Answer at once."""
        return message


def write_catalogue(root: Path, counts: tuple[int, ...]) -> None:
    """Two modes of every size; all share a resource, so switching from one to another hands it over."""
    for count in counts:
        sequencers = ", ".join(["ESW: script.py", *(f"ESW.part{n}: script.py" for n in range(1, count))])
        for twin in ("One", "Other"):
            folder = root / f"{twin}{count}"
            folder.mkdir()
            (folder / "mode.yaml").write_text(f"resources: [IRIS, TCS]\nsequencers: {{{sequencers}}}\n")
            (folder / "script.py").write_text(SCRIPT)


class Contest:
    """Ours and the floor on one running cluster.

    Args:
        home: of the cluster.
    """

    def __init__(self, home: Any) -> None:
        import ray

        from ocs_ray.client import SequenceManager

        self._home, self._ray, self._manager = home, ray, SequenceManager()
        self._kind = ray.remote(num_cpus=0)(Bare)
        self._settled = 0

    async def prepare(self, most: int) -> None:
        """As many idle sequence components as the largest mode needs."""
        from ocs_ray.models.manager_replies import Success
        from ocs_ray.models.prefix import Prefix

        assert await self._manager.provision({Prefix(MACHINE): most}) == Success()
        self._settled = len(self._home.processes())

    async def floor(self, count: int) -> float:
        """Seconds until ``count`` bare actors have answered; they are gone when this returns."""
        options = {"lifetime": "detached", "resources": {f"machine:{MACHINE}": 0.0001}, "max_concurrency": 10_000}
        began = time.perf_counter()
        actors = [self._kind.options(name=f"bare{n}", **options).remote() for n in range(count)]
        await asyncio.gather(*(actor.ask.remote("there?") for actor in actors))
        took = time.perf_counter() - began
        for actor in actors:
            self._ray.kill(actor)
        await self._quiet(0)
        return took

    async def configure(self, count: int) -> float:
        """Seconds until a mode of ``count`` sequencers is configured; it is shut down when this returns."""
        took = await self._timed(lambda: self._configure("One", count))
        await self._shutdown("One", count)
        await self._quiet(0)
        return took

    async def switch(self, count: int) -> float:
        """Seconds from a configured mode to another one of ``count`` sequencers that shares its resources."""
        await self._configure("One", count)
        await self._quiet(count)

        async def change() -> None:
            await self._shutdown("One", count)
            await self._configure("Other", count)

        took = await self._timed(change)
        await self._shutdown("Other", count)
        await self._quiet(0)
        return took

    async def handover(self) -> float:
        """Seconds from giving resources back to holding them again for another mode, nothing else done."""
        from ocs_ray.actors.placement import RayReservations
        from ocs_ray.models.identifiers import ObsMode
        from ocs_ray.models.prefix import Subsystem

        reservations, resources = RayReservations(), (Subsystem.IRIS, Subsystem.TCS)
        assert await reservations.reserve(ObsMode("One"), resources)
        await asyncio.sleep(0.3)  # until Ray's view has caught up: that of a mode that was configured for a while

        async def change() -> None:
            await reservations.release(ObsMode("One"))
            assert await reservations.reserve(ObsMode("Other"), resources)

        took = await self._timed(change)
        await reservations.release(ObsMode("Other"))
        await asyncio.sleep(0.3)
        return took

    async def _timed(self, work: Callable[[], Awaitable[None]]) -> float:
        began = time.perf_counter()
        await work()
        return time.perf_counter() - began

    async def _configure(self, twin: str, count: int) -> None:
        from ocs_ray.models.identifiers import ObsMode

        reply = await self._manager.configure(ObsMode(f"{twin}{count}"))
        assert reply.kind == "Success", reply

    async def _shutdown(self, twin: str, count: int) -> None:
        from ocs_ray.models.identifiers import ObsMode

        reply = await self._manager.shutdown_obs_mode(ObsMode(f"{twin}{count}"))
        assert reply.kind == "Success", reply

    async def _quiet(self, extra: int) -> None:
        """Wait until what was ended is gone, so that nobody pays for what came before."""
        deadline = time.monotonic() + 30
        while len(self._home.processes()) > self._settled + extra and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # Ray's own bookkeeping of what ended


async def contest(home: Any, sizes: Sizes) -> dict[str, Any]:
    """All rounds; who begins alternates."""
    found = Contest(home)
    await found.prepare(max(sizes.counts))
    took: dict[tuple[str, int], list[float]] = {}
    for turn in range(sizes.warm_up + sizes.rounds):
        for count in sizes.counts:
            turns = [("floor", found.floor), ("configure", found.configure), ("switch", found.switch)]
            for name, work in turns[turn % 3 :] + turns[: turn % 3]:
                seconds = await work(count)
                if turn >= sizes.warm_up:
                    took.setdefault((name, count), []).append(seconds)
        print(f"round {turn + 1} of {sizes.warm_up + sizes.rounds}", file=sys.stderr)
    handovers = [await found.handover() for _ in range(sizes.handovers)]
    of_each = {
        f"{count}_sequencers_each": {
            **{name: report.spread(took[name, count]) for name in ("floor", "configure", "switch")},
            **{
                f"{name}_ratio": report.ratio(took[name, count], took["floor", count])
                for name in ("configure", "switch")
            },
        }
        for count in sizes.counts
    }
    return {**of_each, "resources_handed_over": report.spread(handovers)}


def measure(sizes: Sizes) -> dict[str, Any]:
    """One cluster for the whole contest, as ``ocs up`` starts it; in a process of its own, which joins no other Ray."""
    from ocs_ray.cli.cluster_process import bring_up, take_down
    from ocs_ray.cli.cluster_start import ClusterStart
    from ocs_ray.client import connect, disconnect
    from ocs_ray.location.cluster_home import ClusterHome

    with tempfile.TemporaryDirectory() as project:
        catalogue = Path(project) / "obsmodes"
        catalogue.mkdir()
        write_catalogue(catalogue, sizes.counts)
        file = Path(project) / "cluster.yaml"
        file.write_text(CLUSTER)
        home = ClusterHome(Path(project))
        try:
            bring_up(home, ClusterStart(file, catalogue, 1.0), lambda _: None)
            connect(Path(project))
            return asyncio.run(contest(home, sizes))
        finally:
            disconnect()
            take_down(home)


FULL, SMOKE = Sizes(), Sizes(rounds=1, counts=(1,), warm_up=0, handovers=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
