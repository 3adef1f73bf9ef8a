"""How answers look on ESW's wire: status, header and body, down to those that are no objects.

The frozen lines in ``http_answers.json`` are ours; source: reference esw_sm 7.1 and 7.2.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.gateway.esw.answers import answered, failed
from ocs_ray.gateway.esw.location_book import DONE
from ocs_ray.gateway.esw.sequencer import step_list
from ocs_ray.models import esw_manager, esw_requests, esw_sequencer, locations, wire
from ocs_ray.models.commands import Setup
from ocs_ray.models.identifiers import Id, ObsMode
from ocs_ray.models.responses import Started
from ocs_ray.models.steps import Step, StepStatus

FROZEN = {line["answer"]: line for line in json.loads((Path(__file__).parent / "http_answers.json").read_text())}
PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "contract" / "sequencer_http_contract.json"
ID = Id("e1eaea0d-0781-40f2-b6eb-f52fd05e04b0")
STEP = Step(id=ID, command=Setup("CSW.ncc.trombone", "move", "2020A-001-123"), status=StepStatus.PENDING)
MANAGER = locations.Connection("ESW.sequence_manager", "Service", "http")
FOUND = locations.HttpLocation(connection=MANAGER, uri="http://127.0.0.1:8090/", metadata={})
TOLD: dict[str, Response] = {
    "unregistered": answered(DONE),
    "nothing found": answered([]),
    "one found": answered([FOUND]),
    "no sequence": answered([]),
    "a sequence": answered([step_list((STEP,))]),
    "yes": answered(True),
    "no": answered(False),
    "started": answered(Started(run_id=ID)),
    "a refusal that is an answer": answered(esw_manager.ConfigurationMissing(obs_mode=ObsMode("NoSuchMode"))),
    "no such sequencer": answered(esw_sequencer.InvalidComponent(msg="nobody")),
    "not listed": answered(locations.RegistrationListingFailed()),
    "silent": failed(TimeoutError("there was no final response of 1 within 10 s")),
    "gone": failed(
        UnreachableError(name="ESW.DarkNight-Sequencer", reason="is not running", remedy="see what runs: ocs status")
    ),
    "a fault of ours": failed(ZeroDivisionError("a secret of the house")),
    "malformed": failed(BadInputError("$.prefix", "XYZ is no subsystem", "write ESW, IRIS or another one of TMT's")),
}


def test_given_the_frozen_answers_then_each_is_made() -> None:
    assert FROZEN.keys() == TOLD.keys()


@pytest.mark.parametrize("name", FROZEN)
def test_given_an_answer_when_it_is_sent_then_status_header_and_body_are_esw_s(name: str) -> None:
    sent, frozen = TOLD[name], FROZEN[name]
    text = bytes(sent.body).decode()
    is_json = sent.headers["content-type"] == "application/json"
    assert (sent.status_code, json.loads(text) if is_json else text) == (frozen["status"], frozen["body"])
    assert sent.headers.get("Error-Type") == frozen.get("errorType")
    assert is_json is (sent.status_code != 400)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="ESW's published contract is not beside this checkout")
def test_given_esw_s_published_contract_of_a_sequencer_then_every_request_of_it_is_read_and_nothing_of_it_lost() -> (
    None
):
    published: dict[str, Any] = json.loads(PUBLISHED.read_text())
    examples = [line for lines in published["requests"].values() for line in lines]
    component = {"prefix": "ESW.DarkNight", "componentType": "Sequencer"}
    posts = [{"_type": "SequencerCommand", "componentId": component, "command": line} for line in examples]
    assert [wire.encode(wire.decode(esw_requests.PostRequest, post)) for post in posts] == posts
    without_example = {line["requestType"] for line in published["endpoints"]} - {line["_type"] for line in examples}
    for kind in without_example:
        assert wire.encode(wire.decode(esw_sequencer.SequencerRequest, {"_type": kind})) == {"_type": kind}
