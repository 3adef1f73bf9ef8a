"""Where a cluster lives: one a user and project, found again, held by one command at a time."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster, find_project

CLUSTER = RunningCluster("127.0.0.1:1", 0, ("ESW.machine1",), "local.yaml", "obsmodes")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ClusterHome]:
    made = ClusterHome(tmp_path)
    yield made
    made.remove()


def test_given_two_projects_when_asked_then_each_has_a_cluster_of_its_own(tmp_path: Path) -> None:
    assert ClusterHome(tmp_path / "a").folder != ClusterHome(tmp_path / "b").folder
    assert ClusterHome(tmp_path / "a").cluster_id == ClusterHome(tmp_path / "a").cluster_id


def test_given_a_deep_temporary_folder_when_asked_then_the_path_stays_short_enough_for_ray_s_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("deep" * 20)))
    session = "session_2026-11-21_23-09-12_925614_3744444/sockets/plasma_store"
    assert len(str(ClusterHome(tmp_path).folder / "ray" / session)) < 107


def test_given_a_fresh_cluster_when_its_folder_is_made_then_nobody_else_can_read_it_or_its_token(
    home: ClusterHome,
) -> None:
    with home.alone():
        home.renew_token()
        first = home.token_file.read_text()
        home.renew_token()
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.token_file.stat().st_mode) == 0o600
    assert len(first) == 64
    assert home.token_file.read_text() != first


def test_given_a_folder_others_can_read_when_used_then_it_is_refused(home: ClusterHome) -> None:
    home.folder.mkdir(mode=0o755)
    with pytest.raises(ClusterError, match="not this user's alone"), home.alone():
        pass


def test_given_one_command_at_it_when_another_comes_then_it_is_refused_at_once(home: ClusterHome) -> None:
    with home.alone(), pytest.raises(ClusterError, match="another ocs command"), ClusterHome(home.project).alone():
        pass
    with home.alone():
        pass


def test_given_a_recorded_cluster_when_asked_then_it_is_found_and_forgotten_after_removal(home: ClusterHome) -> None:
    with home.alone():
        assert home.running() is None
        home.record(CLUSTER)
        assert home.running() == CLUSTER
    home.remove()
    assert home.running() is None


def test_given_the_owner_is_gone_when_asked_then_the_cluster_is_not_up(home: ClusterHome) -> None:
    with home.alone():
        home.record(RunningCluster("127.0.0.1:1", 2**22 - 3, (), "local.yaml", "obsmodes"))
        assert home.running() is None


def test_given_a_damaged_record_when_asked_then_the_cluster_is_not_up(home: ClusterHome) -> None:
    with home.alone():
        (home.folder / "cluster.json").write_text('{"address": ')
        assert home.running() is None


def test_given_this_process_when_asked_for_the_cluster_s_then_it_is_not_among_them(home: ClusterHome) -> None:
    assert home.processes() == []


def test_given_a_folder_inside_a_project_when_asked_then_the_project_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCS_PROJECT", raising=False)
    (tmp_path / "obsmodes" / "Dark").mkdir(parents=True)
    assert find_project(tmp_path / "obsmodes" / "Dark") == tmp_path
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path / "other"))
    assert find_project(tmp_path) == tmp_path / "other"
