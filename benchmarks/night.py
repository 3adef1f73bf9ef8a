"""How does a whole night go: five modes switched and overlapped, 40 observations, holds, aborts, failures?

The real scripts and simulated devices of this repository on a Ray of their own, or with ``--nodes 3`` on three nodes.
Prints totals; ``--picture FILE`` writes the timeline as SVG. Run: ``just bench night [--picture night.svg]``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks import report
from benchmarks.private_ray import ray
from benchmarks.timeline import Bar, picture
from ocs_ray.cli.launch import launch
from ocs_ray.cli.observation_request import read_sequence
from ocs_ray.client import SequenceManager, Sequencer
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.errors import OcsError
from ocs_ray.location.call import RayPort
from ocs_ray.models.actor_names import NAMESPACE
from ocs_ray.models.commands import Sequence
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Subsystem
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.scripting.port import use_default_port

QUESTION = "a simulated night: 5 modes switched and overlapped, 40 observations, holds, aborts, failures"
REPO: Final = Path(__file__).parents[1]
SCIENCE: Final = ("IRIS_ImagerOnly", "IRIS_IFSOnly", "IRIS_ImagerAndIFS", "WFOS_Science")
"""They share TCS: one at a time."""
CALIBRATION: Final = "WFOS_Cal"
"""Shares nothing with the IRIS modes, and the spectrograph with WFOS_Science."""
HELD, ABORTED, FAILED = "held", "aborted", "failed"
PATIENCE: Final = timedelta(seconds=30)
CALM, EVERY = "calm", 5
"""Of every five observations of a mode, one each is held, aborted, and given a fault; two are calm."""


@dataclass(frozen=True)
class Sizes:
    each: int = 8
    time_factor: float = 0.02
    hold_s: float = 1.0
    into_it_s: float = 0.5
    nodes: int = 1
    picture: str = ""


def fate(number: int) -> str:
    """What happens to the observation of this number."""
    return {1: HELD, 2: ABORTED, 3: FAILED}.get(number % EVERY, CALM)


def broken(sequence: Sequence) -> Sequence:
    """The same without the parameters of its set-up: the scripts miss them."""
    commands = [
        command.model_copy(update={"param_set": ()}) if command.command_name == "setupObservation" else command
        for command in sequence
    ]
    return Sequence.of(*commands)


class Night:
    """What is observed, and what came of it."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes, self._manager = sizes, SequenceManager()
        self._operating = asyncio.Lock()
        self._began = time.perf_counter()
        self.bars: list[Bar] = []
        self.outcomes: Counter[str] = Counter()
        self.configured_s: list[float] = []
        self.shut_down_s: list[float] = []
        self.hold_s: list[float] = []
        self.steps = 0

    def now(self) -> float:
        """Seconds since the begin."""
        return time.perf_counter() - self._began

    async def run(self) -> None:
        """All modes: IRIS with the calibration beside it, then the spectrograph."""
        calibration = asyncio.create_task(self._block(CALIBRATION))
        for mode in SCIENCE[:-1]:
            await self._block(mode)
        await calibration
        await self._block(SCIENCE[-1])

    async def _block(self, mode: str) -> None:
        """Configure a mode, observe, shut it down."""
        async with self._operating:  # the manager does one thing at a time, and says so
            begin = self.now()
            reply = await self._manager.configure(ObsMode(mode))
        assert reply.kind == "Success", reply
        self.configured_s.append(self.now() - begin)
        for number in range(self._sizes.each):
            await self._observe(mode, number)
        async with self._operating:
            leaving = self.now()
            reply = await self._manager.shutdown_obs_mode(ObsMode(mode))
        assert reply.kind == "Success", reply
        self.shut_down_s.append(self.now() - leaving)
        self.bars.append(Bar(mode, "configured", begin, self.now()))
        print(f"{mode}: {self.now():.1f} s", file=sys.stderr)

    async def _observe(self, mode: str, number: int) -> None:
        top, what = Sequencer(Subsystem.ESW, mode), fate(number)
        sequence = read_sequence(REPO / "obsmodes" / mode / "example_sequence.json")
        begin = self.now()
        started = await top.submit(broken(sequence) if what == FAILED else sequence)
        final = asyncio.create_task(top.query_final(started.run_id, resume_on_error=True))
        if what in (HELD, ABORTED):
            await asyncio.wait({final}, timeout=self._sizes.into_it_s)
        if what == HELD and not final.done():
            await self._hold(mode, top)
        if what == ABORTED and not final.done():
            await top.abort_sequence()
        response: SubmitResponse = await final
        self.outcomes[response.kind] += 1
        self.bars.append(Bar(mode, response.kind, begin, self.now(), f"observation {number + 1}, {what}"))
        (run,) = await top.runs(started.run_id)
        self.steps += sum(step.status.is_done for step in run.steps)

    async def _hold(self, mode: str, top: Sequencer) -> None:
        """Hold, wait, go on; one that is over meanwhile is none of the holds."""
        begin = self.now()
        try:
            held = await top.send_command("HOLD", wait=PATIENCE)
            if held.reached:
                self.hold_s.append(self.now() - begin)
                await asyncio.sleep(self._sizes.hold_s)
                await top.send_command("RESUME", wait=PATIENCE)
                self.bars.append(Bar(mode, "held", begin, self.now()))
        except OcsError as failure:
            print(f"{mode} was not held: {failure}", file=sys.stderr)


