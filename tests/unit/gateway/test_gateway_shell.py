"""The gateway's shell: which port it takes, that it takes the same again, and that it serves. No Ray."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from ocs_ray.actors import gateway_shell
from ocs_ray.actors.gateway_shell import GatewayShell
from ocs_ray.errors import ClusterError
from ocs_ray.models.access_settings import AccessSettings, LimitSettings
from ocs_ray.models.gateway_settings import GatewaySettings, GatewayStatus
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.testing.local_observatory import LocalObservatory

APP = "ocs_ray.gateway.app:create_app"


class Notes:
    def __init__(self) -> None:
        self.kept: GatewayStatus | None = None

    def read(self) -> GatewayStatus | None:
        return self.kept

    def write(self, status: GatewayStatus) -> None:
        self.kept = status


def shell(settings: GatewaySettings, notes: Notes | None = None) -> GatewayShell:
    return GatewayShell(settings, APP, LocalObservatory(), notes or Notes(), lambda: pytest.fail("the server ended"))


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def status_code(url: str, **headers: str) -> int:
    def get() -> int:
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            with urllib.request.urlopen(urllib.request.Request(url, headers=given), timeout=5) as reply:
                return reply.status
        except urllib.error.HTTPError as refused:
            return refused.code

    return await asyncio.to_thread(get)


def test_given_any_free_port_when_started_then_both_ports_answer_and_the_status_names_them() -> None:
    async def story() -> None:
        gateway = shell(GatewaySettings(port=0, location_port=0))
        await gateway.start()
        try:
            status = await gateway.ask(GetStatus())
            assert status.url == f"http://127.0.0.1:{status.port}"
            assert status.location_port not in (None, status.port)
            assert await status_code(f"{status.url}/nothing-here") == 404
            assert await status_code(f"http://127.0.0.1:{status.location_port}/nothing-here") == 404
        finally:
            await gateway.stop()

    asyncio.run(story())


@pytest.mark.parametrize(("proxies", "expected"), [((), [404, 404, 429]), (("127.0.0.1",), [404, 404, 404])])
def test_given_addresses_that_are_only_claimed_when_asked_often_then_the_limit_holds_but_for_a_trusted_proxy(
    proxies: tuple[str, ...], expected: list[int]
) -> None:
    async def story() -> None:
        limits = LimitSettings(requests_per_s=0.01, burst=2)
        gateway = shell(GatewaySettings(port=0, access=AccessSettings(limits=limits, trusted_proxies=proxies)))
        await gateway.start()
        try:
            url = f"{(await gateway.ask(GetStatus())).url}/nothing-here"
            assert [await status_code(url, X_Forwarded_For=f"10.0.0.{last}") for last in range(3)] == expected
        finally:
            await gateway.stop()

    asyncio.run(story())


def test_given_as_many_connections_as_there_may_be_when_another_asks_then_503_until_one_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway_shell, "MOST_CONNECTIONS", 3)

    async def story() -> None:
        gateway = shell(GatewaySettings(port=0))
        await gateway.start()
        try:
            status = await gateway.ask(GetStatus())
            with closing(socket.create_connection(("127.0.0.1", status.port))):
                with closing(socket.create_connection(("127.0.0.1", status.port))):
                    await asyncio.sleep(0.05)
                    assert await status_code(f"{status.url}/healthz") == 503
                await asyncio.sleep(0.05)
                assert await status_code(f"{status.url}/healthz") == 200
        finally:
            await gateway.stop()

    asyncio.run(story())


def test_given_a_named_port_that_is_taken_when_started_then_the_error_names_it_and_the_way_out(taken: int) -> None:
    with pytest.raises(ClusterError, match=f"port {taken} is taken.*--gateway-port N"):
        asyncio.run(shell(GatewaySettings(port=taken)).start())


def test_given_the_location_port_is_taken_when_started_then_the_first_port_is_given_back(
    taken: int,
) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with pytest.raises(ClusterError, match=f"port {taken} is taken"):
        asyncio.run(shell(GatewaySettings(port=free, location_port=taken)).start())
    with closing(socket.socket()) as again:
        again.bind(("127.0.0.1", free))


def test_given_no_port_was_named_and_the_usual_one_is_taken_when_started_then_the_next_free_one_is_used(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        monkeypatch.setattr(gateway_shell, "GATEWAY_PORT", taken)
        gateway = shell(GatewaySettings())
        await gateway.start()
        try:
            assert taken < (await gateway.ask(GetStatus())).port < taken + gateway_shell.PORTS_TRIED
        finally:
            await gateway.stop()

    asyncio.run(story())


def test_given_a_gateway_that_died_when_another_process_takes_over_then_it_has_the_same_ports() -> None:
    async def story() -> None:
        notes, settings = Notes(), GatewaySettings(port=0, location_port=0)
        first = shell(settings, notes)
        await first.start()
        before = await first.ask(GetStatus())
        await first.stop()
        second = shell(settings, notes)
        await second.start()
        try:
            assert await second.ask(GetStatus()) == before
        finally:
            await second.stop()

    asyncio.run(story())


def test_given_a_gateway_that_died_when_somebody_else_took_its_port_then_its_process_ends_to_try_again(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_shell, "AGAIN_S", 0.01)
    notes, ended = Notes(), list[str]()
    notes.write(GatewayStatus(url=f"http://127.0.0.1:{taken}", port=taken))
    gateway = GatewayShell(GatewaySettings(), APP, LocalObservatory(), notes, lambda: ended.append("ended"))
    with pytest.raises(ClusterError, match=f"port {taken} is taken"):
        asyncio.run(gateway.start())
    assert ended == ["ended"]


def test_given_an_address_that_is_not_ours_when_started_then_the_error_says_so() -> None:
    with pytest.raises(ClusterError, match=r"cannot listen on 203\.0\.113\.1:0"):
        asyncio.run(shell(GatewaySettings(host="203.0.113.1", port=0)).start())
