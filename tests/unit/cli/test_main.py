"""The command line as a person meets it, without any cluster: nothing here may start one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ocs_ray
from ocs_ray.cli import cluster_session
from ocs_ray.cli.main import run
from ocs_ray.errors import BadInputError

REPO = Path(__file__).parents[3]
SEQUENCE = '[{"_type": "Setup", "source": "ESW.a", "commandName": "c", "paramSet": []}]'


@pytest.fixture(autouse=True)
def no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without a cluster; starting one fails the test."""

    def started(*_: object) -> None:
        pytest.fail("a cluster was started")

    monkeypatch.setattr(cluster_session, "bring_up", started)
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    monkeypatch.delenv("OCS_DEBUG", raising=False)


@pytest.fixture
def sequence(tmp_path: Path) -> str:
    file = tmp_path / "night.json"
    file.write_text(SEQUENCE)
    return str(file)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What stands on standard error: exactly one line; nothing stands on standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ocs: ")
    assert err.count("\n") == 1
    return err


def test_given_version_when_asked_then_it_is_told_and_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ocs_ray {ocs_ray.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["observe", "--help"]])
def test_given_help_when_asked_then_it_is_shown_and_all_is_well(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 0
    assert "Usage: ocs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--version"], {"ray", "rich", "typer", "pydantic", "asyncio"}),
        (["--help"], {"ray", "pydantic", "asyncio"}),
    ],
)
def test_given_a_quick_question_when_it_is_answered_then_nothing_slow_was_imported(
    arguments: list[str], forbidden: set[str]
) -> None:
    code = f"import sys; from ocs_ray.cli.main import run; run({arguments}); print(); print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO)
    assert not forbidden & set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dance"], "'dance'"),
        (["up", "--loud"], "--loud"),
        (["observe"], "SEQUENCE.json"),
        (["observe", "night.json"], "--mode"),
        (["up", "--time-factor", "fast"], "--time-factor"),
        (["up", "--time-factor", "0"], "--time-factor"),
        (["demo", "--time-factor", "nan"], "--time-factor"),
        (["demo", "--time-factor", "inf"], "--time-factor"),
        (["configure"], "MODE"),
    ],
)
def test_given_a_misused_command_line_when_run_then_one_line_points_to_the_help(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    text = told(capsys)
    assert named in text
    assert "--help" in text


def test_given_a_missing_sequence_file_when_observed_then_nothing_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["observe", str(tmp_path / "night.json"), "--mode", "IRIS_ImagerOnly"]) == 2
    assert "night.json: there is no such sequence file" in told(capsys)


def test_given_a_bad_sequence_file_when_observed_then_nothing_is_started(
    sequence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(sequence).write_text(SEQUENCE.replace("Setup", "Set"))
    assert run(["observe", sequence, "--mode", "IRIS_ImagerOnly"]) == 2
    assert "night.json: $[0]" in told(capsys)


def test_given_an_unknown_mode_when_observed_then_the_known_are_listed_and_nothing_is_started(
    sequence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["observe", sequence, "--mode", "nope"]) == 2
    text = told(capsys)
    assert "unknown observing mode 'nope'" in text
    assert "WFOS_Cal" in text


def test_given_a_sequencer_the_mode_has_not_when_observed_then_nothing_is_started(
    sequence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["observe", sequence, "--mode", "WFOS_Cal", "--to", "IRIS"]) == 2
    assert "it has: ESW, WFOS" in told(capsys)


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json"], ["modes"], ["configure", "WFOS_Cal"], ["provision"]]
)
def test_given_no_cluster_when_it_is_asked_something_then_the_way_to_start_it_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "start it with: ocs up" in told(capsys)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such provision file"),
        (["ESW.machine1"], "no such provision file"),
        (["ESW.machine1=two"], "ESW.machine1=two"),
        (["ESW.machine1=1", "ESW.machine1=2"], "given twice"),
    ],
)
def test_given_counts_that_make_no_sense_when_provisioned_then_the_word_is_named(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["provision", *words]) == 2
    assert named in told(capsys)


def test_given_a_bad_cluster_file_when_brought_up_then_file_and_line_are_named_and_nothing_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tonight.yaml"
    file.write_text("node:\n  resources: []\nmachines:\n  ESW-machine1: x\n")
    assert run(["up", "--cluster", str(file)]) == 2
    assert "tonight.yaml:4" in told(capsys)


def test_given_a_catalogue_that_is_none_when_brought_up_then_it_is_named_and_nothing_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", "--obsmodes", str(tmp_path / "none")]) == 2
    assert "there is no such catalogue" in told(capsys)


def test_given_no_cluster_when_taken_down_then_that_is_said_and_all_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["down"]) == 0
    assert capsys.readouterr().out == f"no cluster was up for {tmp_path}\n"


def test_given_an_unexpected_failure_when_run_then_it_is_one_line_and_the_details_come_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(cluster_session, "take_down", broken)
    assert run(["down"]) == 1
    assert "unexpected ValueError: odd" in told(capsys)
    monkeypatch.setenv("OCS_DEBUG", "1")
    assert run(["down"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_given_a_signal_when_a_command_runs_then_it_ends_as_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import os
    import signal

    def slow(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(cluster_session, "bring_up", slow)
    before = signal.getsignal(signal.SIGINT)
    assert run(["up"]) == 130
    assert told(capsys) == "ocs: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_given_a_faulty_catalogue_when_a_mode_is_looked_for_then_the_fault_is_told(
    sequence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty(_: object) -> None:
        raise BadInputError(where="mode.yaml:1", problem="not YAML", remedy="correct it")

    monkeypatch.setattr("ocs_ray.cli.observation_request.read_catalogue", faulty)
    assert run(["observe", sequence, "--mode", "WFOS_Cal"]) == 2
    assert "mode.yaml:1" in told(capsys)
