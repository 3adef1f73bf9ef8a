"""All that a process started, daemons included: adopted when its parent ends, and ended in the end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36
_ROUNDS: Final = 100
"""How often new ones are looked for; a fork bomb stands still after a few."""


def adopt_descendants() -> None:
    """Whatever is started from here on becomes a child of this process when its own parent ends. Source: prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants_of(pid: int) -> tuple[int, ...]:
    """All processes below one, as far as they can be seen in one walk. Source: proc(5)."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError, ValueError):  # it ended meanwhile
            for task in os.listdir(f"/proc/{parent}/task"):
                children = list(map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split()))
                found += children
                waiting += children
    return tuple(found)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that ended stays in the table until its parent has asked how. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def freeze_descendants() -> None:
    """Stop all of them where they are: what stands still starts no others while it is ended one by one."""
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        fresh = set(descendants_of(os.getpid())) - stopped
        if not fresh:
            return
        stopped |= fresh
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)


def end_descendants() -> None:
    """Kill all children; what those started becomes ours as they end, and follows."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.read_text():
        freeze_descendants()
    while pids := children.read_text().split():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(pid), 0)


def reap_ended(but: int) -> None:
    """Let go of adopted processes that ended, all but one; without it they would stay in the machine's table.

    Args:
        but: the process whose end somebody else waits for.
    """
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != but:
            os.waitpid(ended.si_pid, 0)


def how_it_ended(status: int) -> str:
    """A wait status in words."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"its process was ended by the signal {signal.Signals(-code).name}"
    return f"its process ended by itself with exit code {code}"
