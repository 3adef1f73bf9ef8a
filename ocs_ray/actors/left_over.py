"""The processes a component started itself, when it is gone.

Ray ends the process group of an actor whose process ended, for whatever reason (2.60: on by default). What took a
session of its own, as daemons do, is no longer in that group, but it inherited the environment: there it is found.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import psutil

MARK: Final = "OCS_ACTOR"
"""In the environment of everything an actor starts; the value is the actor's id, which no other actor ever has."""
GRACE_S: Final = 0.2
"""How long a process may take to end by itself, in seconds."""


def mark_processes(actor_id: str) -> None:
    """Let every process this one starts from now on carry the mark."""
    os.environ[MARK] = actor_id


def end_left_over(actor_id: str) -> None:
    """End what carries the mark, on this machine, and is not this process; returns when it is gone."""
    left = [process for process in psutil.process_iter() if _carries(process, actor_id)]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.Error):
                end(process)
        _, left = psutil.wait_procs(left, timeout=GRACE_S)


def _carries(process: psutil.Process, actor_id: str) -> bool:
    if process.pid == os.getpid():
        return False
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == actor_id
    return False
