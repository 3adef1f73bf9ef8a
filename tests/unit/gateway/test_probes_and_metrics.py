"""What watches the gateway: probes, metrics, and the dashboard that shows them."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from ocs_ray.core.run_tally import RunTally
from ocs_ray.models.actor_names import EVENT_SERVICE, SEQUENCE_MANAGER
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import DeviceStatus, LostSequencer, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ManagerStatus, ResourcesStatus, ResourceStatus, SequenceManagerState
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus
from ocs_ray.models.times import UTCTime
from ocs_ray.telemetry.sequencer_metrics import metrics_text

DASHBOARD = Path(__file__).parents[3] / "cluster" / "grafana_dashboard.json"
NIGHT, BEGAN = ObsMode("IRIS_ImagerOnly"), UTCTime("2027-01-01T00:00:00Z")
PROMQL = {
    "by",
    "changes",
    "histogram_quantile",
    "increase",
    "le",
    "max",
    "or",
    "rate",
    "sum",
    "topk",
    "unless",
    "without",
}


def _sequencer(name: str, state: SequencerState, good: int, blocked_s: float = 0.0) -> str:
    tally = RunTally()
    for _ in range(good):
        tally.step_ended(2.0, is_good=True)
    tally.run_ended("Completed")
    status = SequencerStatus(
        prefix=Prefix(name),
        obs_mode=NIGHT,
        state=state,
        script="iris.py",
        sequence_component=Prefix("IRIS.IRIS_1"),
        run_id="r1",
        step="preset",
        steps_done=good,
        steps_total=10,
        pid=1,
        blocked_s=blocked_s,
    )
    return metrics_text(status, tally)


def _play(gateway: Any) -> None:
    """A night with two sequencers, a device that was restarted and a machine that is silent."""
    machine, lives = Prefix("IRIS.machine1"), {"pid": 7, "since": BEGAN}
    device = DeviceStatus(
        prefix=Prefix("IRIS.imager.filter"),
        component_type=ComponentType.Assembly,
        machine=machine,
        restarted=True,
        restarts=3,
        **lives,
    )
    component = SequenceComponentStatus(
        prefix=Prefix("IRIS.IRIS_1"), machine=machine, state="Running", loaded=None, sequencer=None, **lives
    )
    agent = AgentStatus(agent=machine, sequence_components=(component,), devices=(device,), children=(), **lives)
    lost = LostSequencer(prefix=Prefix("TCS.x"), sequence_component=None, at=BEGAN, reason="died")
    gateway.port.components = [
        SEQUENCE_MANAGER,
        "ESW.IRIS_ImagerOnly-Sequencer",
        "IRIS.IRIS_ImagerOnly-Sequencer",
        "IRIS.machine1-Machine",
    ]
    gateway.port.answers = {
        (SEQUENCE_MANAGER, "GetSequenceManagerState"): SequenceManagerState(state="Idle"),
        (EVENT_SERVICE, "GetEvent"): "events",
        (SEQUENCE_MANAGER, "GetManagerStatus"): ManagerStatus(
            state="Processing",
            agents=(agent,),
            silent_agents=(Prefix("TCS.machine1"),),
            running_obs_modes=(NIGHT,),
            lost=(lost,),
            **lives,
        ),
        (SEQUENCE_MANAGER, "GetResources"): ResourcesStatus(
            resources=(
                ResourceStatus(resource=Subsystem.IRIS, status="InUse", obs_mode=NIGHT),
                ResourceStatus(resource=Subsystem.TCS, status="Available"),
            )
        ),
        ("ESW.IRIS_ImagerOnly-Sequencer", "GetMetrics"): _sequencer("ESW.IRIS_ImagerOnly", SequencerState.RUNNING, 3),
        ("IRIS.IRIS_ImagerOnly-Sequencer", "GetMetrics"): _sequencer(
            "IRIS.IRIS_ImagerOnly", SequencerState.IDLE, 4, 2.5
        ),
    }


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_given_a_night_when_scraped_then_every_part_of_it_has_its_metric(gateway: Any) -> None:
    _play(gateway)
    client = gateway.client()
    client.get("/api/v1/sequencers/IRIS.a")
    client.get("/api/v1/sequencers/IRIS.b")
    client.get("/wp-admin/setup.php")
    client.request("BREW", "/healthz")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    seen = _samples(answer.text)
    iris, esw = "IRIS.IRIS_ImagerOnly", "ESW.IRIS_ImagerOnly"
    assert _value(seen, "ocs_sequencer_state", sequencer=esw, state="Running") == 1
    assert _value(seen, "ocs_sequencer_state", sequencer=iris, state="Running") == 0
    assert _value(seen, "ocs_sequencer_queue_steps", sequencer=iris) == 6
    assert _value(seen, "ocs_sequencer_strand_blocked_seconds", sequencer=iris) == 2.5
    assert _value(seen, "ocs_sequencer_runs_total", sequencer=esw, result="Completed") == 1
    assert _value(seen, "ocs_sequencer_runs_total", sequencer=esw, result="Error") == 0
    duration = "ocs_sequencer_step_duration_seconds"
    assert _value(seen, f"{duration}_count", sequencer=esw, outcome="success") == 3
    assert _value(seen, f"{duration}_sum", sequencer=iris, outcome="success") == 8
    assert _value(seen, f"{duration}_bucket", sequencer=iris, outcome="success", le="1.0") == 0
    assert _value(seen, f"{duration}_bucket", sequencer=iris, outcome="success", le="5.0") == 4
    assert _value(seen, "ocs_resource_held", resource="IRIS", obs_mode=NIGHT) == 1
    assert _value(seen, "ocs_resource_held", resource="TCS", obs_mode="") == 0
    assert _value(seen, "ocs_component_restarts_total", component="IRIS.imager.filter-Assembly") == 3
    assert _value(seen, "ocs_component_restarts_total", component="IRIS.IRIS_1-SequenceComponent") == 0
    assert _value(seen, "ocs_component_start_time_seconds", component="IRIS.machine1-Machine") == 1798761600
    assert _value(seen, "ocs_agent_up", machine="TCS.machine1") == 0
    assert _value(seen, "ocs_sequencers_lost") == 1
    assert _value(seen, "ocs_obs_mode_running", obs_mode=NIGHT) == 1
    assert _value(seen, "ocs_manager_processing") == 1
    template = "/api/v1/sequencers/{prefix}"
    assert _value(seen, "ocs_http_requests_total", method="GET", route=template, status="200") == 2
    assert _value(seen, "ocs_http_requests_total", method="GET", route="unmatched", status="404") == 1
    assert _value(seen, "ocs_http_request_duration_seconds_count", method="GET", route=template) == 2
    assert not [name for name, _ in seen if not name.startswith("ocs_")]
    assert "php" not in answer.text
    assert "BREW" not in answer.text


def test_given_one_that_hangs_and_one_that_is_dead_when_scraped_then_the_others_are_there_in_time(gateway: Any) -> None:
    _play(gateway)

    async def hang() -> None:
        await asyncio.sleep(60)

    gateway.port.answers["IRIS.IRIS_ImagerOnly-Sequencer", "GetMetrics"] = hang
    gateway.port.answers[SEQUENCE_MANAGER, "GetManagerStatus"] = hang
    gateway.port.components.append("WFOS.WFOS_Cal-Sequencer")  # registered, and nobody answers
    began = time.monotonic()
    seen = _samples(gateway.client().get("/metrics").text)
    assert time.monotonic() - began < 30  # far from the minute it hangs
    assert _value(seen, "ocs_component_up", component="ESW.IRIS_ImagerOnly-Sequencer") == 1
    assert _value(seen, "ocs_component_up", component="IRIS.IRIS_ImagerOnly-Sequencer") == 0
    assert _value(seen, "ocs_component_up", component="WFOS.WFOS_Cal-Sequencer") == 0
    assert _value(seen, "ocs_component_up", component=SEQUENCE_MANAGER) == 0
    assert _value(seen, "ocs_sequencer_state", sequencer="ESW.IRIS_ImagerOnly", state="Running") == 1
    assert _value(seen, "ocs_resource_held", resource="IRIS", obs_mode=NIGHT) == 1


def test_given_an_observatory_that_is_there_or_not_when_probed_then_ready_tells_what_is_missing(gateway: Any) -> None:
    client = gateway.client()
    assert client.get("/healthz").json() == {"status": "ok"}
    missing = client.get("/readyz")
    assert missing.status_code == 503
    assert set(missing.json()["missing"]) == {SEQUENCE_MANAGER, EVENT_SERVICE}
    assert "is not running" in missing.json()["missing"][EVENT_SERVICE]
    _play(gateway)
    assert client.get("/readyz").json() == {"status": "ok", "missing": {}}
    del gateway.port.answers[EVENT_SERVICE, "GetEvent"]
    assert list(client.get("/readyz").json()["missing"]) == [EVENT_SERVICE]


def test_given_the_dashboard_when_its_queries_are_read_then_they_name_the_metrics_that_are_served_and_all_of_them(
    gateway: Any,
) -> None:
    _play(gateway)
    client = gateway.client()
    client.get("/healthz")
    families = list(text_string_to_metric_families(client.get("/metrics").text))
    served = {sample.name: family.name for family in families for sample in family.samples}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for query in queries for name in re.findall(r"\bocs_\w+", query)}
    assert len(named) >= 12
    assert named - set(served) == set()
    assert {served[name] for name in named} == {family.name for family in families}
    words = {word for query in queries for word in re.findall(r"\b[a-z_]+(?=\s*\()", query)}
    assert words <= PROMQL
