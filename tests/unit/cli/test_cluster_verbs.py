"""``ocs up`` when the cluster is up already: what was asked for and is not so is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.cli import cluster_session, gateway_access
from ocs_ray.cli.gateway_choice import NO_GATEWAY, GatewayChoice
from ocs_ray.cli.main import run
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.prefix import Prefix


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
    running = RunningCluster(
        "127.0.0.1:1", 1, ("ESW.machine1",), "small.yaml", "modes.yaml", gateway_url="http://127.0.0.1:8090"
    )
    monkeypatch.setattr(cluster_session, "ensure_up", lambda *_, **__: (running, False))
    monkeypatch.setattr(cluster_session, "restore", lambda _, running, *__: (running, ()))
    assert run(["up", *options]) == 0
    err = capsys.readouterr().err
    assert told in err if told else not err


def test_given_a_cluster_without_a_gateway_when_up_then_it_tells_how_to_have_one_unless_none_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    running = RunningCluster("127.0.0.1:1", 1, ("ESW.machine1",), "small.yaml", "modes.yaml")
    monkeypatch.setattr(cluster_session, "ensure_up", lambda *_, **__: (running, False))
    monkeypatch.setattr(cluster_session, "restore", lambda _, running, *__: (running, ()))
    assert run(["up"]) == 0
    assert "it runs without a gateway; to have one: ocs down, then up again" in capsys.readouterr().err
    assert run(["up", "--no-gateway"]) == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "port"),
    [(GatewayChoice(), 9001), (GatewayChoice(port=9002), 9002), (GatewayChoice(port=0), 0), (NO_GATEWAY, None)],
)
def test_given_a_gateway_that_is_gone_when_up_then_it_comes_back_where_it_was_unless_it_is_told_otherwise(
    wanted: GatewayChoice, port: int | None, tmp_path: Path
) -> None:
    machine = Prefix("ESW.machine1")
    cluster = ClusterFile.model_validate({"node": {"resources": ["here"]}, "machines": {machine: "here"}})
    running = RunningCluster("127.0.0.1:1", 1, (machine,), "a", "b", gateway_url="http://127.0.0.1:9001")
    settings = gateway_access.as_it_was(ClusterHome(tmp_path), running, cluster, wanted)
    assert (None if settings is None else settings.port) == port
