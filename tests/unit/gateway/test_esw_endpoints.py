"""The two endpoints of ESW's contract on an observatory in one process; no Ray. Source: reference esw_sm 7, 9."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from ocs_ray.gateway.app import create_app
from ocs_ray.models.access_settings import AccessSettings, OidcSettings
from ocs_ray.models.actor_names import SEQUENCE_MANAGER, actor_name
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, Provision
from ocs_ray.models.manager_replies import ConfigurationMissing, Success
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

from .asgi_client import Socket, post, request

PREFIX = "ESW.Dark"
OPEN = AccessSettings(open_on_loopback=True)  # who may do what: test_every_route.py
SETTINGS = GatewaySettings(port=8090, provision={Prefix("ESW.machine1"): 2}, access=OPEN)
COMMAND = {"_type": "Setup", "source": "ESW.night", "commandName": "preset", "paramSet": []}
Story = Callable[[FastAPI, LocalObservatory], Awaitable[None]]


def play(story: Story, config: Path | None = None) -> None:
    """An observatory with one simulated sequencer, and the application at its door."""

    async def whole() -> None:
        async with LocalObservatory(config=config) as observatory:
            await observatory.start_sequencer(PREFIX, None, ".")
            await story(create_app(SETTINGS, observatory), observatory)

    asyncio.run(whole())


def to_sequencer(command: dict[str, Any], prefix: str = PREFIX) -> dict[str, Any]:
    component = {"prefix": prefix, "componentType": "Sequencer"}
    return {"_type": "SequencerCommand", "componentId": component, "command": command}


def connection(prefix: str, component_type: str, connection_type: str) -> dict[str, str]:
    return {"prefix": prefix, "componentType": component_type, "connectionType": connection_type}


def test_given_a_sequence_when_loaded_started_and_asked_for_by_http_then_it_runs_to_its_end() -> None:
    async def story(app: FastAPI, _: LocalObservatory) -> None:
        assert (await post(app, to_sequencer({"_type": "GetSequence"}))).json == []
        loaded = await post(app, to_sequencer({"_type": "LoadSequence", "sequence": [COMMAND, COMMAND]}))
        assert (loaded.status, loaded.json) == (200, {"_type": "Ok"})
        assert (await post(app, to_sequencer({"_type": "GetSequencerState"}))).json == {"_type": "Loaded"}
        assert (await post(app, to_sequencer({"_type": "IsAvailable"}))).json is False
        started = (await post(app, to_sequencer({"_type": "StartSequence"}))).json
        assert started["_type"] == "Started"
        async with Socket(app) as socket:
            socket.send(to_sequencer({"_type": "QueryFinal", "runId": started["runId"], "timeout": 10}))
            final = await socket.frame()
        assert final == {"_type": "Completed", "runId": started["runId"], "result": {"paramSet": []}}
        (steps,) = (await post(app, to_sequencer({"_type": "GetSequence"}))).json
        assert [(step["command"], step["status"]) for step in steps] == [(COMMAND, {"_type": "Success"})] * 2
        assert (await post(app, to_sequencer({"_type": "Query", "runId": started["runId"]}))).json == final

    play(story)


def test_given_a_sequencer_s_own_path_when_asked_without_the_wrapper_then_it_answers() -> None:
    """Its registered address; a JVM client that keeps the path sends what it would send to the sequencer itself."""

    async def story(app: FastAPI, _: LocalObservatory) -> None:
        ours = f"/sequencer/{PREFIX}/post-endpoint"
        assert (await post(app, {"_type": "IsOnline"}, ours)).json is True
        assert (await post(app, {"_type": "IsOnline"}, "/sequencer/nobody/post-endpoint")).status == 400
        async with Socket(app, f"/sequencer/{PREFIX}/websocket-endpoint") as socket:
            socket.send({"_type": "SubscribeSequencerState"})
            assert (await socket.frame())["sequencerState"] == {"_type": "Idle"}

    play(story)


def test_given_followers_of_one_sequencer_when_it_runs_and_ends_then_all_see_its_last_state_and_the_end() -> None:
    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        async def follow() -> list[Any]:
            async with Socket(app) as socket:
                socket.send(to_sequencer({"_type": "SubscribeSequencerState"}))
                frames = [await socket.frame()]
                ready.release()
                while frames[-1]["sequencerState"] != {"_type": "Idle"} or not frames[-1]["stepList"]:
                    frames.append(await socket.frame())
                seen.release()
                assert await socket.closed() == 1000
                return frames

        ready, seen = asyncio.Semaphore(0), asyncio.Semaphore(0)
        followers = [asyncio.create_task(follow()) for _ in range(20)]
        for _ in followers:
            await ready.acquire()
        asked = len(observatory.sent)
        await post(app, to_sequencer({"_type": "Submit", "sequence": [COMMAND]}))
        for _ in followers:
            await seen.acquire()
        watches = [sent for sent in observatory.sent[asked:] if type(sent.message).__name__ == "Watch"]
        assert 0 < len(watches) < len(followers)  # one look for all of them
        await observatory.close()
        for frames in await asyncio.gather(*followers):
            assert frames[0] == {"_type": "SequencerStateResponse", "stepList": [], "sequencerState": {"_type": "Idle"}}
            assert [step["status"] for step in frames[-1]["stepList"]] == [{"_type": "Success"}]
            assert all(one != other for one, other in pairwise(frames))

    play(story)


def test_given_a_run_that_does_not_end_when_its_end_is_waited_for_then_a_time_out_is_told() -> None:
    async def story(app: FastAPI, _: LocalObservatory) -> None:
        await post(app, to_sequencer({"_type": "LoadSequence", "sequence": [COMMAND]}))
        (steps,) = (await post(app, to_sequencer({"_type": "GetSequence"}))).json
        await post(app, to_sequencer({"_type": "AddBreakpoint", "id": steps[0]["id"]}))
        started = (await post(app, to_sequencer({"_type": "StartSequence"}))).json
        async with Socket(app) as socket:
            socket.send(to_sequencer({"_type": "QueryFinal", "runId": started["runId"], "timeout": 0.05}))
            assert (await socket.frame())["error_name"] == "TimeoutException"
            assert await socket.closed() == 1011

    play(story)


def test_given_a_sequencer_that_is_not_there_when_asked_then_esw_s_error_is_told(monkeypatch: Any) -> None:
    monkeypatch.setattr("ocs_ray.gateway.esw.desk.RESOLVE_S", 0.05)

    async def story(app: FastAPI, _: LocalObservatory) -> None:
        reply = await post(app, to_sequencer({"_type": "IsOnline"}, "ESW.nobody"))
        assert (reply.status, reply.headers["error-type"]) == (500, "DomainError")
        assert reply.json["_type"] == "InvalidComponent"
        assert reply.json["error_message"] == reply.json["msg"]
        async with Socket(app) as socket:
            socket.send(to_sequencer({"_type": "SubscribeSequencerState"}, "ESW.nobody"))
            assert await socket.frame() == reply.json

    play(story)


# -- locations -------------------------------------------------------------------------------------------------------


def test_given_what_runs_when_listed_then_actors_are_pekko_and_what_the_gateway_serves_is_http() -> None:
    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        observatory.put(SEQUENCE_MANAGER, _silent)
        found = (await post(app, {"_type": "ListEntries"})).json
        http = {each["connection"]["prefix"]: each["uri"] for each in found if each["_type"] == "HttpLocation"}
        services = ("CSW.ConfigServer", "ESW.EswGateway", "ESW.agent_service", "ESW.sequence_manager")
        assert http == {
            **dict.fromkeys(services, "http://127.0.0.1:8090/"),
            PREFIX: f"http://127.0.0.1:8090/sequencer/{PREFIX}/",
        }
        by_type = (await post(app, {"_type": "ListByComponentType", "componentType": "Sequencer"})).json
        assert [each["_type"] for each in by_type] == ["PekkoLocation", "HttpLocation"]
        assert {each["metadata"]["sequenceComponentPrefix"] for each in by_type} == {"ESW.local"}
        by_prefix = (await post(app, {"_type": "ListByPrefix", "prefix": "esw.dark"})).json
        assert by_prefix == by_type
        on_host = (await post(app, {"_type": "ListByHostname", "hostname": "127.0.0.1"})).json
        assert {each["connection"]["prefix"] for each in on_host} == set(http)
        pekko = (await post(app, {"_type": "ListByConnectionType", "connectionType": "pekko"})).json
        assert len(pekko) + len(http) == len(found)

    play(story)


async def _silent(_: object) -> Any:
    await asyncio.Event().wait()


def test_given_a_sequence_component_when_found_then_its_machine_and_process_are_told_as_text() -> None:
    async def component(message: object) -> Any:
        assert isinstance(message, GetComponentStatus)
        machine, prefix = Prefix("ESW.machine1"), Prefix("ESW.ESW_1")
        return SequenceComponentStatus(
            prefix=prefix, machine=machine, state="Idle", loaded=None, sequencer=None, pid=4242
        )

    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        observatory.put(actor_name("ESW.ESW_1", ComponentType.SequenceComponent), component)
        asked = {"_type": "Find", "connection": connection("ESW.ESW_1", "SequenceComponent", "pekko")}
        (found,) = (await post(app, asked)).json
        assert found["metadata"] == {"agentPrefix": "ESW.machine1", "PID": "4242"}

    play(story)


def test_given_nobody_yet_when_resolved_and_tracked_then_the_coming_and_going_is_told() -> None:
    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        name, wanted = actor_name("IRIS.wheel", ComponentType.HCD), connection("IRIS.wheel", "HCD", "pekko")
        assert (await post(app, {"_type": "Resolve", "connection": wanted, "within": "10 milliseconds"})).json == []
        assert (await post(app, {"_type": "Find", "connection": wanted})).json == []
        waiting = asyncio.create_task(post(app, {"_type": "Resolve", "connection": wanted, "within": "10 seconds"}))
        async with Socket(app) as socket:
            socket.send({"_type": "Track", "connection": wanted})
            await asyncio.sleep(0)
            observatory.put(name, _silent)
            assert (await socket.frame())["_type"] == "LocationUpdated"
            observatory_found = (await waiting).json
            assert [each["connection"] for each in observatory_found] == [wanted]
            observatory.remove(name)
            assert await socket.frame() == {"_type": "LocationRemoved", "connection": wanted}

    play(story)


def test_given_somebody_registers_when_it_is_no_actor_then_esw_s_errors_say_so() -> None:
    async def story(app: FastAPI, _: LocalObservatory) -> None:
        there = connection("ESW.EswGateway", "Service", "http")
        new = connection("CSW.something", "Service", "http")
        for wanted, kind in ((there, "OtherLocationIsRegistered"), (new, "RegistrationFailed")):
            network, metadata = {"_type": "Outside"}, {}
            registration = {"_type": "HttpRegistration", "connection": wanted, "port": 80, "path": ""}
            registration |= {"networkType": network, "metadata": metadata}
            reply = await post(app, {"_type": "Register", "registration": registration})
            assert (reply.status, reply.headers["error-type"], reply.json["_type"]) == (500, "DomainError", kind)
        assert (await post(app, {"_type": "Unregister", "connection": new})).json == "Done"
        refused = await post(app, {"_type": "Unregister", "connection": there})
        assert (refused.status, refused.json["_type"]) == (500, "UnregistrationFailed")

    play(story)


def test_given_an_oidc_issuer_when_esw_s_pages_look_for_where_to_log_in_then_it_is_in_front_of_the_realm() -> None:
    """Source: reference esw_sm 0 and 9.1; a client appends realms/TMT to what it finds."""
    wanted = connection("CSW.AAS", "Service", "http")
    resolve = {"_type": "Resolve", "connection": wanted, "within": "10 milliseconds"}

    async def story(issuer: str, found: list[str]) -> None:
        oidc = OidcSettings(issuer=issuer, audience="ocs") if issuer else None
        settings = SETTINGS.model_copy(update={"access": AccessSettings(open_on_loopback=True, oidc=oidc)})
        async with LocalObservatory() as observatory:
            app = create_app(settings, observatory)
            assert [each["uri"] for each in (await post(app, resolve)).json] == found
            listed = (await post(app, {"_type": "ListEntries"})).json
            assert [each["uri"] for each in listed if each["connection"] == wanted] == found

    asyncio.run(story("https://auth.example.org/realms/TMT", ["https://auth.example.org/"]))
    asyncio.run(story("http://localhost:8081/auth/realms/TMT", ["http://localhost:8081/auth/"]))
    asyncio.run(story("https://login.example.org/", ["https://login.example.org/"]))
    asyncio.run(story("", []))


# -- Sequence Manager, config, CORS ----------------------------------------------------------------------------------


def test_given_requests_to_the_sequence_manager_then_it_gets_them_in_our_words_and_answers_in_esw_s() -> None:
    asked: list[object] = []

    async def manager(message: object) -> Any:
        asked.append(message)
        return Success() if isinstance(message, Provision) else ConfigurationMissing(obs_mode=ObsMode("X"), known=())

    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        observatory.put(SEQUENCE_MANAGER, manager)
        config = {"config": [{"agentPrefix": "ESW.machine1", "countOfSeqComps": 3}]}
        assert (await post(app, {"_type": "Provision", "config": config})).json == {"_type": "Success"}
        missing = await post(app, {"_type": "Configure", "obsMode": "X"})
        assert (missing.status, missing.json) == (200, {"_type": "ConfigurationMissing", "obsMode": "X"})
        assert asked == [Provision(components={Prefix("ESW.machine1"): 3}), Configure(obs_mode=ObsMode("X"))]

    play(story)


def test_given_no_sequence_manager_when_asked_then_the_failure_has_esw_s_form() -> None:
    async def story(app: FastAPI, _: LocalObservatory) -> None:
        reply = await post(app, {"_type": "GetResources"})
        assert (reply.status, reply.headers["error-type"]) == (500, "GenericError")
        assert reply.json["error_name"] == "UnreachableError"
        assert "ESW.sequence_manager" in reply.json["error_message"]

    play(story)


def test_given_the_provision_page_s_file_then_the_config_service_s_comes_first_and_the_cluster_file_s_numbers_next(
    tmp_path: Path,
) -> None:
    path = "/active-config//tmt/esw/smProvisionConfig.json"  # two slashes: so the page asks

    async def without(app: FastAPI, _: LocalObservatory) -> None:
        reply = await request(app, "GET", path)
        assert json.loads(reply.body) == {"ESW.machine1": 2}
        assert (await request(app, "GET", "/active-config/no/such.file")).status == 404
        assert (await request(app, "GET", "/active-config/../secret")).status == 400

    async def with_one(app: FastAPI, _: LocalObservatory) -> None:
        reply = await request(app, "GET", path)
        assert (reply.status, reply.body) == (200, b'{"TCS.machine1": 5}')

    play(without)
    file = tmp_path / "tmt" / "esw" / "smProvisionConfig.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"TCS.machine1": 5}')
    play(with_one, tmp_path)


def test_given_a_page_of_any_origin_when_it_asks_what_it_may_send_then_esw_s_four_headers_are_allowed() -> None:
    async def story(app: FastAPI, _: LocalObservatory) -> None:
        names = "authorization,content-type,x-tmt-app-name,x-tmt-username"
        asked = {"origin": "http://ui.example.org", "access_control_request_method": "POST"}
        reply = await request(app, "OPTIONS", "/post-endpoint", **asked, access_control_request_headers=names)
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == "http://ui.example.org"
        assert reply.headers["access-control-allow-credentials"] == "true"
        allowed = {name.strip() for name in reply.headers["access-control-allow-headers"].lower().split(",")}
        assert set(names.split(",")) <= allowed

    play(story)


def test_given_a_follower_that_leaves_then_the_sequencer_is_not_looked_at_any_more() -> None:
    async def story(app: FastAPI, observatory: LocalObservatory) -> None:
        before = asyncio.all_tasks()
        async with Socket(app) as socket:
            socket.send(to_sequencer({"_type": "SubscribeSequencerState"}))
            await socket.frame()
        await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()}, within_s=5)
        assert observatory.sent

    play(story)
