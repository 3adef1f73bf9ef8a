"""Packages and their instances on a real Ray: placement, kill -9 of each part. Cases: scramjet.md, section 9."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from ocs_ray.actors.instance_room import release_instances
from ocs_ray.actors.spawning import create
from ocs_ray.client import Instance, Packages
from ocs_ray.errors import OcsError, RefusedError, UnreachableError
from ocs_ray.location.call import find, names
from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.instance_records import InstanceStatus
from ocs_ray.packages.pack import pack

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

TICKING = """
import time

def run(first=0):
    while True:
        yield first
        first += 1
        time.sleep(0.01)
"""
COUNT = "def run(start=0, length=10):\n    yield from range(start, start + length)\n"
Eventually = Callable[[Callable[[], Coroutine[Any, Any, bool]]], None]


@pytest.fixture
def send(tmp_path: Path, empty_ray: None) -> Iterator[Callable[..., str]]:
    """A package service with a store of its own; pack and send, the name comes back."""
    service = create("PackageService", PACKAGE_SERVICE, str(tmp_path / "data"), 8, None, resource=None)
    ray.get(service.start.remote(), timeout=60)

    def sent(program: str, name: str, **fields: Any) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "index.py").write_text(program)
        (folder / "package.json").write_text(
            json.dumps({"name": name, "version": "1.0.0", "main": "index.py", **fields})
        )
        asyncio.run(Packages().send(pack(folder, tmp_path / f"{name}.tar.gz").file))
        return name

    yield sent
    with contextlib.suppress(OcsError):
        asyncio.run(Packages().prune(force=True, deadline_s=0.5))
    release_instances()


def pid_of(name: str) -> int:
    handle = find(name)
    return ray.get(handle.__ray_call__.remote(lambda self: os.getpid()), timeout=10)


def test_given_a_package_when_started_then_its_output_comes_through_the_host(
    send: Callable[..., str],
) -> None:
    async def story() -> None:  # cases 1, 17
        instance = await Packages().start(send_name, [3000, 10])
        assert await instance.output() == b"".join(b"%d\n" % n for n in range(3000, 3010))
        record = await instance.wait(10)
        assert (record.status, record.machine) == (InstanceStatus.COMPLETED, socket.gethostname())

    send_name = send(COUNT, "count")
    asyncio.run(story())
    assert Packages().sync.start(send_name, [5, 1]).output() == b"5\n"


def test_given_a_resource_one_instance_holds_when_a_second_wants_it_then_it_starts_after_the_first(
    send: Callable[..., str],
) -> None:
    async def story() -> None:  # case 14
        first = await Packages().start(name)
        with pytest.raises(RefusedError, match="no machine has resource:TCS: 1 free"):
            await Packages().start(name)
        await first.kill()
        second = await Packages().start(name)
        assert (await second.info()).status is InstanceStatus.RUNNING

    name = send(TICKING, "pointing", observatory={"resources": {"resource:TCS": 1}})
    asyncio.run(story())


def test_given_live_instances_when_the_service_is_killed_then_it_comes_back_and_knows_them(
    send: Callable[..., str], eventually: Eventually
) -> None:
    name = send(TICKING, "ticking")

    async def begin() -> list[Instance]:
        return [await Packages().start(name, [n]) for n in range(4)]

    instances = asyncio.run(begin())

    async def all_run() -> bool:
        return all(record.status is InstanceStatus.RUNNING for record in await Packages().instances())

    eventually(all_run)
    before = {record.id: record for record in asyncio.run(Packages().instances())}
    os.kill(pid_of(PACKAGE_SERVICE), signal.SIGKILL)  # case 30

    async def is_back() -> bool:
        with contextlib.suppress(UnreachableError):
            return len(await Packages().instances()) == len(instances)
        return False

    eventually(is_back)

    async def story() -> None:
        assert {record.id: record for record in await Packages().instances()} == before
        record = await instances[0].kill()
        assert record.status is InstanceStatus.COMPLETED
        assert len(await Packages().list()) == 1

    asyncio.run(story())


def test_given_a_live_instance_when_its_host_is_killed_then_it_goes_on_and_is_read_again(
    send: Callable[..., str], eventually: Eventually
) -> None:
    name = send(TICKING, "ticking")
    instance = asyncio.run(Packages().start(name))
    program = asyncio.run(instance.info()).process_id
    os.kill(pid_of(instance_host(socket.gethostname())), signal.SIGKILL)  # case 30
    heard = 0

    async def is_heard() -> bool:
        nonlocal heard
        with contextlib.suppress(UnreachableError):
            heard = (await instance.read(offset=-1)).next_offset
        return heard > 0

    eventually(is_heard)

    async def goes_on() -> bool:
        with contextlib.suppress(UnreachableError):
            return (await instance.read(offset=-1)).next_offset > heard
        return False

    eventually(goes_on)
    record = asyncio.run(instance.info())
    assert (record.status, record.process_id, record.run) == (InstanceStatus.RUNNING, program, 1)
    assert psutil.pid_exists(program)
    asyncio.run(instance.kill())
    assert not psutil.pid_exists(program)


def test_given_a_busy_machine_when_instances_run_then_none_of_them_errs(send: Callable[..., str]) -> None:
    fork = "        os.fork() or os.execlp('sh', 'sh', '-c', 'while :; do :; done')\n"
    busy = "    for _ in range(25 * os.cpu_count()):\n" + fork
    burner = "import os, time\n\ndef run():\n" + busy + "    time.sleep(60)\n"
    # Its beats are a second apart: thirteen of them have to come through while the machine is busy.
    slow = "import time\n\ndef run(n):\n    for i in range(n):\n        time.sleep(0.25)\n        yield i\n"

    async def story() -> None:  # case 30: for 13 s, where the case says a minute
        slowly = [await Packages().start(name, [52]) for _ in range(3)]
        burning = await Packages().start(burn)
        try:
            for instance in slowly:
                assert (await instance.wait(60)).status is InstanceStatus.COMPLETED
                assert (await instance.output()).count(b"\n") == 52
            assert (await burning.health()).processes > 25 * (os.cpu_count() or 1)
        finally:
            await burning.kill()

    burn, name = send(burner, "burner"), send(slow, "slow")
    asyncio.run(story())
    assert PACKAGE_SERVICE in names()
