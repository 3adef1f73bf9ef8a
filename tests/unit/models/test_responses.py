from __future__ import annotations

import pickle
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.keys import int_key
from ocs_ray.models.responses import (
    Accepted,
    Cancelled,
    CommandIssue,
    Completed,
    Error,
    Invalid,
    IssueType,
    Locked,
    Result,
    Started,
)

ISSUE = CommandIssue(IssueType.UnsupportedCommandIssue, "no such filter")
TABLE = [  # source: csw CommandResponse.scala, isFinal, isNegative, isStarted, isCompleted
    (Started("1"), "started", ""),
    (Completed("1"), "completed final", ""),
    (Error("1", "stuck"), "final negative", "stuck"),
    (Invalid("1", ISSUE), "final negative", "UnsupportedCommandIssue: no such filter"),
    (Cancelled("1"), "final negative", "cancelled"),
    (Locked("1"), "final negative", "locked"),
    (Accepted("1"), "final", ""),
]


@pytest.mark.parametrize(("response", "is_so", "reason"), TABLE, ids=[row[0].kind for row in TABLE])
def test_given_each_response_then_its_predicates_and_reason_are_csw_s(response: Any, is_so: str, reason: str) -> None:
    names = ("started", "completed", "final", "negative")
    assert {name for name in names if getattr(response, f"is_{name}")} == set(is_so.split())
    assert response.reason == reason
    assert pickle.loads(pickle.dumps(response)) == response


def test_given_a_result_when_completed_then_it_can_be_read() -> None:
    key = int_key("a")
    assert Completed("1", Result(key.set(5))).result[key].head() == 5
    assert Completed("1").result == Result()


def test_given_an_unknown_issue_when_made_then_the_nearest_one_is_named() -> None:
    with pytest.raises(BadInputError) as refused:
        CommandIssue("HCDBusy", "x")
    assert refused.value.where == "CommandIssue.type"
    assert refused.value.remedy.startswith("did you mean 'HCDBusyIssue'?")
