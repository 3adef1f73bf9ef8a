"""``ocs --server`` through the gateway of a real cluster, by a program without Ray; a stream that is resumed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocs_ray.client.http import HttpPort

from .conftest import wait_until

REPO = Path(__file__).parents[2]
MODE = "IRIS_ImagerOnly"
SEQUENCER = f"ESW.{MODE}"
EXAMPLE = REPO / "obsmodes" / MODE / "example_sequence.json"
NO_RAY = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == "ray" or name.startswith("ray."):
            raise ImportError("Ray is not here")
sys.meta_path.insert(0, Block())
from ocs_ray.cli.main import main
main()
"""


@pytest.fixture
def server(night: Any) -> str:
    """Where the shared cluster's gateway is."""
    return night.good("status", "--json").document["gateway_url"]


@pytest.fixture
def token(night: Any, tmp_path: Path) -> Iterator[Path]:
    """A file with a token that may do everything this test does."""
    roles = [word for role in ("esw-user", "iris-user", "tcs-user", "script-admin") for word in ("--role", role)]
    made = night.good("token", "create", "laptop", *roles, "--json").document
    file = tmp_path / "token"
    file.write_text(made["token"])
    yield file
    night.good("token", "revoke", "laptop")


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            event[name] = json.loads(value) if name == "data" else value
        elif not line and event:
            yield event
            event = {}


def test_given_a_laptop_without_ray_when_it_observes_through_the_gateway_then_all_works_and_streams_resume(
    night: Any, server: str, token: Path, tmp_path: Path
) -> None:
    here = tmp_path / "laptop"
    here.mkdir()
    night.launcher = ()
    command = night.command

    def laptop(*arguments: str) -> Any:
        """``ocs`` as on a machine that has neither Ray nor the project."""
        night.command = lambda *words: [sys.executable, "-c", NO_RAY, *words]
        try:
            return night.good("--server", server, "--token-file", str(token), *arguments)
        finally:
            night.command = command

    assert laptop("status", "--json").document["server"] == server
    seen = laptop("observe", str(EXAMPLE), "--mode", MODE, "--json").document
    assert seen["response"]["_type"] == "Completed"
    assert {step["status"] for step in seen["steps"]} == {"Success"}
    assert MODE in laptop("status", "--json").document["running_obs_modes"]
    assert f"{SEQUENCER}-Sequencer" in HttpPort(server, token.read_text()).names()

    base = f"/api/v1/sequencers/{SEQUENCER}"
    bearer = {"Authorization": f"Bearer {token.read_text()}", "Idempotency-Key": "one-night"}
    with httpx.Client(base_url=server, timeout=60) as http:
        with http.stream("GET", f"{base}/events") as first:
            snapshot = next(events(first))
        body = json.loads(EXAMPLE.read_text())
        runs = [http.post(f"{base}/runs", json=body, headers=bearer) for _ in range(2)]
        assert runs[0].status_code == 201, runs[0].text
        assert runs[0].json() == runs[1].json()
        done = http.get(f"{runs[0].headers['location']}/response", params={"wait_s": 60}).json()
        assert done["_type"] == "Completed"
        steps: dict[str, str] = {}
        with http.stream("GET", f"{base}/events", headers={"Last-Event-ID": snapshot["id"]}) as second:
            for event in events(second):
                assert int(event["id"]) > int(snapshot["id"])
                data = event["data"]
                steps |= {step["id"]: step["status"] for step in data.get("changed", data.get("steps"))}
                if data["run_id"] == runs[0].json()["runId"] and data["state"] == "Idle":
                    break
        assert set(steps.values()) == {"Success"}
    laptop("shutdown", MODE)


PROGRAM = "def count(length):\n    for number in range(length):\n        yield number\n"


