"""What a cluster is started from survives the way to the process that owns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.cli.cluster_start import ClusterStart
from ocs_ray.models.gateway_settings import GatewaySettings


@pytest.mark.parametrize("gateway", [None, GatewaySettings(port=0, location_port=7654)])
@pytest.mark.parametrize("simulation", [True, False])
@pytest.mark.parametrize("time_factor", [None, 0.05])
def test_given_a_start_when_it_becomes_arguments_then_they_say_the_same(
    time_factor: float | None, simulation: bool, gateway: GatewaySettings | None
) -> None:
    start = ClusterStart(Path("/c.yaml"), Path("/modes"), time_factor, simulation, gateway)
    assert ClusterStart.from_arguments(start.arguments()) == start


def test_given_relative_paths_when_they_become_arguments_then_they_mean_the_same_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = ClusterStart(Path("c.yaml"), Path("modes"))
    assert start.arguments()[:2] == [str(tmp_path / "c.yaml"), str(tmp_path / "modes")]
