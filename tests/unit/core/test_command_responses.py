"""A device's commands: query, wait, forget. Source: csw CommandResponseManager."""

from __future__ import annotations

from ocs_ray.core.command_responses import RUNS_KEPT, CommandResponses
from ocs_ray.models.responses import Completed, Invalid, IssueType, Result, Started


def completed(run_id: str) -> Completed:
    return Completed(run_id=run_id, result=Result())


def test_given_a_running_command_when_queried_then_started_and_at_the_end_its_response() -> None:
    runs = CommandResponses()
    runs.started("r1", "SELECT")
    assert (runs.query("r1"), runs.running) == (Started(run_id="r1"), ("SELECT",))
    assert runs.query_final("r1", ask=7) is None
    assert runs.ended(completed("r1")) == [7]
    assert (runs.query("r1"), runs.running) == (completed("r1"), ())
    assert runs.query_final("r1", ask=8) == completed("r1")


def test_given_an_unknown_run_when_queried_then_invalid_says_so() -> None:
    reply = CommandResponses().query("r9")
    assert isinstance(reply, Invalid)
    assert reply.issue.type is IssueType.IdNotAvailableIssue


def test_given_a_waiter_that_gave_up_when_the_command_ends_then_it_is_not_answered() -> None:
    runs = CommandResponses()
    runs.started("r1", "SELECT")
    runs.query_final("r1", ask=1)
    runs.query_final("r1", ask=2)
    runs.waiters.forget(1)
    assert runs.ended(completed("r1")) == [2]


def test_given_many_commands_when_they_end_then_the_oldest_responses_go() -> None:
    runs = CommandResponses()
    for n in range(RUNS_KEPT + 1):
        runs.started(f"r{n}", "SELECT")
        runs.ended(completed(f"r{n}"))
    assert isinstance(runs.query("r0"), Invalid)
    assert runs.query("r1") == completed("r1")