def test_given_a_package_when_it_is_sent_and_run_over_http_then_its_output_is_a_stream_that_resumes(
    night: Any, server: str, token: Path, tmp_path: Path
) -> None:
    folder, file = tmp_path / "counter", tmp_path / "counter.tar.gz"
    folder.mkdir()
    (folder / "index.py").write_text(PROGRAM)
    manifest = {"name": "@laptop/counter", "version": "1.0.0", "main": "./index.py"}
    (folder / "package.json").write_text(json.dumps(manifest))
    night.good("seq", "pack", str(folder), "-o", str(file))
    bearer = {"Authorization": f"Bearer {token.read_text()}"}
    with httpx.Client(base_url=server, timeout=60, headers=bearer) as http:

        def pieces_of() -> Iterator[bytes]:
            content = file.read_bytes()
            yield content[:100]
            yield content[100:]

        upload = {"Content-Type": "application/gzip"}
        sent = http.post("/api/v1/packages", content=pieces_of(), headers=upload)
        assert sent.status_code == 201, sent.text
        assert http.post("/api/v1/packages", content=pieces_of(), headers=upload).json()["existing"] is True
        tagged = http.put("/api/v1/packages/@laptop%2Fcounter/tags/stable", json={"to": "@laptop/counter@1.0.0"})
        assert "stable" in tagged.json()["tags"], tagged.text
        assert http.get("/api/v1/packages/@laptop%2Fcounter@stable").json()["record"] == sent.json()["record"]
        wanted = {"package": "@laptop/counter@stable", "args": [2000]}
        key = {"Idempotency-Key": "count"}
        started = [http.post("/api/v1/instances", json=wanted, headers=key) for _ in range(2)]
        assert started[0].status_code == 201, started[0].text
        assert started[0].json()["id"] == started[1].json()["id"]
        output = f"{started[0].headers['location']}/channels/output/events"
        with http.stream("GET", output) as first:
            piece = next(events(first))
        text = piece["data"]["text"]
        with http.stream("GET", output, headers={"Last-Event-ID": piece["id"]}) as second:
            for event in events(second):
                if event["event"] == "end":
                    break
                assert event["data"]["offset"] == len(text)
                text += event["data"]["text"]
        assert text == "".join(f"{number}\n" for number in range(2000))
        instance = started[0].headers["location"]
        wait_until(lambda: http.get(instance).json()["status"] == "completed", 20, "the instance does not end")
        assert http.delete("/api/v1/packages/@laptop%2Fcounter@1.0.0").status_code == 200
        gone = http.get("/api/v1/packages/@laptop%2Fcounter@1.0.0")
        assert (gone.status_code, gone.json()["type"]) == (404, "/api/v1/problems/no-such-package")


def test_given_a_subscriber_who_hung_up_in_a_wait_when_he_pulls_again_then_he_gets_the_event_that_came_meanwhile(
    server: str, token: Path
) -> None:
    """The gateway's wait ends with the connection, and so does the one in the event service's actor."""
    event = {"_type": "SystemEvent", "eventId": "1", "source": "ESW.laptop", "eventName": "hung_up"}
    published = {"kind": "Publish", "event": {**event, "eventTime": "2026-11-28T09:00:00Z", "paramSet": []}}
    pull = {"kind": "NextEvents", "subscription_id": "laptop-1"}
    bearer = {"Authorization": f"Bearer {token.read_text()}"}
    with httpx.Client(base_url=f"{server}/api/v1/messages", timeout=20, headers=bearer) as http:

        def sent(message: dict[str, Any], timeout_s: float = 20) -> Any:
            response = http.post("/CSW.event_service-Service", json=message, timeout=timeout_s)
            assert response.status_code == 200, response.text
            return response.json()["reply"]

        sent({"kind": "Subscribe", "subscription_id": "laptop-1", "patterns": ["ESW.laptop.hung_up"]})
        with pytest.raises(httpx.ReadTimeout):
            sent({**pull, "timeout_s": 9.0}, timeout_s=1.0)
        time.sleep(1)  # the news has to get to the actor: what is published before it does is lost with the wait
        sent(published)
        assert "hung_up" in json.dumps(sent({**pull, "timeout_s": 5.0}))
        sent({"kind": "Unsubscribe", "subscription_id": "laptop-1"})
