"""``ocs config``, with the cluster's answers from a folder in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.cli import cluster_session
from ocs_ray.cli.main import run
from ocs_ray.scripting.port import use_default_port
from ocs_ray.testing.local_observatory import LocalObservatory

PATH = "iris/filters.conf"


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder behind the commands."""

    def ask(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        use_default_port(LocalObservatory(config=tmp_path / "config"))
        return asyncio.run(work())

    monkeypatch.setattr(cluster_session, "ask", ask)
    (tmp_path / "new.conf").write_text("K")
    return tmp_path


def test_given_files_when_put_activated_and_looked_at_then_each_command_tells(
    cluster: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    new = cluster / "new.conf"
    assert run(["config", "put", PATH, str(new)]) == 0
    assert b"(active)" in capfdbinary.readouterr().out
    new.write_text("J")
    assert run(["config", "put", PATH, str(new), "--json"]) == 0
    kept = json.loads(capfdbinary.readouterr().out)
    assert not kept["active"]
    assert run(["config", "get", PATH]) == 0
    assert capfdbinary.readouterr().out == b"K"
    assert run(["config", "set-active", PATH, kept["version"]]) == 0
    assert run(["config", "history", PATH]) == 0
    assert run(["config", "list"]) == 0
    out = capfdbinary.readouterr().out.decode()
    assert out.count(kept["version"]) == 3
    assert "stored (UTC)" in out
    assert run(["config", "list", "--json"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["files"][0]["versions"] == 2
    assert run(["config", "history", PATH, "--json"]) == 0
    assert [v["active"] for v in json.loads(capfdbinary.readouterr().out)["versions"]] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["get", PATH], "there is no active version"),
        (["get", PATH, "--version", "abc"], "there is no version abc"),
        (["get", "../up"], "has the part '..'"),
        (["put", PATH, "/no/such/file"], "No such file"),
        (["set-active", PATH, "abc"], "it has no version abc"),
    ],
)
def test_given_what_is_not_there_when_asked_for_then_one_line_says_so(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1
