"""``ocs sequencer``, from the command line to the message and back, without a cluster."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocs_ray.cli import cluster_session
from ocs_ray.cli.main import run
from ocs_ray.errors import UnreachableError
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState
from ocs_ray.models.procedure_messages import (
    CommandResult,
    GetProcedure,
    ProcedureChange,
    ProcedureStatus,
    SendCommand,
    WatchProcedure,
)
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.port import use_default_port

TOP = "ESW.IRIS_ImagerAndIFS"
AT = UTCTime("2026-11-22T03:00:00.000Z")
S = ProcedureState
GONE = UnreachableError(name=f"{TOP}-Sequencer", reason="is not registered", remedy="see what runs: ocs status")


def status(*states: ProcedureState, by: str = "SC", **more: Any) -> ProcedureStatus:
    """A procedure that went through these states, numbered by their place in S's order of this test."""
    changes = tuple(ProcedureChange(number=n, at=AT, state=state, by=by) for n, state in enumerate(states, 1))
    return ProcedureStatus(state=states[-1], number=len(changes), changes=changes, **more)


class Cluster:
    """One sequencer: its procedure goes through ``states`` once it was told something."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.before: ProcedureStatus | Exception = status(S.EXECUTE)
        self.after = status(S.EXECUTE, S.HOLDING, S.HELD)
        self.result = CommandResult(accepted=True, disposition="chosen", state=S.HOLDING)
        self.end: Exception | None = None

    @property
    def told(self) -> list[object]:
        return [message.message for message in self.asked if isinstance(message, SendCommand)]

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        assert name == f"{TOP}-Sequencer"
        self.asked.append(message)
        match message:
            case SendCommand():
                return self.result
            case GetProcedure() if isinstance(self.before, Exception):
                raise self.before
            case GetProcedure():
                return self.before
            case WatchProcedure(after=after) if self.end is not None and after >= self.after.number:
                raise self.end
            case WatchProcedure(after=after):
                if after >= self.after.number and message.timeout_s:
                    await asyncio.Event().wait()  # nothing changes any more
                new = tuple(change for change in self.after.changes if change.number > after)
                return self.after.model_copy(update={"changes": new})
            case _:
                raise AssertionError(message)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(cluster_session, "join", lambda: use_default_port(made))
    monkeypatch.setattr(cluster_session, "leave", lambda: None)
    return made


@pytest.mark.parametrize("command", list(ProcedureCommand))
def test_given_a_command_of_the_procedure_when_it_is_accepted_then_it_was_sent_and_one_line_is_told(
    command: ProcedureCommand, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequencer", command.lower(), TOP]) == 0
    assert cluster.told == [command.value]
    assert capsys.readouterr().out == f"{TOP}: {command} accepted, HOLDING\n"


@pytest.mark.parametrize("more", [[], ["--wait"], ["--json"]])
def test_given_a_refused_command_then_one_line_names_state_and_remedy_and_the_code_is_1(
    more: list[str], cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "RESUME is not accepted in EXECUTE"
    cluster.result = CommandResult(accepted=False, disposition="rejected", state=S.EXECUTE, reason=reason)
    assert run(["sequencer", "resume", TOP, *more]) == 1
    told = capsys.readouterr()
    remedy = f"it takes: ocs sequencer abort|stop|complete|suspend|hold {TOP}"
    assert told.err == f"ocs: RESUME of {TOP} was rejected in EXECUTE: {reason} ({remedy})\n"
    assert ("--json" in more) is bool(told.out)
    assert not told.out or json.loads(told.out)["accepted"] is False


def test_given_wait_when_the_state_is_reached_then_it_is_told_as_the_end(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequencer", "hold", TOP, "--wait"]) == 0
    assert capsys.readouterr().out == f"{TOP}: HOLD accepted, HELD\n"
    assert run(["sequencer", "hold", TOP, "--wait", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["reached"]) == ("HELD", True)


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("--wait {}", "60"),
        ("{} --wait", "60"),
        ("{} --wait --timeout 0.01", "0.01"),
        ("--timeout 0.01 {}", "0.01"),
    ],
)
def test_given_the_flag_wait_anywhere_then_it_waits_60_s_or_as_long_as_was_said(
    words: str, limit: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    over = (S.STOPPING, S.STOPPED) if limit == "60" else ()  # else nothing ever happens
    cluster.after = status(S.EXECUTE, S.HOLDING, *over)
    assert run(["sequencer", "hold", *words.format(TOP).split()]) == 1
    assert f"(waited for up to {limit} s)" in capsys.readouterr().err


def test_given_wait_when_a_child_does_not_follow_then_it_is_named_and_the_code_is_1(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.after = status(S.EXECUTE, S.HOLDING, waits_for=("IRIS.IRIS_ImagerAndIFS-Sequencer",))
    assert run(["sequencer", "hold", TOP, "--wait", "--timeout", "0"]) == 1
    assert "it is HOLDING (waited for up to 0 s): waits for: IRIS.IRIS_ImagerAndIFS-Seq" in capsys.readouterr().err


def test_given_wait_when_the_run_ends_before_it_is_held_then_nobody_waits_on(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.after = status(S.EXECUTE, S.HOLDING, S.STOPPING, S.STOPPED)
    assert run(["sequencer", "hold", TOP, "--wait"]) == 1
    assert "it is STOPPED (waited for up to 60 s): the run ended first" in capsys.readouterr().err


def test_given_state_then_where_it_stands_what_is_late_and_its_causes_are_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.before = status(S.EXECUTE, S.SUSPENDING, late="no checkpoint", causes=("TCS.weather.wind wind above 20",))
    assert run(["sequencer", "state", TOP]) == 0
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert told[:3] == [
        f"{TOP}: SUSPENDING",
        "late: no checkpoint",
        "external cause: TCS.weather.wind wind above 20",
    ]
    assert f"{AT} EXECUTE SC" in told
    assert run(["sequencer", "state", TOP, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "SUSPENDING"


def test_given_follow_then_the_last_change_and_every_new_one_is_a_line_until_the_sequencer_is_gone(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.end = GONE
    assert run(["sequencer", "follow", TOP]) == 1
    told = capsys.readouterr()
    assert [line.split()[1] for line in told.out.splitlines()] == ["EXECUTE", "HOLDING", "HELD"]
    assert told.err == f"ocs: {TOP}-Sequencer is not registered (see what runs: ocs status)\n"
    assert run(["sequencer", "follow", TOP, "--json"]) == 1
    assert [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()] == [1, 2, 3]


@pytest.mark.parametrize("verb", ["hold", "state", "follow"])
def test_given_a_sequencer_that_does_not_run_then_one_line_says_so(
    verb: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.before = GONE
    assert run(["sequencer", verb, TOP]) == 1
    assert capsys.readouterr().err == f"ocs: {TOP}-Sequencer is not registered (see what runs: ocs status)\n"


@pytest.mark.parametrize(
    "line", ["hold IRIS", "state XYZ.a", "hold ESW.x --timeout soon", "hold ESW.x --timeout -1", "pause ESW.x"]
)
def test_given_what_is_no_prefix_no_number_or_no_command_then_the_code_is_2(
    line: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequencer", *line.split()]) == 2
    assert capsys.readouterr().err.count("\n") == 1
