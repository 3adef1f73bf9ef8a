"""How many lines a second does a script write to its output, raw and as JSON, with nobody and with somebody reading?

Beside a plain file that gets the same lines through a buffer of the same size, in the same run. Prints one JSON object.
Run: ``just bench channel_append``.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from ocs_ray.core.retention import surplus
from ocs_ray.models.instance_records import Channel, ChannelRules
from ocs_ray.packages.instance_channels import InstanceChannels
from ocs_ray.packages.program_output import encode_item
from ocs_ray.packages.segment_log import GATHERED_BYTES, SegmentLog

QUESTION = "lines a second a script writes to its output, beside a plain buffered file; medians"
LINE = b"x" * 79 + b"\n"
OBJECT = {"step": 12, "name": "imager.filter", "position": 3.25, "state": "FOLLOWING"}


@dataclass(frozen=True)
class Sizes:
    lines: int = 1_000_000
    objects: int = 300_000
    rounds: int = 5


def plain_file(folder: Path, lines: int) -> float:
    """Lines a second of the floor."""
    with (folder / "plain").open("wb", buffering=GATHERED_BYTES) as sink:
        write = sink.write
        began = time.perf_counter()
        for _ in range(lines):
            write(LINE)
        sink.flush()
        return lines / (time.perf_counter() - began)


def raw(log: SegmentLog, lines: int) -> float:
    """Lines a second, appended one by one."""
    append = log.append
    began = time.perf_counter()
    for _ in range(lines):
        append(LINE)
    log.flush()
    return lines / (time.perf_counter() - began)


def structured(log: SegmentLog, objects: int) -> float:
    """Objects a second, encoded and appended one by one."""
    began = time.perf_counter()
    for _ in range(objects):
        log.append(encode_item(OBJECT))
    log.flush()
    return objects / (time.perf_counter() - began)


def in_fresh_channel(folder: Path, work: Callable[[SegmentLog], float], *, followed: bool = False) -> float:
    """Run ``work`` on a new channel, perhaps with a reader that follows it."""
    channels = InstanceChannels(folder / "run", "bench", ChannelRules(), surplus)
    log = channels[Channel.OUTPUT]
    reader = threading.Thread(target=lambda: sum(len(chunk.data) for chunk in log.follow()))
    if followed:
        reader.start()
    rate = work(log)
    channels.end(time.time(), time.time() + 60)
    if followed:
        reader.join()
    shutil.rmtree(folder / "run")
    return rate


def measure(sizes: Sizes) -> dict[str, Any]:
    """Rounds side by side; the median of each."""

    def lines(log: SegmentLog) -> float:
        return raw(log, sizes.lines)

    def objects(log: SegmentLog) -> float:
        return structured(log, sizes.objects)

    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in range(sizes.rounds + 1):
            found = {
                "plain_file_lines_per_s": plain_file(folder, sizes.lines),
                "raw_lines_per_s": in_fresh_channel(folder, lines),
                "raw_lines_followed_per_s": in_fresh_channel(folder, lines, followed=True),
                "json_lines_per_s": in_fresh_channel(folder, objects),
            }
            if n:  # the first round warms up
                for key, rate in found.items():
                    rates.setdefault(key, []).append(rate)
    return {key: round(statistics.median(values)) for key, values in rates.items()}


FULL, SMOKE = Sizes(), Sizes(lines=5_000, objects=2_000, rounds=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
