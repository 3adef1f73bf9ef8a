"""``ocs up`` when the cluster is up already: what was asked for and is not so is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.cli import cluster_session
from ocs_ray.cli.main import run
from ocs_ray.location.cluster_home import RunningCluster


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], None),
        (["-o", "modes.yaml"], None),
        (["-o", "other.conf"], "it was started from modes.yaml; to use other.conf: ocs down, then up again"),
        (["--cluster", "big.yaml"], "it was started from small.yaml; to use big.yaml: ocs down, then up again"),
        (["--simulation"], "it runs without --simulation; to simulate: ocs down, then up again"),
    ],
)
def test_given_a_cluster_that_is_up_when_another_one_is_asked_for_then_the_difference_is_told(
    options: list[str],
    told: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    running = RunningCluster("127.0.0.1:1", 1, ("ESW.machine1",), "small.yaml", "modes.yaml", simulation=False)
    monkeypatch.setattr(cluster_session, "ensure_up", lambda *_, **__: (running, False))
    monkeypatch.setattr(cluster_session, "restore", lambda *_: ())
    assert run(["up", *options]) == 0
    err = capsys.readouterr().err
    assert told in err if told else not err
