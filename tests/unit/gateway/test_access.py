"""Who gets through, at real routes of a protected application. Case numbers: reference esw_sm section 10."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket

from ocs_ray.core import token_book
from ocs_ray.errors import AccessError
from ocs_ray.gateway.access import protect
from ocs_ray.gateway.api import problems
from ocs_ray.gateway.esw.streams import serve

from .asgi_client import Socket

CONFIGURE = {"_type": "Configure", "obsMode": "DarkNight"}
PAUSE = "/api/v1/sequencers/IRIS.IRIS_ImagerOnly/pause"
NO_TOKEN = "The resource requires authentication, which was not supplied with the request"
WRONG_ROLE = "The supplied authentication is not authorized to access this resource"


def _problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    kind = problems.kinds()[document["type"].removeprefix("/api/v1/problems/")]
    assert (document["status"], document["title"]) == (status, kind.title)
    assert kind.status == status
    return document["detail"]


def test_case_53_given_no_token_or_the_wrong_role_when_configured_then_esw_s_codes_and_texts(gateway: Any) -> None:
    client = gateway.client()
    unknown = client.post("/post-endpoint", json=CONFIGURE)
    assert (unknown.status_code, unknown.text) == (401, NO_TOKEN)
    assert unknown.headers["www-authenticate"].startswith("Bearer realm=")
    assert unknown.headers["content-type"].startswith("text/plain")
    wrong = client.post("/post-endpoint", json=CONFIGURE, headers=gateway.headers("iris-user"))
    assert (wrong.status_code, wrong.text) == (403, WRONG_ROLE)
    bad = client.post("/post-endpoint", json=CONFIGURE, headers={"Authorization": "Bearer ocs_nonsense"})
    assert bad.status_code == 401
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    assert gateway.sent == []
    assert client.post("/post-endpoint", json={"_type": "GetResources"}).status_code == 200
    good = client.post("/post-endpoint", json=CONFIGURE, headers=gateway.headers("esw-user", name="console"))
    assert good.status_code == 200
    assert gateway.sent == [{"_type": "GetResources"}, CONFIGURE]


def test_given_our_own_api_when_refused_then_problem_details_before_the_body_is_looked_at(gateway: Any) -> None:
    client = gateway.client()
    assert "ocs token create" in _problem(client.post(PAUSE, content=b"{ no json"), 401)
    assert _problem(client.post("/api/v1/nowhere"), 401)
    detail = _problem(client.post(PAUSE, headers=gateway.headers("esw-user")), 403)
    assert detail == "somebody may not: Pause for IRIS.IRIS_ImagerOnly needs the role iris-user"
    assert client.post(PAUSE, headers=gateway.headers("iris-user", name="iris")).status_code == 200
    assert client.get("/api/v1/sequencers/IRIS.a").status_code == 200


def test_given_a_message_nobody_knows_when_sent_by_whoever_then_it_is_refused(gateway: Any) -> None:
    client = gateway.client(simulation=True)  # even where everybody may do everything
    for kind in ("Nonsense", "instance_task", "LoadScript"):
        assert client.post("/post-endpoint", json={"_type": kind}).status_code == 403
    assert gateway.sent == []


def test_given_reads_closed_when_read_then_any_token_opens_them_and_probes_stay_open(
    make_gateway: Callable[..., Any],
) -> None:
    gateway = make_gateway(reads_open=False)
    client = gateway.client()
    assert client.post("/post-endpoint", json={"_type": "GetResources"}).status_code == 401
    assert _problem(client.get("/api/v1/sequencers/IRIS.a"), 401)
    assert _problem(client.get("/metrics"), 401)
    assert client.get("/healthz").status_code == 200
    mine = gateway.headers("wfos-user")
    assert client.get("/api/v1/sequencers/IRIS.a", headers=mine).status_code == 200
    refused = client.websocket("/websocket-endpoint")
    assert (refused[0]["type"], refused[0]["status"]) == ("websocket.http.response.start", 401)
    assert refused[1]["body"].decode() == NO_TOKEN
    token = mine["Authorization"].removeprefix("Bearer ")
    for path, headers in (("/websocket-endpoint", mine), (f"/websocket-endpoint?access_token={token}&appName=ui", {})):
        accepted, frame, _ = client.websocket(path, headers=headers)
        assert accepted["type"] == "websocket.accept"
        assert json.loads(frame["text"]) == {"_type": "Idle"}
    assert client.get(f"/api/v1/sequencers/IRIS.a?access_token={token}").status_code == 401  # links get around


def test_given_an_open_websocket_when_its_request_may_not_be_asked_then_it_is_closed_as_a_refusal(gateway: Any) -> None:
    def frames(text: str) -> Any:
        raise AccessError(status=401, problem=f"{json.loads(text)['_type']} needs a token", remedy="make one")

    app = FastAPI()

    @app.websocket("/websocket-endpoint")
    async def stream(socket: WebSocket) -> None:
        await serve(socket, frames)

    protect(app, gateway.port, gateway.settings)

    async def story() -> None:
        async with Socket(app) as socket:
            socket.send({"_type": "Track"})
            assert await socket.closed() == 1008

    asyncio.run(story())


def test_given_a_token_when_revoked_or_expired_then_the_next_request_is_refused(gateway: Any) -> None:
    client = gateway.client()
    mine = gateway.headers("esw-user", name="console")
    assert client.post("/post-endpoint", json=CONFIGURE, headers=mine).status_code == 200
    gateway.tokens.change(lambda book: token_book.without_token(book, "console"))
    assert client.post("/post-endpoint", json=CONFIGURE, headers=mine).status_code == 401
    short = gateway.headers("iris-user", lasts_s=0.5, now=time.time() - 1)
    assert "expired" in _problem(client.post(PAUSE, headers=short), 401)


def test_given_a_damaged_or_foreign_token_file_when_asked_then_no_token_is_valid(
    gateway: Any, log_lines: list[str]
) -> None:
    client = gateway.client()
    mine = gateway.headers("esw-user")
    whole = gateway.tokens.path.read_bytes()
    gateway.tokens.path.write_bytes(whole[:40])
    assert client.post("/post-endpoint", json=CONFIGURE, headers=mine).status_code == 401
    gateway.tokens.path.write_bytes(whole)
    assert client.post("/post-endpoint", json=CONFIGURE, headers=mine).status_code == 200
    gateway.tokens.path.chmod(0o666)
    assert client.post("/post-endpoint", json=CONFIGURE, headers=mine).status_code == 401
    assert any("could have been written by another user" in line for line in log_lines)


@pytest.mark.parametrize("header", ["Basic dXNlcjpwdw==", "Bearer", "Bearer  ", "ocs_x", "Bearer \xff\xfe"])
def test_given_a_strange_authorization_header_when_read_then_401_and_no_fault(gateway: Any, header: str) -> None:
    answer = gateway.client().post(PAUSE, headers={"Authorization": header.encode("latin-1")})
    assert _problem(answer, 401)


def test_given_simulation_on_loopback_when_changed_without_a_token_then_it_is_done_but_not_for_a_foreign_page(
    gateway: Any,
) -> None:
    client = gateway.client(simulation=True)
    assert client.post("/post-endpoint", json=CONFIGURE).status_code == 200
    assert client.post(PAUSE, headers={"Origin": "http://localhost:3000"}).status_code == 200
    foreign = {"Origin": "https://evil.example.com"}
    assert client.post("/post-endpoint", json=CONFIGURE, headers=foreign).status_code == 403
    assert "evil.example.com" in _problem(client.post(PAUSE, headers=foreign), 403)
    assert client.post("/post-endpoint", json={"_type": "GetResources"}, headers=foreign).status_code == 200
    rebound = {"Host": "evil.example.com:8090"}
    assert client.post("/post-endpoint", json=CONFIGURE, headers=rebound).status_code == 421
    assert len(gateway.sent) == 3


def test_given_a_token_when_a_page_of_elsewhere_uses_it_then_it_is_served_as_esw_s_pages_are(gateway: Any) -> None:
    headers = {**gateway.headers("esw-user"), "Origin": "https://ui.example.org"}
    assert gateway.client().post("/post-endpoint", json=CONFIGURE, headers=headers).status_code == 200


def test_given_simulation_on_another_address_when_changed_then_a_token_is_needed_all_the_same(gateway: Any) -> None:
    client = gateway.client(simulation=True, host="0.0.0.0")
    assert client.post("/post-endpoint", json=CONFIGURE).status_code == 401


@pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.example.com", "", "a b", "127.0.0.1, x"])
def test_given_another_host_header_when_asked_then_it_was_not_meant_for_us(gateway: Any, host: str) -> None:
    answer = gateway.client().get("/api/v1/sequencers/IRIS.a", headers={"Host": host})
    assert "allowed_hosts" in _problem(answer, 421)


def test_given_a_name_of_the_settings_when_it_comes_as_host_then_it_is_ours(make_gateway: Callable[..., Any]) -> None:
    client = make_gateway(allowed_hosts=("OCS.example.org",)).client()
    assert client.get("/api/v1/sequencers/IRIS.a", headers={"Host": "ocs.example.org"}).status_code == 200


# -- limits ----------------------------------------------------------------------------------------------------------


def test_given_too_much_of_anything_when_sent_then_it_is_refused_before_the_route(
    make_gateway: Callable[..., Any],
) -> None:
    gateway = make_gateway(limits={"body_bytes": 1000, "upload_bytes": 5000, "json_depth": 8, "header_bytes": 2000})
    client, mine = gateway.client(), gateway.headers("iris-user", "script-admin")
    assert "1000 bytes" in _problem(client.post(PAUSE, content=b"x" * 1001, headers=mine), 413)
    assert _problem(client.post(PAUSE, content=[b"x" * 600, b"x" * 600], headers=mine), 413)  # no Content-Length
    assert "nested deeper than 8" in _problem(client.post(PAUSE, content=b"[" * 9 + b"]" * 9, headers=mine), 400)
    assert client.post("/post-endpoint", content=b"[" * 999).status_code == 400
    assert _problem(client.post(PAUSE, headers={**mine, "X-Big": "x" * 3000}), 431)
    assert gateway.sent == []
    assert client.post(PAUSE, content=b"x" * 1000, headers=mine).status_code == 200
    assert gateway.sent == [b"x" * 1000]
    assert client.post("/api/v1/packages", content=b"[" * 4000, headers=mine).json() == {"size": 4000}
    assert client.post("/api/v1/packages", content=b"x" * 5001, headers=mine).status_code == 413
    assert client.post("/api/v1/packages", content=[b"x" * 3000] * 2, headers=mine).status_code == 413


def test_given_a_caller_who_asks_too_often_when_limited_then_he_is_told_when_and_others_are_not(
    make_gateway: Callable[..., Any],
) -> None:
    gateway = make_gateway(limits={"requests_per_s": 0.01, "burst": 3})
    client, mine = gateway.client(), gateway.headers("iris-user")
    assert [client.get("/api/v1/sequencers/IRIS.a").status_code for _ in range(3)] == [200] * 3
    late = client.get("/api/v1/sequencers/IRIS.a")
    assert _problem(late, 429)
    assert 90 <= int(late.headers["retry-after"]) <= 100
    assert client.get("/api/v1/sequencers/IRIS.a", headers=mine).status_code == 200
    assert client.get("/healthz").status_code == 200


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_given_tokens_everywhere_in_requests_when_logged_then_no_line_holds_one(
    gateway: Any, log_lines: list[str]
) -> None:
    client = gateway.client()
    token = gateway.token("esw-user", name="console")
    mine = {"Authorization": f"Bearer {token}"}
    client.post("/post-endpoint", json=CONFIGURE, headers=mine)
    client.post(f"/nowhere/{token}?access_token={token}", headers=mine)
    client.websocket(f"/websocket-endpoint?Authorization=Bearer%20{token}")
    assert any("console: Configure for the observatory" in line for line in log_lines)
    assert any("/nowhere/(hidden)" in line for line in log_lines)
    assert token not in "\n".join(log_lines)
    assert all(json.loads(line)["component"] for line in log_lines)
