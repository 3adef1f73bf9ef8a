"""Script packages as their users meet them: ``ocs seq`` and ``ocs inst``. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import REPO, Ocs, make_ocs

ONE_MACHINE = """
node: {resources: ["machine:ESW.machine1"]}
machines: {ESW.machine1: "machine:ESW.machine1"}
instances: {per_package: 2}
"""
SEED = """
def count(initial_number=0, length=1000):
    for i in range(initial_number, initial_number + length):
        yield i
"""
WAITING = "import time\n\ndef run(ctx):\n    ctx.emit('up', {'n': 1})\n    time.sleep(600)\n"
EXPECTED = "".join(f"{n}\n" for n in range(3000, 3010))


def source(folder: Path, program: str, **fields: Any) -> str:
    folder.mkdir()
    (folder / "index.py").write_text(program)
    manifest = {"name": f"@example/{folder.name}", "version": "0.1.1", "main": "./index.py", **fields}
    (folder / "package.json").write_text(json.dumps(manifest))
    return str(folder)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ocs]:
    """A cluster of one machine without devices."""
    project = tmp_path_factory.mktemp("packages")
    (project / "cluster").mkdir()
    (project / "cluster" / "local.yaml").write_text(ONE_MACHINE)
    (project / "obsmodes").symlink_to(REPO / "obsmodes")
    made = make_ocs(project)
    try:
        made.good("up")
        yield made
    finally:
        made.close()


def test_given_the_seed_s_example_when_its_commands_are_typed_then_its_lines_come_out(
    platform: Ocs, tmp_path: Path
) -> None:
    folder = source(tmp_path / "my-sequence", SEED)
    assert "no package was packed yet" in platform.refused(2, "seq", "send", "-")  # case 6
    platform.good("seq", "pack", folder, "-o", str(tmp_path / "seed.tar.gz"))
    sent = platform.good("seq", "send", "-", "--json").document
    assert sent["record"]["digest"].startswith("sha256:")
    started = platform.good("seq", "start", "-", "3000", "10", "--json").document
    assert started["args"] == [3000, 10]  # case 15
    for _ in range(2):  # cases 17, 20
        assert platform.good("inst", "output", "-").out == EXPECTED
    assert platform.good("inst", "output", "-", "--tail", "1").out == "3009\n"
    assert platform.good("inst", "info", "-", "--json").document["terminated"]["exit_code"] == 0
    assert "its signature is count" in platform.refused(2, "seq", "start", "-", "1", "2", "3")  # case 18
    assert "given twice" in platform.refused(2, "seq", "start", "-", "1", "--args", "[1]")  # case 15
    assert "changes nothing" in platform.refused(1, "inst", "kill", started["id"])  # case 26


def test_given_a_running_instance_when_its_package_changes_then_that_is_refused_until_it_ends(
    platform: Ocs, tmp_path: Path
) -> None:
    folder = source(tmp_path / "waiting", WAITING)
    started = platform.good("seq", "deploy", folder, "--json").document
    assert platform.good("inst", "event", "on", started["id"][:8], "up").out == '{"n": 1}\n'  # case 29
    assert platform.good("inst", "health", "-", "--json").document["healthy"] is True
    assert "instances that are alive" in platform.refused(1, "seq", "delete", "-")  # case 10
    newer = source(tmp_path / "newer", WAITING, name="@example/waiting", version="0.2.0")
    assert "end them first" in platform.refused(1, "seq", "update", "@example/waiting", newer)  # case 12
    other = source(tmp_path / "other", WAITING)
    assert "nothing was sent" in platform.refused(2, "seq", "update", "@example/waiting", other)
    assert "there is no package" in platform.refused(2, "seq", "info", "@example/other")
    platform.good("seq", "start", "@example/waiting")
    assert "allows 2; one has to end first" in platform.refused(1, "seq", "start", "@example/waiting")  # case 14
    ended = platform.good("inst", "stop", started["id"], "--json").document
    assert (ended["status"], ended["terminated"]["exit_code"]) == ("completed", 138)
    gone = platform.good("seq", "delete", "@example/waiting", "--force", "--json").document
    assert [record["manifest"]["name"] for record in gone["deleted"]] == ["@example/waiting"]
    shown = platform.good("inst", "list", "--json").document["instances"]
    assert all(record["status"] != "running" for record in shown)


def test_given_a_faulty_program_when_sent_then_one_line_names_file_and_line(platform: Ocs, tmp_path: Path) -> None:
    folder = source(tmp_path / "faulty", "import nowhere_at_all\n\ndef run(): ...\n")
    assert "index.py:1: ModuleNotFoundError" in platform.refused(2, "seq", "deploy", folder)  # case 19


def test_given_a_cluster_that_went_down_when_up_again_then_packages_and_outputs_are_there(
    platform: Ocs, tmp_path: Path
) -> None:
    platform.good("seq", "deploy", source(tmp_path / "kept", SEED), "3000", "10")
    platform.good("seq", "deploy", source(tmp_path / "alive", WAITING))
    alive = platform.good("inst", "info", "-", "--json").document
    platform.good("down")
    assert not Path(f"/proc/{alive['process_id']}").exists()
    platform.good("up")  # case 30
    listed = platform.good("seq", "list", "--json").document["packages"]
    names = [info["record"]["manifest"]["name"] for info in listed]
    assert {"@example/kept", "@example/alive"} <= set(names)
    instances = {each["name"]: each for each in platform.good("inst", "list", "--json").document["instances"]}
    assert instances["@example/alive"]["terminated"]["exit_code"] == 138
    assert platform.good("inst", "output", instances["@example/kept"]["id"]).out == EXPECTED
