"""Limits a process sets itself before it touches what it does not trust."""

from __future__ import annotations

import resource
from typing import NamedTuple


class Limits(NamedTuple):
    """What a process may use.

    Args:
        memory_bytes: of address space.
        cpu_s: of processor time, in whole seconds; then the kernel ends it.
        file_bytes: of any file it writes.
        open_files: at once.
    """

    memory_bytes: int
    cpu_s: int
    file_bytes: int
    open_files: int


def limit_this_process(limits: Limits) -> None:
    """Apply the limits, for good; a limit that is lower already stays. No core file is left by a crash."""
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lower, lower))
