"""Machines, plan, resources and modes of ``/api/v1``, and the streams of the observatory and of a procedure.

The Sequence Manager and an agent are played; the sequencer is a real one, without Ray.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    Spawned,
    SpawnSequenceComponent,
)
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_messages import Configure, GetPlan, Provision, ReloadObsModes, ShutdownObsModeSequencers
from ocs_ray.models.manager_replies import (
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    ManagerStatus,
    ModePlan,
    ObsModesReloaded,
    Plan,
    ResourcesStatus,
    ResourceStatus,
    Success,
)
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.testing.waiting import until

from .test_api import BASE, events, finished, is_problem, play, setup
from .web_floor import Web, served

MACHINE = Prefix("IRIS.machine1")
IFS, IMAGER = ObsMode("IRIS_IFS"), ObsMode("IRIS_Imager")


class Played:
    """Answers each kind of message with what was given for it, and keeps what it was asked."""

    def __init__(self, **replies: Any) -> None:
        self.replies, self.asked = replies, list[Any]()

    async def __call__(self, message: Any) -> Any:
        self.asked.append(message)
        return self.replies[message.kind]


def test_given_a_machine_when_its_routes_are_used_then_its_agent_is_asked_and_its_answer_told(tmp_path: Path) -> None:
    async def story(here: Web) -> None:
        status = AgentStatus(agent=MACHINE, pid=7, sequence_components=(), devices=(), children=())
        agent = Played(
            GetAgentStatus=status,
            SpawnSequenceComponent=Spawned(prefix=Prefix("IRIS.IRIS_5")),
            KillComponent=Killed(),
        )
        here.observatory.put(f"{MACHINE}-Machine", agent)
        api = "/api/v1/machines"
        assert (await here.http.get(api)).json() == {"items": [{"prefix": "IRIS.machine1"}]}
        assert (await here.http.get(f"{api}/{MACHINE}")).json()["pid"] == 7
        made = await here.http.post(f"{api}/{MACHINE}/components", json={"name": "IRIS_5"})
        assert (made.status_code, made.json()["prefix"]) == (201, "IRIS.IRIS_5")
        ended = await here.http.delete(f"{api}/{MACHINE}/components/IRIS.IRIS_5-SequenceComponent")
        assert (ended.status_code, ended.json()["kind"]) == (200, "Killed")
        assert agent.asked == [
            GetAgentStatus(),
            SpawnSequenceComponent(prefix=Prefix("IRIS.IRIS_5")),
            KillComponent(prefix=Prefix("IRIS.IRIS_5"), component_type=ComponentType.SequenceComponent),
        ]
        agent.replies["SpawnSequenceComponent"] = Failed(msg="IRIS.IRIS_5 runs already")
        said = is_problem(await here.http.post(f"{api}/{MACHINE}/components", json={}), 409, "operation-failed")
        assert (said["detail"], said["reply"]["kind"]) == ("IRIS.IRIS_5 runs already", "Failed")
        is_problem(await here.http.delete(f"{api}/{MACHINE}/components/nonsense"), 422, "bad-input")
        is_problem(await here.http.get(f"{api}/TCS.machine1"), 404, "no-such-component")

    play(tmp_path, story)


def test_given_modes_when_planned_configured_and_shut_down_then_the_manager_is_asked_and_its_answer_told(
    tmp_path: Path,
) -> None:
    async def story(here: Web) -> None:
        excludes = {IMAGER: (Subsystem.IRIS,)}
        planned = ModePlan(obs_mode=IFS, status="Configurable", excludes=excludes, missing=(VariationInfo("IRIS"),))
        used = ResourceStatus(resource=Subsystem.IRIS, status="InUse", obs_mode=IFS)
        manager = Played(
            GetPlan=Plan(modes=(planned,), together=False),
            GetResources=ResourcesStatus(resources=(used,)),
            ReloadObsModes=ObsModesReloaded(added=(IFS,)),
            Provision=Success(),
            Configure=Success(),
            ShutdownObsModeSequencers=Success(),
        )
        here.observatory.put(SEQUENCE_MANAGER, manager)
        http = here.http
        plan = (await http.get("/api/v1/plan", params={"mode": [IFS, IMAGER]})).json()
        assert plan["modes"][0]["excludes"] == {"IRIS_Imager": ["IRIS"]}
        assert plan["together"] is False
        held = (await http.get("/api/v1/resources")).json()["resources"]
        assert held == [{"resource": "IRIS", "status": "InUse", "obs_mode": "IRIS_IFS"}]
        assert (await http.post("/api/v1/obs-modes/reload")).json()["added"] == ["IRIS_IFS"]
        assert (await http.post("/api/v1/provision", json={"components": {MACHINE: 2}})).status_code == 200
        assert (await http.post(f"/api/v1/obs-modes/{IFS}/configure", json={"time_factor": 0.5})).status_code == 200
        assert (await http.post(f"/api/v1/obs-modes/{IFS}/shutdown")).status_code == 200
        del manager.asked[1]  # GetResources, of which only its kind could be wrong
        assert manager.asked == [
            GetPlan(obs_modes=(IFS, IMAGER)),
            ReloadObsModes(),
            Provision(components={MACHINE: 2}),
            Configure(obs_mode=IFS, time_factor=0.5),
            ShutdownObsModeSequencers(obs_mode=IFS),
        ]
        manager.replies["Configure"] = ConflictingResourcesWithRunningObsMode(
            running_obs_modes=(IFS,), conflicts={Subsystem.IRIS: IFS}
        )
        said = is_problem(await http.post(f"/api/v1/obs-modes/{IMAGER}/configure", json={}), 409, "conflict")
        assert said["detail"] == "IRIS is held by IRIS_IFS"
        manager.replies["Provision"] = CouldNotFindMachines(machines=(Prefix("TCS.m"),), known=(MACHINE,))
        none = await http.post("/api/v1/provision", json={"components": {"TCS.m": 1}})
        assert "TCS.m" in is_problem(none, 422, "no-such-machine")["detail"]
        is_problem(await http.post("/api/v1/provision", json={"components": {MACHINE: -1}}), 422, "bad-input")

    play(tmp_path, story)


def _stream(tmp_path: Path, story: Callable[[Web, httpx.AsyncClient], Awaitable[None]]) -> None:
    async def whole(here: Web) -> None:
        async with served(here.app) as url, httpx.AsyncClient(base_url=url, timeout=20) as http, asyncio.timeout(30):
            await story(here, http)

    play(tmp_path, whole)


def _status(*running: ObsMode) -> ManagerStatus:
    return ManagerStatus(state="Idle", agents=(), silent_agents=(), running_obs_modes=running, pid=1)


def test_given_followers_of_the_observatory_when_it_changes_then_each_state_is_told_once_and_a_lost_manager_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocs_ray.gateway.api.obs_modes.LOOK_S", 0.01)
    path = "/api/v1/observatory/events"

    async def story(here: Web, http: httpx.AsyncClient) -> None:
        is_problem(await http.get(path), 503, "not-available")
        manager = Played(GetManagerStatus=_status())
        here.observatory.put(SEQUENCE_MANAGER, manager)
        async with http.stream("GET", path) as response, aclosing(events(response)) as seen:
            first = await anext(seen)
            assert (first["event"], first["data"]["running_obs_modes"]) == ("observatory", [])
            before = len(manager.asked)
            await until(lambda: len(manager.asked) >= before + 5, within_s=10)  # looked at, and nothing is said
            manager.replies["GetManagerStatus"] = _status(IFS)
            second = await anext(seen)
            assert (second["event"], second["data"]["running_obs_modes"]) == ("observatory", ["IRIS_IFS"])
        async with http.stream("GET", path, headers={"Last-Event-ID": second["id"]}) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == ": still here"  # the state it has seen is not told again
            manager.replies["GetManagerStatus"] = _status()
            async with aclosing(events(response, lines)) as seen:
                again = await anext(seen)
                assert (again["id"], again["data"]) == (first["id"], first["data"])
                here.observatory.remove(SEQUENCE_MANAGER)
                lost = await anext(seen)
                assert (lost["event"], lost["data"]["type"]) == ("problem", "/api/v1/problems/not-available")
                assert [each async for each in seen] == []

    _stream(tmp_path, story)


def test_given_a_follower_of_a_procedure_when_it_comes_back_with_its_last_id_then_it_gets_the_rest_and_no_more(
    tmp_path: Path,
) -> None:
    path = f"{BASE}/procedure/events"

    async def story(_: Web, http: httpx.AsyncClient) -> None:
        async with http.stream("GET", path) as response, aclosing(events(response)) as seen:
            run = (await http.post(f"{BASE}/runs", json=[setup("quick")])).json()["runId"]
            await finished(http, f"{BASE}/runs/{run}")
            now = (await http.get(f"{BASE}/procedure")).json()
            told = [await anext(seen) for _ in now["changes"]]
        assert [each["event"] for each in told] == ["procedure"] * len(told)
        assert [each["data"] for each in told] == now["changes"]
        assert [int(each["id"]) for each in told] == [each["number"] for each in now["changes"]]
        assert len(told) > 1
        for last, rest in ((told[0]["id"], told[1:]), ("999999", told)):  # the second: another life of the sequencer
            back = {"Last-Event-ID": last}
            async with http.stream("GET", path, headers=back) as response, aclosing(events(response)) as seen:
                assert [await anext(seen) for _ in rest] == rest
        is_problem(await http.get(path, headers={"Last-Event-ID": "x"}), 422, "bad-input")
        is_problem(await http.get("/api/v1/sequencers/ESW.nobody/procedure/events"), 404, "no-such-component")

    _stream(tmp_path, story)
