"""Nothing that changes the observatory is open: every request of ESW's contract, every route of our own API.

The lists are made from the application itself; what is added is looked at as well. Examples of ESW's requests:
reference esw_sm 7.4 to 7.7, esw_sequencer 5.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from ocs_ray.core.access_rules import INSIDE, NEEDS, Need, is_read
from ocs_ray.core.message_recipients import understands
from ocs_ray.gateway.app import create_app
from ocs_ray.models.actor_names import (
    ALARM_SERVICE,
    CONFIG_SERVICE,
    EVENT_SERVICE,
    PACKAGE_SERVICE,
    SEQUENCE_MANAGER,
)
from ocs_ray.models.esw_requests import PostRequest, StreamRequest
from ocs_ray.models.esw_sequencer import SequencerRequest, SequencerStreamRequest
from ocs_ray.models.message_kinds import MESSAGES
from ocs_ray.models.wire import decode

from .played_gateway import Client, Gateway

CONNECTION = {"prefix": "IRIS.filter", "componentType": "Assembly", "connectionType": "http"}
SETUP = {"_type": "Setup", "source": "ESW.a", "commandName": "move", "paramSet": []}
ONE = {"subsystem": "IRIS", "obsMode": "DarkNight", "variation": []}
MACHINE = {"agentPrefix": "ESW.machine1"}
REGISTRATION = {
    "_type": "HttpRegistration",
    "connection": CONNECTION,
    "port": 8080,
    "path": "",
    "networkType": {"_type": "Outside"},
    "metadata": {},
}
ESW: dict[str, dict[str, Any]] = {
    "Configure": {"obsMode": "DarkNight"},
    "Provision": {"config": {"config": [{"agentPrefix": "ESW.machine1", "countOfSeqComps": 1}]}},
    "GetObsModesDetails": {},
    "StartSequencer": ONE,
    "RestartSequencer": ONE,
    "ShutdownSequencer": ONE,
    "ShutdownSubsystemSequencers": {"subsystem": "IRIS"},
    "ShutdownObsModeSequencers": {"obsMode": "DarkNight"},
    "ShutdownAllSequencers": {},
    "ShutdownSequenceComponent": {"prefix": "IRIS.IRIS_1"},
    "ShutdownAllSequenceComponents": {},
    "GetResources": {},
    "SpawnSequenceComponent": {**MACHINE, "componentName": "IRIS_5", "version": []},
    "SpawnSequenceManager": {**MACHINE, "obsModeConfigPath": "/m.conf", "isConfigLocal": True, "version": []},
    "SpawnContainers": {**MACHINE, "hostConfigPath": "/h.conf", "isConfigLocal": True},
    "KillComponent": {"componentId": {"prefix": "IRIS.IRIS_1", "componentType": "SequenceComponent"}},
    "GetAgentStatus": {},
    "ListEntries": {},
    "ListByComponentType": {"componentType": "HCD"},
    "ListByHostname": {"hostname": "localhost"},
    "ListByConnectionType": {"connectionType": "http"},
    "ListByPrefix": {"prefix": "IRIS"},
    "Find": {"connection": CONNECTION},
    "Resolve": {"connection": CONNECTION, "within": "1 seconds"},
    "Register": {"registration": REGISTRATION},
    "Unregister": {"connection": CONNECTION},
    "UnregisterAll": {},
}
SEQUENCER: dict[str, dict[str, Any]] = {
    **{kind: {"sequence": [SETUP]} for kind in ("LoadSequence", "Submit")},
    **{kind: {"commands": [SETUP]} for kind in ("Add", "Prepend")},
    **{kind: {"id": "s1", "commands": [SETUP]} for kind in ("Replace", "InsertAfter")},
    **{kind: {"id": "s1"} for kind in ("Delete", "AddBreakpoint", "RemoveBreakpoint")},
    **{kind: {} for kind in ("StartSequence", "Reset", "Pause", "Resume", "AbortSequence", "Stop", "OperationsMode")},
    **{kind: {} for kind in ("GoOnline", "GoOffline", "IsOnline", "IsAvailable", "GetSequence", "GetSequencerState")},
    "GetSequenceComponent": {},
    "Query": {"runId": "r1"},
    "DiagnosticMode": {"startTime": "2027-01-01T00:00:00Z", "hint": "h"},
}
NO_TOKEN = "The resource requires authentication, which was not supplied with the request"
WRONG_ROLE = "The supplied authentication is not authorized to access this resource"
METHODS = ("post", "put", "patch", "delete")
RUN = "4a6f0b1e-8d5c-4a53-9a0e-0a6a5f0c9d11"
EXAMPLES = {"prefix": "IRIS.IRIS_ImagerOnly", "component_type": "Assembly", "name": "IRIS.IRIS_ImagerOnly-Sequencer"}


def _kinds(union: Any) -> set[str]:
    if hasattr(union, "model_fields"):
        return {union.model_fields["kind"].default}
    return set().union(*(_kinds(member) for member in get_args(union) if get_args(member) or isinstance(member, type)))


def _esw_requests() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, kind and body of every request of the contract, sequencers' ones both ways."""
    for kind, fields in ESW.items():
        yield "/post-endpoint", kind, {"_type": kind, **fields}
    iris = {"prefix": "IRIS.IRIS_ImagerOnly", "componentType": "Sequencer"}
    for kind, fields in SEQUENCER.items():
        command = {"_type": kind, **fields}
        yield "/post-endpoint", kind, {"_type": "SequencerCommand", "componentId": iris, "command": command}
        yield "/sequencer/IRIS.IRIS_ImagerOnly/post-endpoint", kind, command


