"""What survives the death of the package service and of a host. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from ocs_ray.actors.instance_host_shell import InstanceHostShell
from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.instance_records import InstanceRecord, InstanceStatus
from ocs_ray.testing.waiting import until

from .conftest import MACHINE, Platform

Story = Callable[..., None]
HOST = instance_host(MACHINE)
TICKING = """
import time

def run(ctx):
    ctx.add_stop_handler(lambda timeout_s, can_keep_alive: None)
    n = 0
    while True:
        yield n
        n += 1
        time.sleep(0.01)
"""


async def by_id(on: Platform) -> dict[str, InstanceRecord]:
    return {str(record.id): record for record in await on.packages.instances(all=True)}


def test_given_ten_live_and_one_ended_when_service_and_host_die_then_all_is_back(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 30
        ended = await on.packages.start(await on.send(), [7, 1])
        await ended.wait(5)
        name = await on.send(TICKING, name="ticking")
        live = [await on.packages.start(name) for _ in range(10)]
        before = await by_id(on)
        for shell in (PACKAGE_SERVICE, HOST):
            on.lose(shell)
        await on.start_service()
        after = await by_id(on)
        assert after == before
        assert [info.record.label for info in await on.packages.list()] == ["counter@0.1.1", "ticking@0.1.1"]
        assert await ended.output() == b"7\n"
        for instance in live:
            record = after[instance.id]
            assert record.status is InstanceStatus.RUNNING
            assert psutil.pid_exists(record.process_id)
            assert record.run == 1
        await live[0].stop(5)
        assert (await live[0].wait(5)).status is InstanceStatus.COMPLETED
        lines = (await live[0].output()).splitlines()
        assert lines == [b"%d" % n for n in range(len(lines))]

    run_story(story)


def test_given_an_instance_that_ends_while_nobody_is_there_then_its_end_is_known_after(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 30
        short = "import time\n\ndef run():\n    time.sleep(0.3)\n    yield 'done'\n"
        instance = await on.packages.start(await on.send(short))
        pid = (await instance.info()).process_id
        for shell in (PACKAGE_SERVICE, HOST):
            on.lose(shell)
        await until(lambda: not psutil.pid_exists(pid))
        await on.start_service()
        record = await instance.wait(5)
        assert record.status is InstanceStatus.COMPLETED
        assert await instance.output() == b'"done"\n'

    run_story(story)


def test_given_only_the_host_dies_when_its_process_comes_back_then_the_instances_are_adopted(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(TICKING))
        on.lose(HOST)
        shell = on.shells[HOST] = InstanceHostShell(MACHINE, on.data, on)
        await shell.start()
        assert (await instance.info()).status is InstanceStatus.RUNNING
        offset = (await instance.read()).next_offset
        assert (await instance.read(offset=offset, wait_s=2)).data
        await instance.kill()
        assert (await instance.info()).status is InstanceStatus.COMPLETED

    run_story(story)


def test_given_an_instance_no_machine_knows_of_when_the_service_is_back_then_it_is_lost(run_story: Story) -> None:
    import shutil

    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(TICKING))
        await on.shells[HOST].ask(GetKilled(instance.id))
        on.lose(PACKAGE_SERVICE)
        on.lose(HOST)
        shutil.rmtree(on.data / "instances" / instance.id)
        journal = on.data / "instances.jsonl"
        kept = [line for line in journal.read_text().splitlines() if '"status":"completed"' not in line]
        journal.write_text("\n".join(kept) + "\nhalf a li")
        await on.start_service()
        record = await instance.info()
        assert record.status is InstanceStatus.ERRORED
        assert record.terminated is not None
        assert record.terminated.exit_code == 213
        assert "lost" in record.terminated.reason

    def GetKilled(id_: str) -> object:
        from ocs_ray.models.identifiers import Id
        from ocs_ray.models.instance_messages import KillInstance

        return KillInstance(id=Id(id_))

    run_story(story)


def test_given_a_platform_that_was_down_when_up_again_then_what_ended_before_can_be_read(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(), [7, 1])
        await instance.wait(5)
        for shell in (PACKAGE_SERVICE, HOST):
            on.lose(shell)
        await on.start_service()
        assert HOST not in on.shells  # nothing is alive, so nobody needed it yet
        assert await on.instance(instance.id).output() == b"7\n"

    run_story(story)
