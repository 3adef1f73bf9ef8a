"""A token of ``ocs token`` and the real gateway: a night over HTTP, its metrics, and no secret in any file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

REPO = Path(__file__).parents[2]
MODE = "WFOS_Cal"
ESW = {"prefix": f"ESW.{MODE}", "componentType": "Sequencer"}
START = {"_type": "Setup", "source": "ESW.night", "commandName": "observationStart", "paramSet": []}
SEQUENCE = [{**START, "maybeObsId": "2026B-001-001"}]


def _value(text: str, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no {name} {labels} in {text}")


def test_given_a_token_when_a_mode_is_configured_and_run_over_http_then_it_opens_that_until_it_is_revoked(
    night: Any,
) -> None:
    url = night.good("status", "--json").document["gateway_url"]
    token = night.good("token", "create", "night-console", "--role", "esw-user", "--expires", "1h").out.strip()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        mine = {"Authorization": f"Bearer {token}"}

        def post(body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
            return client.post("/post-endpoint", json=body, headers=headers)

        configure = {"_type": "Configure", "obsMode": MODE}
        assert post(configure).status_code == 401
        assert post(configure, {"Authorization": f"Bearer {token}x"}).status_code == 401
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json() == {"status": "ok", "missing": {}}
        assert post(configure, mine).json()["_type"] == "Success"

        wfos = {**ESW, "prefix": f"WFOS.{MODE}"}
        pause = {"_type": "SequencerCommand", "componentId": wfos, "command": {"_type": "Pause"}}
        assert post(pause, mine).status_code == 403  # esw-user alone does not open WFOS
        submit = {"_type": "SequencerCommand", "componentId": ESW, "command": {"_type": "Submit", "sequence": SEQUENCE}}
        started = post(submit, mine).json()
        assert started["_type"] in ("Started", "Completed"), started
        query = {**submit, "command": {"_type": "Query", "runId": started["runId"]}}
        deadline = time.monotonic() + 60
        while (answer := post(query).json())["_type"] == "Started":
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)
        assert answer["_type"] == "Completed", answer

        text, top = client.get("/metrics").text, {"sequencer": ESW["prefix"]}
        assert _value(text, "ocs_sequencer_runs_total", **top, result="Completed") == 1
        assert _value(text, "ocs_sequencer_step_duration_seconds_count", **top, outcome="success") == 1
        assert _value(text, "ocs_sequencer_state", **top, state="Idle") == 1
        assert _value(text, "ocs_obs_mode_running", obs_mode=MODE) == 1
        assert _value(text, "ocs_resource_held", resource="WFOS", obs_mode=MODE) == 1
        assert _value(text, "ocs_component_up", component="ESW.sequence_manager-Service") == 1
        assert _value(text, "ocs_component_restarts_total", component="ESW.machine1-Machine") == 0
        assert _value(text, "ocs_http_requests_total", route="/post-endpoint", status="401") >= 2
        assert _value(text, "ocs_gateway_event_loop_lag_seconds_count") >= 1

        night.good("token", "revoke", "night-console")
        assert post({"_type": "ShutdownObsModeSequencers", "obsMode": MODE}, mine).status_code == 401
        client.get(f"/websocket-endpoint?Authorization=Bearer%20{token}")
    written = [path for path in night.tmp.rglob("*") if path.is_file() and not path.is_socket()]
    assert any(path.name == "tokens.json" for path in written)
    assert [path for path in written if token.encode() in path.read_bytes()] == []


def test_given_an_address_others_reach_when_there_is_no_token_then_nothing_is_started(ocs: Any, tmp_path: Path) -> None:
    content = yaml.safe_load((REPO / "cluster" / "local.yaml").read_text())
    file = tmp_path / "open.yaml"
    file.write_text(yaml.safe_dump({**content, "gateway": {"host": "0.0.0.0"}}, sort_keys=False))
    told = ocs.refused(2, "up", "--cluster", str(file))
    assert "will not listen on 0.0.0.0" in told
    assert "ocs token create" in told
    ocs.assert_nothing_is_left()