CHANGES = [pytest.param(*each, id=f"{each[1]} {each[0]}") for each in _esw_requests() if not is_read(each[1])]


class Whole(Gateway):
    """The gateway as it is served, with all its routes."""

    def app(self, **settings: Any) -> Any:
        return create_app(self.settings.model_copy(update=settings), self.port)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
def client(whole: Whole) -> Client:
    return Client(whole.app())


@pytest.fixture(scope="module")
def wrong(whole: Whole) -> dict[str, str]:
    """Somebody who is known, and may change nothing here."""
    return whole.headers("weather-user", name="weather")


def test_given_esw_s_contract_when_compared_with_the_examples_then_none_is_missing_and_each_is_in_the_table() -> None:
    assert _kinds(PostRequest) == {*ESW, "SequencerCommand"}
    assert _kinds(SequencerRequest) == set(SEQUENCER)
    streams = (_kinds(StreamRequest) - {"SequencerCommand"}) | _kinds(SequencerStreamRequest)
    assert all(is_read(kind) for kind in streams)  # what comes by WebSocket changes nothing
    assert {*ESW, *SEQUENCER} - set(NEEDS) == set()
    for path, _, body in _esw_requests():
        decode(PostRequest if path == "/post-endpoint" else SequencerRequest, body)
    assert len(CHANGES) == 14 + 3 + 2 * 19


@pytest.mark.parametrize(("path", "kind", "body"), CHANGES)
def test_given_a_change_of_esw_s_contract_when_unknown_or_of_another_role_then_401_and_403(
    whole: Whole, client: Client, wrong: dict[str, str], path: str, kind: str, body: dict[str, Any]
) -> None:
    unknown = client.post(path, json=body)
    assert (unknown.status_code, unknown.text) == (401, NO_TOKEN), kind
    assert "www-authenticate" in unknown.headers
    known = client.post(path, json=body, headers=wrong)
    assert (known.status_code, known.text) == (403, WRONG_ROLE), kind
    assert whole.port.asked == []


