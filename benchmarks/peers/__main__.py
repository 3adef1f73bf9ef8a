"""How do the same small jobs go on what one might pick instead of Ray?

A step submitted and waited for, one after the other, from another process; and 1,000 steps in one message. Each peer is
installed into an environment of its own below the user's cache folder; one that cannot be is passed over with a word.
Run: ``just bench peers [--peers xoscar pyro5]``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import report

QUESTION = "a step submitted and waited for, and 1,000 steps in one message, on peers; same machine, same run"
HERE: Final = Path(__file__).parent
INSTALL_S, RUN_S = 600, 120
PINS: Final = {
    "xoscar": ("xoscar==0.12.2",),
    "pyro5": ("Pyro5==5.17",),
    "dask": ("distributed==2026.8.0",),
    "dbos": ("dbos==3.4.0",),
    "bluesky": ("bluesky-queueserver==0.0.25",),
}
NEEDS: Final = {"bluesky": "redis-server"}
"""Peer -> the program it needs that pip does not bring."""


@dataclass(frozen=True)
class Sizes:
    peers: tuple[str, ...] = tuple(PINS)
    samples: int = 300
    steps: int = 1_000


class NotHereError(Exception):
    """A peer cannot be measured, and why."""


def environment_of(peer: str) -> Path:
    """The interpreter of a peer's own environment, which is made when it is not there.

    Raises:
        NotHereError: it cannot be installed.
    """
    if (program := NEEDS.get(peer)) is not None and shutil.which(program) is None:
        raise NotHereError(f"{program} is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "ocs-bench" / peer
    python, mark = folder / "bin" / "python", folder / "installed"
    wanted = " ".join(PINS[peer])
    if mark.is_file() and mark.read_text() == wanted:
        return python
    print(f"{peer}: {wanted} is installed below {folder}", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
        command = [str(python), "-m", "pip", "install", "-q", *PINS[peer]]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except (subprocess.SubprocessError, OSError) as failure:
        said = str(getattr(failure, "stderr", "") or failure).strip().splitlines()
        raise NotHereError(f"it cannot be installed: {said[-1] if said else failure}") from None
    mark.write_text(wanted)
    return python


def measured(peer: str, sizes: Sizes) -> dict[str, Any]:
    """What a peer's own program says, or why it was passed over."""
    try:
        python = environment_of(peer)
        command = [str(python), str(HERE / f"{peer}_job.py"), str(sizes.samples), str(sizes.steps)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=RUN_S)
        said = json.loads(done.stdout.splitlines()[-1])
    except NotHereError as why:
        return {"passed_over": str(why)}
    except (subprocess.SubprocessError, ValueError, IndexError) as failure:
        said = str(getattr(failure, "stderr", "") or failure).strip().splitlines()
        return {"passed_over": f"its program failed: {said[-1] if said else failure}"}
    kept = said["submit_and_wait_s"][len(said["submit_and_wait_s"]) // 10 :]  # the first tenth warms up
    return {"submit_and_wait": report.spread(kept), "steps_per_s": round(sizes.steps / said["steps_s"])}


def measure(sizes: Sizes) -> dict[str, Any]:
    """One peer after the other."""
    return {peer: measured(peer, sizes) for peer in sizes.peers}


FULL, SMOKE = Sizes(), Sizes(samples=20, steps=10)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
