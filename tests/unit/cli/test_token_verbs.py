"""``ocs token``, and whether a gateway may be started as it is asked for; no cluster is up."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.cli.gateway_access import is_closed, with_access
from ocs_ray.cli.main import run
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.core.token_book import recognise
from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.location.token_file import TokenFile
from ocs_ray.models.access_settings import AccessSettings, OidcSettings
from ocs_ray.models.gateway_settings import GatewaySettings

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterHome:
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return ClusterHome(tmp_path)


def test_given_a_new_token_when_made_then_it_is_shown_once_and_opens_what_its_roles_say(
    home: ClusterHome, capsys: Capture
) -> None:
    assert run(["token", "create", "console", "--role", "ESW-user", "--role", "iris-user", "--expires", "30d"]) == 0
    told = capsys.readouterr()
    token = told.out.strip()
    assert len(told.out.splitlines()) == 1
    assert "not shown again" in told.err
    caller = recognise(TokenFile(home.api_tokens_file).read(), token, time.time())
    assert (caller.name, set(caller.roles)) == ("console", {"esw-user", "iris-user"})
    assert run(["token", "list"]) == 0
    assert run(["token", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert "console" in listed
    assert "esw-user, iris-user" in listed
    assert token not in listed
    assert token not in home.api_tokens_file.read_text()
    assert run(["token", "revoke", "console"]) == 0
    assert not recognise(TokenFile(home.api_tokens_file).read(), token, time.time()).is_known


def test_given_json_when_made_and_listed_then_documents_for_programs(home: ClusterHome, capsys: Capture) -> None:
    assert run(["token", "create", "ci", "--role", "script-admin", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["token"].startswith("ocs_")
    assert (made["name"], made["roles"], made["expires_at"]) == ("ci", ["script-admin"], None)
    assert run(["token", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["tokens"]
    assert set(listed) == {"name", "roles", "created_at", "expires_at"}
    assert run(["token", "revoke", "ci", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"revoked": "ci"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "console"], "a token needs a role"),
        (["create", "console", "--role", "esw-usr"], "did you mean 'esw-user'"),
        (["create", "a b", "--role", "esw-user"], "name of a token"),
        (["create", "console", "--role", "esw-user", "--expires", "soon"], "'soon' is no period"),
        (["revoke", "console"], "there is no token 'console'"),
    ],
)
def test_given_a_slip_when_made_then_one_line_tells_and_no_file_appears(
    home: ClusterHome, capsys: Capture, arguments: list[str], told: str
) -> None:
    assert run(["token", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.splitlines()) == 1
    assert not home.api_tokens_file.exists()


def _settings(host: str, **access: Any) -> GatewaySettings:
    return GatewaySettings(host=host, access=AccessSettings(**access))


def test_given_an_address_others_reach_when_there_is_no_token_then_the_gateway_is_not_started(
    home: ClusterHome, capsys: Capture
) -> None:
    with pytest.raises(ClusterError, match=r"will not listen on 0\.0\.0\.0.*ocs token create"):
        with_access(_settings("0.0.0.0"), home)
    with pytest.raises(ClusterError, match=r"will not listen on 0\.0\.0\.0"):
        with_access(_settings("0.0.0.0", open_on_loopback=True), home)
    oidc = OidcSettings(issuer="https://auth.example.org/realms/TMT", audience="tmt-backend-app")
    assert with_access(_settings("0.0.0.0", oidc=oidc), home).access.oidc == oidc
    local = with_access(_settings("127.0.0.1"), home)
    assert local.access.token_file == str(home.api_tokens_file)
    assert is_closed(local, home)
    assert not is_closed(_settings("127.0.0.1", open_on_loopback=True), home)
    assert not is_closed(local.model_copy(update={"simulation": True}), home)
    assert run(["token", "create", "console", "--role", "esw-user"]) == 0
    capsys.readouterr()
    assert with_access(_settings("0.0.0.0"), home).host == "0.0.0.0"
    assert not is_closed(local, home)


# -- where they are --------------------------------------------------------------------------------------------------

CLUSTER = """
address: "127.0.0.1:1"
machines: {ESW.machine1: esw1}
gateway: {access: {token_file: FILE}}
"""


def _cluster_file(place: Path, tokens: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(CLUSTER.replace("FILE", tokens))
    return place


def _names(path: Path) -> set[str]:
    return {each.name for each in TokenFile(path).read().tokens}


def _make(name: str, *more: str) -> None:
    assert run(["token", "create", name, "--role", "esw-user", *more]) == 0


def test_given_a_file_for_the_tokens_in_the_cluster_file_when_made_listed_and_revoked_then_it_is_the_gateway_s(
    home: ClusterHome, tmp_path: Path, capsys: Capture
) -> None:
    file = _cluster_file(tmp_path / "cluster" / "local.yaml", "keys/tokens.json")  # below the project
    _make("console")
    gateway = with_access(read_cluster_file(file).gateway, home)
    assert gateway.access.token_file == str(tmp_path / "keys" / "tokens.json")
    assert _names(Path(gateway.access.token_file)) == {"console"}
    assert not is_closed(gateway, home)
    assert not home.api_tokens_file.exists()
    assert run(["token", "list"]) == 0
    assert "console" in capsys.readouterr().out
    assert run(["token", "revoke", "console"]) == 0
    assert _names(Path(gateway.access.token_file)) == set()


def test_given_another_cluster_file_when_named_then_its_tokens_are_meant(home: ClusterHome, tmp_path: Path) -> None:
    other = _cluster_file(tmp_path / "other.yaml", str(tmp_path / "elsewhere.json"))
    _make("console", "--cluster", str(other))
    assert _names(tmp_path / "elsewhere.json") == {"console"}
    assert run(["token", "revoke", "console", "--cluster", str(other)]) == 0
    assert _names(tmp_path / "elsewhere.json") == set()
    assert not home.api_tokens_file.exists()


@pytest.mark.parametrize("is_noted", [True, False])
def test_given_a_cluster_that_runs_when_its_files_change_then_the_tokens_are_still_those_of_its_gateway(
    home: ClusterHome, tmp_path: Path, is_noted: bool
) -> None:
    started_from = _cluster_file(tmp_path / "night.yaml", str(tmp_path / "night.json"))
    _cluster_file(tmp_path / "cluster" / "local.yaml", str(tmp_path / "usual.json"))
    noted = str(tmp_path / "night.json") if is_noted else ""  # one without a gateway has none
    with home.alone():
        home.record(RunningCluster("127.0.0.1:1", 0, (), str(started_from), "obsmodes", api_tokens=noted))
    try:
        if is_noted:
            _cluster_file(started_from, str(tmp_path / "tomorrow.json"))
        _make("console")
        assert _names(tmp_path / "night.json") == {"console"}
    finally:
        home.remove()
    _make("ui")
    assert _names(tmp_path / "usual.json") == {"ui"}