def _api_changes(app: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every operation that may change something; once for each choice a part of the path has."""
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method in set(METHODS) & set(operations):
            parameters = [*operations.get("parameters", ()), *operations[method].get("parameters", ())]
            parts = {each["name"]: _choices(each, document) for each in parameters if each["in"] == "path"}
            for chosen in product(*parts.values()):
                given = dict(zip(parts, chosen, strict=True))
                yield method.upper(), re.sub(r"\{(\w+)(:path)?\}", lambda found, g=given: g[found[1]], path)


def _choices(parameter: dict[str, Any], document: dict[str, Any]) -> list[str]:
    schema = parameter.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"]
    examples = [*schema.get("examples", ()), parameter.get("example"), EXAMPLES.get(parameter["name"]), RUN]
    return [next(str(each) for each in examples if each)]


def test_given_every_changing_route_of_our_api_when_unknown_or_of_another_role_then_401_and_403(
    whole: Whole, client: Client, wrong: dict[str, str]
) -> None:
    changes = list(_api_changes(whole.app()))
    assert len(changes) > 30
    for method, path in changes:
        body = {"kind": "Pause"}  # what the door for any message takes; others refuse before they look at it
        unknown = client.request(method, path, json=body)
        assert unknown.status_code == 401, (method, path, unknown.text)
        assert unknown.headers["content-type"] == "application/problem+json", (method, path)
        known = client.request(method, path, json=body, headers=wrong)
        assert known.status_code == 403, (method, path, known.text)
        assert known.headers["content-type"] == "application/problem+json", (method, path)
    assert whole.port.asked == []


KEY = {"key": {"prefix": "IRIS.imager", "name": "tooWarm"}}
EVENT = {
    **{"_type": "SystemEvent", "eventId": "e1", "source": "IRIS.imager", "eventName": "position"},
    **{"eventTime": "2027-01-01T00:00:00Z", "paramSet": []},
}
ABOUT_SOMEBODY: dict[str, dict[str, Any]] = {  # who they are about stands in them
    "Publish": {"event": EVENT},
    "SetSeverity": {**KEY, "severity": "Major"},
    "AcknowledgeAlarm": KEY,
    "ResetAlarm": KEY,
}
ACTORS = (
    *("IRIS.a-Sequencer", "IRIS.a-Assembly", "IRIS.machine1-Machine", SEQUENCE_MANAGER, ALARM_SERVICE, EVENT_SERVICE),
    *(CONFIG_SERVICE, PACKAGE_SERVICE, "CSW.instances_here-Service"),
)
SENT_ON = [kind for kind in sorted(NEEDS) if not is_read(kind) and kind in MESSAGES]


def test_given_the_door_for_any_message_when_it_is_one_that_changes_something_then_401_and_403(
    whole: Whole, client: Client, wrong: dict[str, str]
) -> None:
    assert len(SENT_ON) > 50
    for kind in SENT_ON:
        actor = next(name for name in ACTORS if understands(name, kind))
        body = {"kind": kind, **ABOUT_SOMEBODY.get(kind, {})}
        path = f"/api/v1/messages/{actor}"
        assert client.post(path, json=body).status_code == 401, kind
        if NEEDS[kind] is not Need.TOKEN:  # else any token does
            assert client.post(path, json=body, headers=wrong).status_code == 403, kind
    for kind in INSIDE:
        for actor in ACTORS:
            assert client.post(f"/api/v1/messages/{actor}", json={"kind": kind}, headers=wrong).status_code == 422, kind
    assert whole.port.asked == []
    assert client.post("/api/v1/messages/IRIS.a-Sequencer", json={"kind": "GetStatus"}).status_code == 404  # not there
    assert whole.port.asked.pop() == ("IRIS.a-Sequencer", "GetStatus")


def test_given_every_route_the_application_has_when_it_may_change_something_then_one_of_the_two_lists_holds_it(
    whole: Whole,
) -> None:
    endpoint, app = "post-endpoint", whole.app()
    described = {path for path, operations in app.openapi()["paths"].items() if set(METHODS) & set(operations)}
    for route in app.routes:
        if not set(METHODS) & {method.lower() for method in getattr(route, "methods", None) or ()}:
            continue
        path = re.sub(r":\w+\}", "}", route.path)
        assert path.endswith(endpoint) or path in described, f"{path} changes something and nobody looks at it"


def test_given_reads_closed_when_anything_is_asked_then_a_token_is_needed_from_the_first_byte(tmp_path: Path) -> None:
    closed = Whole(tmp_path, reads_open=False)
    client = Client(closed.app())
    for _, kind, body in _esw_requests():
        assert client.post("/post-endpoint", json=body).status_code == 401, kind
    for path in ("/active-config/x.conf", "/metrics", "/api/v1/nowhere", "/websocket-endpoint"):
        assert client.get(path).status_code == 401, path
    for path in ("/websocket-endpoint", "/sequencer/IRIS.a/websocket-endpoint"):
        assert client.websocket(path)[0]["status"] == 401
    assert closed.port.asked == []


def test_given_a_page_of_elsewhere_when_refused_then_the_browser_may_read_why(client: Client) -> None:
    page = {"Origin": "https://ui.example.org"}
    preflight = client.request(
        "OPTIONS",
        "/post-endpoint",
        headers={
            **page,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, x-tmt-app-name, x-tmt-username",
        },
    )
    assert preflight.status_code == 200
    for answer in (
        preflight,
        client.post("/post-endpoint", json={"_type": "Configure", "obsMode": "a"}, headers=page),
        client.post("/post-endpoint", content=b"[" * 99, headers=page),
    ):
        assert answer.headers["access-control-allow-origin"] == page["Origin"]
        assert answer.headers["access-control-allow-credentials"] == "true"
