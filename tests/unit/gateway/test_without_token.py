"""What our own client may do without a token: read, when reads are open. It sends every message by POST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Queue

import pytest

from ocs_ray.cli import main
from ocs_ray.client import Sequencer
from ocs_ray.core import token_book
from ocs_ray.errors import AccessError
from ocs_ray.gateway.app import create_app
from ocs_ray.location.token_file import TokenFile, new_token
from ocs_ray.models.access import Role
from ocs_ray.models.access_settings import AccessSettings, LimitSettings
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.event_messages import Subscribe
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.manager_messages import GetManagerStatus, GetObsModesDetails
from ocs_ray.models.manager_replies import ManagerStatus, ObsModesDetails
from ocs_ray.testing.local_observatory import LocalObservatory

from .web_floor import SEQUENCER, served, web

OPEN_READS = GatewaySettings(access=AccessSettings(limits=LimitSettings(body_bytes=1000, json_depth=8)))
CLOSED_READS = GatewaySettings(access=AccessSettings(reads_open=False))
EVENTS = "/api/v1/messages/CSW.event_service-Service"
DOOR = f"/api/v1/messages/{SEQUENCER}-Sequencer"


def test_given_open_reads_when_nobody_known_asks_through_the_door_then_reads_pass_and_changes_and_limits_do_not(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with web(tmp_path, OPEN_READS) as here:
            port = here.port()
            far = Sequencer.at(SEQUENCER, port=port)
            assert (await far.status()).state == "Idle"
            with pytest.raises(AccessError, match="Stop needs a token"):
                await far.stop()
            assert (await here.http.post(DOOR, content=b"[" * 9)).status_code == 400
            assert (await here.http.post(DOOR, content=b"x" * 1001)).status_code == 413
            keyed = await here.http.post(DOOR, json={"kind": "GetStatus"}, headers={"Idempotency-Key": "a"})
            assert keyed.status_code == 200
            assert len(here.app.state.ocs_answers) == 0  # it would push out the answers to somebody's changes
            await port.aclose()

    asyncio.run(story())


def test_given_open_reads_when_nobody_known_subscribes_then_he_is_told_to_show_a_token_and_a_known_one_is_served(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        tokens, token = TokenFile(tmp_path / "data" / "tokens.json"), new_token()
        record = token_book.new_record("ui", [Role("wfos-user")], token, 0.0, None)
        tokens.change(lambda book: token_book.with_token(book, record))
        settings = GatewaySettings(access=AccessSettings(token_file=str(tokens.path)))
        asked = Subscribe(subscription_id="a", patterns=("*",)).model_dump(mode="json")
        async with web(tmp_path, settings) as here:
            refused = await here.http.post(EVENTS, json=asked)
            assert (refused.status_code, refused.json()["type"]) == (401, "/api/v1/problems/unauthenticated")
            assert "Subscribe needs a token" in refused.json()["detail"]
            mine = {"Authorization": f"Bearer {token}"}
            assert (await here.http.post(EVENTS, json=asked, headers=mine)).status_code == 200
            huge = {**asked, "patterns": ["*"] * 101}
            too_many = await here.http.post(EVENTS, json=huge, headers=mine)
            assert too_many.status_code == 422
            assert "patterns" in too_many.json()["detail"]
            assert "at most 100" in too_many.json()["detail"]

    asyncio.run(story())


def test_given_closed_reads_when_nobody_known_asks_then_the_body_is_not_even_read(tmp_path: Path) -> None:
    async def story() -> None:
        async with web(tmp_path, CLOSED_READS) as here:
            refused = await here.http.post(DOOR, content=b"{ no json")
            assert (refused.status_code, refused.json()["type"]) == (401, "/api/v1/problems/unauthenticated")

    asyncio.run(story())


async def _manager(message: object) -> object:
    match message:
        case GetManagerStatus():
            return ManagerStatus(state="Idle", agents=(), silent_agents=(), running_obs_modes=(), pid=1)
        case GetObsModesDetails():
            return ObsModesDetails(obs_modes=())
        case _:
            raise AssertionError(message)


@contextmanager
def gateway(settings: GatewaySettings) -> Iterator[str]:
    """A gateway in a thread of its own, for a program that has the main thread: its URL."""
    ready: Queue[tuple[str, Callable[[], object]]] = Queue()

    async def whole() -> None:
        over = asyncio.Event()
        async with LocalObservatory() as observatory:
            observatory.put(SEQUENCE_MANAGER, _manager)
            async with served(create_app(settings, observatory)) as url:
                ready.put((url, partial(asyncio.get_running_loop().call_soon_threadsafe, over.set)))
                await over.wait()

    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(asyncio.run, whole())
        url, end = ready.get(timeout=10)
        try:
            yield url
        finally:
            end()
            ended.result(10)


@pytest.mark.parametrize(("settings", "codes"), [(OPEN_READS, [0, 0, 2]), (CLOSED_READS, [2, 2, 2])])
def test_given_a_server_and_no_token_when_verbs_are_run_then_those_that_read_work_as_far_as_reads_are_open(
    settings: GatewaySettings,
    codes: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OCS_PROJECT", str(tmp_path))
    for name in ("OCS_SERVER", "OCS_TOKEN", "OCS_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with gateway(settings) as url:
        for verb, code in zip((["status"], ["modes"], ["configure", "Far"]), codes, strict=True):
            assert main.run(["--server", url, *verb]) == code, verb
            assert ("ocs token create" in capsys.readouterr().err) is bool(code), verb
