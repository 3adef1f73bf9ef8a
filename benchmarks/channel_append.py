"""How many lines a second does a script write to its output, raw and as JSON, with nobody and with somebody reading?

Beside a plain file that gets the same lines through a buffer of the same size, in the same run. Prints one JSON object.
Run: ``just bench channel_append``.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ocs_ray.core.retention import surplus
from ocs_ray.models.instance_records import Channel, ChannelRules
from ocs_ray.packages.instance_channels import InstanceChannels
from ocs_ray.packages.program_output import encode_item
from ocs_ray.packages.segment_log import GATHERED_BYTES, SegmentLog

LINES, OBJECTS, ROUNDS = 1_000_000, 300_000, 5
LINE = b"x" * 79 + b"\n"
OBJECT = {"step": 12, "name": "imager.filter", "position": 3.25, "state": "FOLLOWING"}


def plain_file(folder: Path) -> float:
    """Lines a second of the floor."""
    with (folder / "plain").open("wb", buffering=GATHERED_BYTES) as sink:
        write = sink.write
        began = time.perf_counter()
        for _ in range(LINES):
            write(LINE)
        sink.flush()
        return LINES / (time.perf_counter() - began)


def raw(log: SegmentLog) -> float:
    """Lines a second, appended one by one."""
    append = log.append
    began = time.perf_counter()
    for _ in range(LINES):
        append(LINE)
    log.flush()
    return LINES / (time.perf_counter() - began)


def structured(log: SegmentLog) -> float:
    """Objects a second, encoded and appended one by one."""
    began = time.perf_counter()
    for _ in range(OBJECTS):
        log.append(encode_item(OBJECT))
    log.flush()
    return OBJECTS / (time.perf_counter() - began)


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


def main() -> None:
    """Rounds side by side; the median of each."""
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in range(ROUNDS + 1):
            found = {
                "plain_file_lines_per_s": plain_file(folder),
                "raw_lines_per_s": in_fresh_channel(folder, raw),
                "raw_lines_per_s_followed": in_fresh_channel(folder, raw, followed=True),
                "json_lines_per_s": in_fresh_channel(folder, structured),
            }
            if n:  # the first round warms up
                for key, rate in found.items():
                    rates.setdefault(key, []).append(rate)
    medians = {key: round(statistics.median(values)) for key, values in rates.items()}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_1_min": os.getloadavg()[0]}
    asked = {"lines": LINES, "line_bytes": len(LINE), "objects": OBJECTS, "rounds": ROUNDS}
    print(json.dumps({"asked": asked, **medians, "machine": machine}, indent=1))


if __name__ == "__main__":
    main()
