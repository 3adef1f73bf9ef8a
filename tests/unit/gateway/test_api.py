"""The resources of ``/api/v1`` on an observatory without Ray. Problem details: RFC 9457. Events: WHATWG HTML 9.2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocs_ray import errors
from ocs_ray.errors import OcsError
from ocs_ray.gateway.api import document, problems
from ocs_ray.models import typed_json
from ocs_ray.models.sequencer_messages import Shutdown
from ocs_ray.models.sequencer_replies import StepListMoved

from .web_floor import SEQUENCER, Web, served, web

BASE = f"/api/v1/sequencers/{SEQUENCER}"


def setup(name: str) -> dict[str, Any]:
    return {"_type": "Setup", "source": "ESW.night", "commandName": name, "paramSet": []}


def play(folder: Path, story: Callable[[Web], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with web(folder) as here:
            await story(here)

    asyncio.run(whole())


async def finished(http: httpx.AsyncClient, place: str) -> dict[str, Any]:
    return (await http.get(f"{place}/response", params={"wait_s": 20})).json()


def is_problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    said = response.json()
    assert (response.status_code, said["type"]) == (status, f"/api/v1/problems/{slug}"), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert said["status"] == status
    return said


def test_given_a_sequence_when_it_is_submitted_then_its_run_has_an_address(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        made = await here.http.post(f"{BASE}/runs", json=[setup("quick")])
        assert made.status_code == 201, made.text
        place = made.headers["location"]
        assert (await finished(here.http, place))["_type"] == "Completed"
        run = (await here.http.get(place)).json()
        assert (run["run_id"], run["steps"][0]["status"]) == (made.json()["runId"], "Success")
        is_problem(await here.http.get(f"{BASE}/runs/nobody"), 404, "no-such-run")

    play(tmp_path, story)


def test_given_refusals_when_they_are_answered_then_each_has_its_status_and_the_original_reply(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        http = here.http
        said = is_problem(await http.post(f"{BASE}/actions/stop"), 409, "unhandled")
        assert said["reply"]["kind"] == "Unhandled"
        is_problem(await http.post(f"{BASE}/loaded/start"), 409, "unhandled")
        is_problem(await http.get("/api/v1/sequencers/ESW.nobody"), 404, "no-such-component")
        is_problem(await http.get("/api/v1/sequencers/nonsense"), 422, "bad-input")
        is_problem(await http.post(f"{BASE}/runs", content=b"[{"), 422, "bad-input")
        is_problem(await http.post(f"{BASE}/runs", content=b'[{"a":1,"a":2}]'), 422, "bad-input")
        is_problem(await http.get("/api/v1/obs-modes"), 503, "not-available")
        is_problem(await http.get("/api/v1/nothing"), 404, "no-such-path")
        is_problem(await http.patch(BASE), 405, "wrong-method")
        nameless = {**setup("quick"), "commandName": 5}
        said = is_problem(await http.post(f"{BASE}/runs", json=[nameless]), 422, "bad-input")
        assert "$[0].commandName" in said["detail"]

    play(tmp_path, story)


def test_given_every_type_of_problem_when_it_is_looked_up_then_it_says_what_it_means(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        for slug, kind in problems.kinds().items():
            assert (await here.http.get(f"/api/v1/problems/{slug}")).json()["status"] == kind.status

    play(tmp_path, story)


ALL_ERRORS = [each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, OcsError)]


@pytest.mark.parametrize("kind", [each for each in ALL_ERRORS if each not in (OcsError, errors.AccessError)])
def test_given_any_error_of_ours_when_it_goes_over_http_then_it_is_the_same_on_the_other_side(
    kind: type[OcsError],
) -> None:
    from dataclasses import fields

    values = {each.name: 7 if each.type == "int" else f"some {each.name}" for each in fields(kind)}
    made = kind(**values)
    response = problems.of_error(made)
    said = json.loads(bytes(response.body))
    back = typed_json.decode_error(said["error"])
    assert (type(back), str(back)) == (kind, str(made))
    assert said["type"].removeprefix("/api/v1/problems/") in problems.kinds()


def test_given_an_idempotency_key_when_a_request_is_repeated_then_it_takes_effect_once(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        key = {"Idempotency-Key": "night-1"}
        first = await here.http.post(f"{BASE}/runs", json=[setup("quick")], headers=key)
        again = await here.http.post(f"{BASE}/runs", json=[setup("quick")], headers=key)
        assert again.headers["idempotency-replayed"] == "true"
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["location"] == first.headers["location"]
        other = await here.http.post(f"{BASE}/runs", json=[setup("fail")], headers=key)
        is_problem(other, 422, "idempotency-key-reused")
        here.app.state.ocs_answers = type(here.app.state.ocs_answers)()  # the gateway was restarted
        anew = await here.http.post(f"{BASE}/runs", json=[setup("quick")], headers=key)
        assert anew.json() == first.json()
        assert len((await here.http.get(f"{BASE}/runs")).json()["items"]) == 1

    play(tmp_path, story)


def test_given_two_repeats_at_once_when_they_carry_a_key_then_both_get_the_first_answer(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        asked = [
            here.http.post(f"{BASE}/runs", json=[setup("quick")], headers={"Idempotency-Key": "both"}) for _ in range(5)
        ]
        answers = await asyncio.gather(*asked)
        assert len({answer.json()["runId"] for answer in answers}) == 1

    play(tmp_path, story)


def test_given_a_step_list_when_it_has_moved_then_an_edit_made_for_the_old_one_is_412(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        http = here.http
        assert (await http.put(f"{BASE}/loaded", json=[setup("quick"), setup("quick")])).status_code == 200
        seen = await http.get(f"{BASE}/steps")
        tag, step = seen.headers["etag"], seen.json()["steps"][1]["id"]
        assert (await http.get(f"{BASE}/steps", headers={"If-None-Match": tag})).status_code == 304
        assert (await http.get(f"{BASE}/steps/{step}")).json() == seen.json()["steps"][1]
        edit = {"kind": "Delete", "id": step}
        assert (await http.post(f"{BASE}/steps/edits", json=edit, headers={"If-Match": tag})).status_code == 200
        said = is_problem(
            await http.post(f"{BASE}/steps/edits", json={"kind": "Reset"}, headers={"If-Match": tag}),
            412,
            "step-list-moved",
        )
        assert said["reply"]["kind"] == "StepListMoved"
        bad_tag = await http.post(f"{BASE}/steps/edits", json={"kind": "Reset"}, headers={"If-Match": '"x"'})
        is_problem(bad_tag, 412, "step-list-moved")
        is_problem(await http.post(f"{BASE}/steps/edits", json=edit), 404, "no-such-step")
        is_problem(await http.post(f"{BASE}/steps/edits", json={"kind": "Stop"}), 422, "bad-input")
        is_problem(await http.get(f"{BASE}/steps/{step}"), 404, "no-such-step")

    play(tmp_path, story)


def test_given_a_sequencer_that_was_restarted_when_an_edit_was_made_for_the_list_before_then_it_is_refused(
    tmp_path: Path,
) -> None:
    async def story(here: Web) -> None:
        http, sequencer = here.http, here.observatory.sequencer(SEQUENCER)
        assert (await http.put(f"{BASE}/loaded", json=[setup("quick")])).status_code == 200
        tag = (await http.get(f"{BASE}/steps")).headers["etag"]
        version = (await sequencer.snapshot()).list_version
        await here.observatory.ask(f"{SEQUENCER}-Sequencer", Shutdown(), 5)
        await here.observatory.start_sequencer(SEQUENCER, tmp_path / "esw.py", tmp_path)
        assert (await http.put(f"{BASE}/loaded", json=[setup("quick"), setup("quick")])).status_code == 200
        edit = await http.post(f"{BASE}/steps/edits", json={"kind": "Reset"}, headers={"If-Match": tag})
        is_problem(edit, 412, "step-list-moved")
        moved = await sequencer.reset(if_version=version)  # without HTTP, too
        assert isinstance(moved, StepListMoved)
        assert len((await http.get(f"{BASE}/steps")).json()["steps"]) == 2
        now = (await http.get(f"{BASE}/steps")).headers["etag"]
        assert (
            await http.post(f"{BASE}/steps/edits", json={"kind": "Reset"}, headers={"If-Match": now})
        ).status_code == 200

    play(tmp_path, story)


def test_given_several_runs_when_they_are_listed_in_pages_then_each_is_there_once(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        made = []
        for _ in range(5):
            place = (await here.http.post(f"{BASE}/runs", json=[setup("quick")])).headers["location"]
            await finished(here.http, place)
            made.append(place.rpartition("/")[2])
        seen: list[str] = []
        page = (await here.http.get(f"{BASE}/runs", params={"limit": 2})).json()
        while True:
            seen += [run["run_id"] for run in page["items"]]
            if page["next"] is None:
                break
            page = (await here.http.get(f"{BASE}/runs", params={"limit": 2, "cursor": page["next"]})).json()
        assert seen == made[::-1]
        is_problem(await here.http.get(f"{BASE}/runs", params={"cursor": "x"}), 422, "bad-input")

    play(tmp_path, story)


async def events(
    response: httpx.Response, lines: AsyncIterator[str] | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    event: dict[str, Any] = {}
    async for line in lines or response.aiter_lines():
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            event[name] = json.loads(value) if name == "data" else value
        elif not line and event:
            yield event
            event = {}


def test_given_a_stream_that_broke_when_it_is_resumed_with_the_last_id_then_nothing_is_missed(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        async with served(here.app) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
            async with http.stream("GET", f"{BASE}/events") as first:
                assert first.headers["content-type"].startswith("text/event-stream")
                snapshot = await anext(events(first))
            assert snapshot["event"] == "snapshot"
            run = (await http.post(f"{BASE}/runs", json=[setup("quick")])).json()["runId"]
            await finished(http, f"{BASE}/runs/{run}")
            steps: dict[str, str] = {}
            async with http.stream("GET", f"{BASE}/events", headers={"Last-Event-ID": snapshot["id"]}) as second:
                async for event in events(second):
                    assert int(event["id"]) > int(snapshot["id"])
                    changed = event["data"].get("changed", event["data"].get("steps"))
                    steps |= {step["id"]: step["status"] for step in changed}
                    if list(steps.values()) == ["Success"] and event["data"]["run_id"] == run:
                        break
            is_problem(await http.get(f"{BASE}/events", headers={"Last-Event-ID": "x"}), 422, "bad-input")
            is_problem(await http.get("/api/v1/sequencers/ESW.nobody/events"), 404, "no-such-component")

    play(tmp_path, story)


def test_given_a_procedure_when_it_is_held_and_resumed_over_http_then_it_follows(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        said = is_problem(
            await here.http.post(f"{BASE}/procedure/commands", json={"command": "HOLD"}), 409, "unhandled"
        )
        assert said["reply"]["kind"] == "CommandResult"
        assert (await here.http.get(f"{BASE}/procedure")).json()["kind"] == "ProcedureStatus"

    play(tmp_path, story)


def _whole(part: Any, document: dict[str, Any]) -> Any:
    """The same with what it refers to in place of the references."""
    if isinstance(part, list):
        return [_whole(each, document) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _whole(document["components"]["schemas"][part["$ref"].rpartition("/")[2]], document)
    if "enum" in part:  # its values are examples
        return {**part, "examples": part["enum"]}
    return {name: _whole(each, document) for name, each in part.items()}


def test_given_the_openapi_document_when_it_is_read_then_every_operation_is_named_and_told(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        said = (await here.http.get("/api/v1/openapi.json")).json()
        assert said["openapi"].startswith("3.1")
        operations = [each for methods in document(here.app)["paths"].values() for each in methods.values()]
        names = [each["operationId"] for each in operations]
        assert len(set(names)) == len(names) > 50
        assert all(each["summary"] for each in operations)
        assert all("4XX" in each["responses"] for each in operations)
        for each in operations:  # whoever reads it can send what it shows
            for name, body in each.get("requestBody", {}).get("content", {}).items():
                assert name == "application/gzip" or '"example' in json.dumps(_whole(body, said)), each["operationId"]
            for given in each.get("parameters", ()):
                assert given["in"] != "path" or '"example' in json.dumps(_whole(given, said)), each["operationId"]

    play(tmp_path, story)
