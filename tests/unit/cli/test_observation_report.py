"""What is left of an observation: table, document, one sentence."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from ocs_ray.cli.observation_report import Observation, document, failure_text, table
from ocs_ray.models.responses import Cancelled, CommandIssue, Completed, Error, Invalid


def squeezed(line: str) -> str:
    return " ".join(line.split())


@pytest.fixture
def seen(stage) -> Any:
    def make(response: object, *steps: str, problem: str = "") -> Observation:
        return Observation(
            mode="IRIS_ImagerOnly",
            sequencer=stage.top,
            run_id="r1",
            response=response,  # type: ignore[arg-type]
            problem=problem,
            steps=stage.steps(*steps),
            events=(stage.event(),),
            elapsed_s=3.25,
            time_factor=0.05,
        )

    return make


OUTCOMES = [
    (Completed("r1"), ("Success 0 1",), 0, ""),
    (Error("r1", "StepId: x"), ("Success 0 1", "Failure 1 2"), 1, "step 2/2 preset failed: the wheel is stuck"),
    (Error("r1", "hook failed"), (), 1, "ESW.IRIS_ImagerOnly answered Error: hook failed"),
    (
        Invalid("r1", CommandIssue("OtherIssue", "busy")),
        (),
        1,
        "ESW.IRIS_ImagerOnly answered Invalid: OtherIssue: busy",
    ),
    (Cancelled("r1"), ("Success 0 1", "Cancelled"), 1, "the sequence was cancelled after 1 of 2 steps"),
    (None, ("InFlight 0",), 1, "the sequence was lost: it died"),
]


@pytest.mark.parametrize(("response", "steps", "code", "text"), OUTCOMES)
def test_given_any_outcome_when_it_is_reported_then_exit_code_and_sentence_fit_it(
    response: object, steps: tuple[str, ...], code: int, text: str, seen
) -> None:
    observation = seen(response, *steps, problem="it died")
    assert observation.exit_code == code
    assert failure_text(observation) == text


def test_given_an_observation_when_it_becomes_a_document_then_it_has_the_promised_shape(seen) -> None:
    found = json.loads(json.dumps(document(seen(Completed("r1"), "Success 10 12.5", "Pending"))))
    assert found["mode"] == "IRIS_ImagerOnly"
    assert found["sequencer"] == "ESW.IRIS_ImagerOnly"
    assert found["run_id"] == "r1"
    assert found["response"] == {"_type": "Completed", "runId": "r1", "result": {"paramSet": []}}
    assert found["problem"] is None
    assert found["elapsed_s"] == 3.25
    assert found["steps"] == [
        {
            "id": "step0",
            "name": "observationStart",
            "type": "Setup",
            "status": "Success",
            "message": "",
            "started_at": 10.0,
            "ended_at": 12.5,
            "duration_s": 2.5,
        },
        {
            "id": "step1",
            "name": "preset",
            "type": "Setup",
            "status": "Pending",
            "message": "",
            "started_at": None,
            "ended_at": None,
            "duration_s": None,
        },
    ]
    assert [event["eventName"] for event in found["observe_events"]] == ["ObserveEvent.ExposureStart"]


def test_given_a_lost_observation_when_it_becomes_a_document_then_the_response_is_null_and_the_problem_told(
    seen,
) -> None:
    found = document(seen(None, "InFlight 0", problem="it died"))
    assert found["response"] is None
    assert found["problem"] == "the sequence was lost: it died"


def test_given_an_observation_when_its_table_is_printed_then_steps_durations_and_total_are_there(seen) -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table(seen(Completed("r1"), "Success 10 12.5", "Success 13 13.1")))
    lines = [squeezed(line) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[0] == "IRIS_ImagerOnly: Completed in 3.2 s"
    assert lines[2] == "1 Setup observationStart Success 00:00:10.0 2.5 s"
    assert lines[3] == "2 Setup preset Success 00:00:13.0 0.1 s"
    assert lines[4] == "total Completed 3.2 s"
