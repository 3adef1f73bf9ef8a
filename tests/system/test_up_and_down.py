"""The life of a cluster: up, up again, seen, killed, up again, down."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import yaml

from ocs_ray.location.cluster_home import ClusterHome

REPO = Path(__file__).parents[2]
MACHINES = ["ESW.machine1", "IRIS.machine1", "TCS.machine1", "WFOS.machine1", "AOESW.machine1"]


def test_given_nothing_when_brought_up_twice_at_once_and_taken_down_then_each_command_says_what_it_did(
    ocs: Any, tmp_path: Path
) -> None:
    content = yaml.safe_load((REPO / "cluster" / "local.yaml").read_text())
    file = tmp_path / "few.yaml"  # all machines, and one device: it starts sooner
    content["devices"] = {"IRIS.machine1": content["devices"]["IRIS.machine1"][:1]}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    ocs.environment["OCS_CLUSTER_FILE"] = str(file)
    first = ocs.start("up")
    first.wait_for("starting Ray")
    second = ocs.start("up")
    second.wait_for("waiting for another ocs command")
    assert first.end().code == 0
    told = second.end()
    assert told.code == 0
    assert f"the cluster is already up: {', '.join(MACHINES)}" in told.out

    seen = ocs.good("status", "--json").document
    assert {machine["prefix"] for machine in seen["machines"]} == set(MACHINES)
    assert all(machine["alive"] for machine in seen["machines"])
    assert seen["project"] == str(ocs.project)
    assert seen["sequence_components"] == seen["sequencers"] == seen["running_obs_modes"] == []
    assert [(device["prefix"], device["machine"]) for device in seen["devices"]] == [
        ("IRIS.imager.filter", "IRIS.machine1")
    ]

    assert "the cluster is down" in ocs.good("down").out
    ocs.assert_nothing_is_left()
    assert "no cluster was up" in ocs.good("down").out


def test_given_a_cluster_whose_owner_was_killed_when_taken_down_then_what_is_left_of_it_ends(
    ocs: Any, tmp_path: Path
) -> None:
    small = tmp_path / "small.yaml"
    small.write_text("node: {resources: [here]}\nmachines: {ESW.machine1: here}\n")
    ocs.good("up", "--cluster", str(small))
    assert f"it was started from {small}" in ocs.good("up", "--cluster", str(REPO / "cluster" / "local.yaml")).err
    owner = next(p for p in ocs.processes() if "ocs_ray.cli.node" in p.cmdline())
    owner.kill()
    owner.wait(10)
    assert "no cluster is up" in ocs.refused(2, "status")
    ocs.good("down")
    ocs.assert_nothing_is_left()


def test_given_a_machine_no_node_offers_when_brought_up_then_it_is_named_and_nothing_is_left(
    ocs: Any, tmp_path: Path
) -> None:
    file = tmp_path / "tonight.yaml"
    file.write_text("node: {resources: [here]}\nmachines: {ESW.machine1: here, IRIS.machine1: there}\n")
    told = ocs.refused(2, "up", "--cluster", str(file))
    assert "no node offers the machine IRIS.machine1 (resource 'there')" in told
    assert "cluster file" in told
    ocs.assert_no_process_is_left()


def test_given_a_start_when_interrupted_then_the_half_started_cluster_is_gone(ocs: Any) -> None:
    starting = ocs.start("up")
    starting.wait_for("starting the services")
    starting.press(signal.SIGINT)
    ended = starting.end()
    assert ended.code == 130
    assert ended.err == "ocs: interrupted\n"
    ocs.assert_no_process_is_left()


def test_given_too_few_open_files_for_ray_when_brought_up_then_one_line_names_log_and_reasons_and_nothing_is_left(
    ocs: Any,
) -> None:
    ocs.launcher = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
    ocs.environment["RAY_gcs_server_port_wait_time_s"] = "2"  # Ray itself would wait 30 s before it gives up
    told = ocs.refused(2, "up")
    assert "Ray does not start" in told
    assert "node.log" in told
    assert "open-file limits" in told
    ocs.assert_no_process_is_left()
    ocs.launcher = ()


def test_given_something_in_the_way_of_the_clusters_folder_when_brought_up_then_one_line_says_what_to_do(
    ocs: Any,
) -> None:
    in_the_way = ocs.tmp / f"ocs-{ClusterHome(ocs.project).cluster_id}"
    in_the_way.touch()
    assert "set TMPDIR to a folder you may write" in ocs.refused(2, "up")
    in_the_way.unlink()


def test_given_a_script_with_a_shutdown_hook_when_the_cluster_is_taken_down_then_the_hook_ran(
    ocs: Any, tmp_path: Path
) -> None:
    mode = ocs.project / "obsmodes" / "Dark"
    mode.mkdir(parents=True)
    (mode / "mode.yaml").write_text("resources: [IRIS]\nsequencers: {ESW: esw.py}\n")
    mark = tmp_path / "hook-ran"
    (mode / "esw.py").write_text(
        "from pathlib import Path\nfrom ocs_ray.scripting import ScriptContext, script\n\n"
        "@script\nasync def lead(ctx: ScriptContext) -> None:\n    @ctx.on_shutdown\n"
        f"    async def leave() -> None:\n        Path({str(mark)!r}).touch()\n"
    )
    file = tmp_path / "one.yaml"
    file.write_text("node: {resources: [r]}\nmachines: {ESW.machine1: r}\nprovision: {ESW.machine1: 1}\n")
    ocs.good("up", "--cluster", str(file))
    ocs.good("provision")
    ocs.good("configure", "Dark")
    ocs.good("down")
    assert mark.exists()