@contextmanager
def site(nodes: int, offered: dict[str, float]) -> Iterator[None]:
    """A Ray of so many nodes that offers the machines' places and the observatory's resources among them."""
    options = {"namespace": NAMESPACE, "log_to_driver": False, "configure_logging": False}
    with tempfile.TemporaryDirectory(prefix="ocs-b-") as folder:
        cluster = None
        if nodes == 1:
            ray.init(address="local", resources=offered, include_dashboard=False, _temp_dir=f"{folder}/ray", **options)
        else:
            from ray.cluster_utils import Cluster

            shares = [{key: 1.0 for n, key in enumerate(sorted(offered)) if n % nodes == of} for of in range(nodes)]
            cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "resources": shares[0]})
            for share in shares[1:]:
                cluster.add_node(num_cpus=1, resources=share)
            ray.init(address=cluster.address, **options)
        try:
            use_default_port(RayPort())
            yield
        finally:
            ray.shutdown()
            if cluster is not None:
                cluster.shutdown()


def measure(sizes: Sizes) -> dict[str, Any]:
    """The night."""
    file = read_cluster_file(REPO / "cluster" / "local.yaml")
    offered = dict.fromkeys(file.machines.values(), 1.0)
    offered |= {f"resource:{subsystem}": 1.0 for subsystem in (Subsystem.IRIS, Subsystem.TCS, Subsystem.WFOS)}
    with site(sizes.nodes, offered):
        began = time.perf_counter()
        launch(file, str(REPO / "obsmodes"), sizes.time_factor, lambda _: None)
        launched_s = time.perf_counter() - began
        night = asyncio.run(_observed(sizes, file.provision))
    whole_s = max(bar.end_s for bar in night.bars)
    if sizes.picture:
        title = f"{sum(night.outcomes.values())} observations in {whole_s:.0f} s, time factor {sizes.time_factor:g}"
        Path(sizes.picture).write_text(picture(night.bars, title))
    return {
        "whole_night_s": round(whole_s, 1),
        "launched_s": round(launched_s, 1),
        "observations": sum(night.outcomes.values()),
        "of_each_outcome_count": dict(night.outcomes),
        "steps": night.steps,
        "configure": report.spread(night.configured_s),
        "shut_down": report.spread(night.shut_down_s),
        "hold_to_held": report.spread(night.hold_s) if night.hold_s else {},
    }


async def _observed(sizes: Sizes, provision: Any) -> Night:
    await SequenceManager().provision(provision)
    night = Night(sizes)
    await night.run()
    return night


FULL, SMOKE = Sizes(), Sizes(each=4, time_factor=0.002, hold_s=0.05, into_it_s=0.05)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
