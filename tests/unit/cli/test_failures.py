"""Exit codes are a promise to scripts: 1 a failed run or operation, 2 bad input or no cluster, 130 interrupted."""

from __future__ import annotations

import pytest

from ocs_ray.cli.failures import Interrupted, exit_code, one_line
from ocs_ray.errors import (
    BadInputError,
    ClusterError,
    CommandError,
    RefusedError,
    ScriptError,
    StepFailedError,
    UnreachableError,
)

CODES = [
    (BadInputError(where="a.json: $[1]", problem="wrong", remedy="correct it"), 2),
    (ScriptError(prefix="ESW.a", file="a.py", line=3, problem="invalid syntax"), 2),
    (ClusterError(problem="no cluster is up", remedy="ocs up"), 2),
    (RefusedError(state="", message_type="configure", msg="refused"), 1),
    (UnreachableError(name="ESW.a-Sequencer", reason="died", remedy=""), 1),
    (CommandError(target="ESW.a", command="c", run_id="r", outcome="Error", reason="stuck"), 1),
    (StepFailedError(reason="stuck"), 1),
    (ValueError("nobody expected this"), 1),
    (Interrupted(), 130),
    (KeyboardInterrupt(), 130),
]


@pytest.mark.parametrize(("failure", "code"), CODES, ids=lambda value: type(value).__name__)
def test_given_any_failure_when_the_command_ends_then_its_exit_code_is_the_promised_one(
    failure: BaseException, code: int
) -> None:
    assert exit_code(failure) == code


@pytest.mark.parametrize(("failure", "code"), CODES, ids=lambda value: type(value).__name__)
def test_given_any_failure_when_it_is_told_then_it_is_one_line_without_a_traceback(
    failure: BaseException, code: int
) -> None:
    text = one_line(failure)
    assert text
    assert "\n" not in text
    assert "Traceback" not in text


def test_given_a_failure_of_several_lines_when_it_is_told_then_they_are_joined() -> None:
    assert one_line(ClusterError(problem="first\n\n  second", remedy="")) == "first; second"


def test_given_an_unexpected_failure_when_it_is_told_then_its_type_and_the_way_to_the_details_are_named() -> None:
    assert one_line(ValueError("odd")) == "unexpected ValueError: odd (the details come with OCS_DEBUG=1)"


def test_given_a_failure_inside_an_actor_when_it_is_told_then_its_cause_is_and_not_the_actor_s_traceback() -> None:
    class Wrapped(Exception):
        cause = TypeError("ESW.a does not understand Sing")

    text = one_line(Wrapped("ray::ask()\n  File ...\nTypeError: ESW.a does not understand Sing"))
    assert text.startswith("unexpected TypeError: ESW.a does not understand Sing (")
