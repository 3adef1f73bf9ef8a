"""The processes a component started itself, when it is gone.

Ray ends the process group of an actor whose process ended, for whatever reason (2.60: on by default). What took a
session of its own, as daemons do, is no longer in that group, but it inherited the environment: there it is found.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from ocs_ray.actors.process_mark import MARK

GRACE_S: Final = 0.2
"""How long a process may take to end by itself, in seconds."""
LOOK_S: Final = 0.005


def end_left_over(actor_id: str) -> None:
    """End what carries the mark, on this machine, and is not this process; returns when it is gone."""
    left = list(_carrying(actor_id))
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.Error):
                end(process)
        left = _still_there(left)


def _still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended within the grace. They are no children of ours, so nothing wakes us at their end."""
    deadline = time.monotonic() + GRACE_S
    while processes and time.monotonic() < deadline:
        time.sleep(LOOK_S)
        processes = [process for process in processes if _runs(process)]
    return processes


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _carrying(actor_id: str) -> Iterator[psutil.Process]:
    """Read as bytes: a parsed environment of every process on the machine would take ten times as long."""
    mark = f"{MARK}={actor_id}".encode()
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):
            if mark in Path("/proc", str(pid), "environ").read_bytes().split(b"\0") and pid != os.getpid():
                yield psutil.Process(pid)
