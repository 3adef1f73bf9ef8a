"""Ending what runs for a cluster, with processes that carry its mark and are otherwise nothing of the kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocs_ray.cli import cluster_process
from ocs_ray.location.cluster_home import ClusterHome
from ocs_ray.location.environment import CLUSTER_MARK

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
"""A process that does not hear SIGTERM."""
QUITTING = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); time.sleep(600)"
"""One that ends at once and leaves such a process."""


@pytest.mark.parametrize(
    ("program", "arguments", "count"),
    [
        pytest.param(DEAF, (), 1, id="an owner that is gone already"),
        pytest.param(QUITTING, (cluster_process.OWNER,), 2, id="an owner that has ended, unseen by its parent"),
    ],
)
def test_given_what_is_left_of_a_cluster_is_deaf_when_taken_down_then_it_is_killed_before_the_deadline_of_an_owner(
    program: str, arguments: tuple[str, ...], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_process, "DOWN_S", 3600.0)
    monkeypatch.setattr(cluster_process, "LEFT_OVER_S", 0.2)
    home = ClusterHome(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, CLUSTER_MARK: home.cluster_id},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert cluster_process.take_down(home) == count
        assert home.processes() == []
