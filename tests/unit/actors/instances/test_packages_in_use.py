"""The rule between packages and their instances. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable

import pytest

from ocs_ray.errors import BadInputError, ClusterError, PackageTakenError, RefusedError, UnknownPackageError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_records import InstanceStatus
from ocs_ray.models.package_messages import FinishSending, ListPackages, SendChunk

from .conftest import SEED_PROGRAM, Platform

Story = Callable[..., None]
FOREVER = "import time\n\ndef run():\n    yield 1\n    while True:\n        time.sleep(0.01)\n"
STUBBORN = (
    "import time\n\ndef run():\n    while True:\n        try:\n            time.sleep(0.01)\n"
    "        except BaseException:\n            pass\n"
)


def test_given_packages_when_listed_then_all_is_shown_by_name_and_in_stable_pages(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 9
        for version in ("0.1.1", "0.2.0"):
            await on.send(version=version)
        await on.send(FOREVER, name="other")
        instance = await on.packages.start("other")
        shown = await on.packages.list()
        assert [(info.record.label, info.tags) for info in shown] == [
            ("counter@0.1.1", ()),
            ("counter@0.2.0", ("latest",)),
            ("other@0.1.1", ("latest",)),
        ]
        assert shown[2].instances == (instance.id,)
        record = (await on.packages.info("other")).record
        assert record.digest.startswith("sha256:")
        assert record.size_bytes > 0
        assert time.time() - record.created_unix_s < 60
        assert [info.record.version for info in await on.packages.list("counter")] == ["0.1.1", "0.2.0"]
        first = await on.ask("CSW.package_service-Service", ListPackages(limit=1), 5)
        await on.packages.delete("counter@0.1.1")
        second = await on.ask("CSW.package_service-Service", ListPackages(limit=1, after=first.after), 5)
        assert [info.record.label for info in (*first.packages, *second.packages)] == [
            "counter@0.1.1",
            "counter@0.2.0",
        ]

    run_story(story)


def test_given_the_same_bytes_or_another_content_when_sent_again_then_nothing_changes(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # cases 7, 8
        file = on.package()
        stages: list[str] = []
        first = await on.packages.send(file, lambda stage, done, total: stages.append(stage))
        again = await on.packages.send(file)
        assert (first.existing, again.existing) == (False, True)
        assert first.record.digest == again.record.digest
        assert stages[0] == "receive"
        with pytest.raises(PackageTakenError):
            await on.packages.send(on.package(SEED_PROGRAM + "\n# other\n"))
        assert len(await on.packages.list()) == 1

    run_story(story)


def test_given_a_package_of_many_chunks_when_sent_then_it_arrives_whole(run_story: Story) -> None:
    import random

    async def story(on: Platform) -> None:
        noise = random.Random(1).randbytes(2_500_000).hex()
        sent = await on.packages.send(on.package(SEED_PROGRAM + f"\nNOISE = '{noise}'\n"))
        assert sent.record.size_bytes > 2 << 20
        instance = await on.packages.start("counter", [1, 1])
        assert await instance.output() == b"1\n"

    run_story(story)


def test_given_a_running_instance_when_its_package_is_deleted_then_that_is_refused(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 10
        with pytest.raises(UnknownPackageError):
            await on.packages.delete("nothing")
        instance = await on.packages.start(await on.send(FOREVER))
        with pytest.raises(RefusedError, match="1 instances that are alive"):
            await on.packages.delete("counter")
        assert (await instance.info()).status is InstanceStatus.RUNNING
        assert len(await on.packages.list()) == 1
        await instance.stop()
        await instance.wait(5)
        await on.packages.delete("counter")
        assert await instance.output() == b"1\n"
        assert await on.packages.list() == ()

    run_story(story)


def test_given_force_when_deleted_then_instances_are_stopped_or_killed_within_the_deadline(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 10
        name = await on.send(STUBBORN)
        instances = [await on.packages.start(name) for _ in range(2)]
        began = time.monotonic()
        await on.packages.delete(name, force=True, deadline_s=0.3)
        assert time.monotonic() - began < 3
        for instance in instances:
            assert (await instance.info()).status.is_final
        assert await on.packages.list() == ()

    run_story(story)


SLOW_TO_STOP = """
import time

def run(ctx):
    ctx.add_stop_handler(lambda timeout_s, can_keep_alive: time.sleep(500))
    while True:
        time.sleep(0.05)
"""


@pytest.mark.parametrize("how", ["delete", "prune"])
def test_given_an_instance_that_was_given_ten_minutes_to_stop_when_forced_then_it_is_killed_at_the_deadline(
    run_story: Story, how: str
) -> None:
    async def story(on: Platform) -> None:  # cases 10, 11
        name = await on.send(SLOW_TO_STOP)
        instance = await on.packages.start(name)
        await instance.stop(600)
        began = time.monotonic()
        if how == "delete":
            gone = await on.packages.delete(name, force=True, deadline_s=0.5)
        else:
            gone = await on.packages.prune(force=True, deadline_s=0.5)
        assert 0.5 <= time.monotonic() - began < 5
        assert [record.name for record in gone.deleted] == ["counter"]
        record = await instance.info()
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.COMPLETED, 137)

    run_story(story)


def test_given_idle_and_busy_packages_when_pruned_then_the_busy_stay_unless_forced(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 11
        await on.send(name="idle")
        await on.packages.start(await on.send(FOREVER, name="busy"))
        gone = await on.packages.prune()
        assert [record.name for record in gone.deleted] == ["idle"]
        assert [info.record.name for info in gone.in_use] == ["busy"]
        gone = await on.packages.prune(force=True, deadline_s=0.5)
        assert [record.name for record in gone.deleted] == ["busy"]
        assert await on.packages.list() == ()

    run_story(story)


def test_given_a_newer_package_when_tags_move_then_what_ran_keeps_its_digest(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 12; that update is refused meanwhile: tests/unit/cli
        await on.send()
        old = await on.packages.start("counter", [1, 1])
        await old.wait(5)
        await on.send(version="0.2.0")
        new = await on.packages.start("counter", [1, 1])
        before, after = (await old.info()).digest, (await new.info()).digest
        assert before != after
        await on.packages.tag("counter", "prod", "counter@0.2.0")
        await on.packages.tag("counter", "prod", "counter@0.1.1")
        assert (await on.packages.rollback("counter", "prod")).record.digest == after
        assert [move.after for move in (await on.packages.history("counter", "prod")).moves] == [after, before, after]
        assert (await old.info()).digest == before

    run_story(story)


def test_given_the_script_of_a_sequencer_when_started_as_a_program_then_it_is_refused(run_story: Story) -> None:
    script = "from ocs_ray.scripting import script\n\n@script\nasync def body(ctx):\n    pass\n"

    async def story(on: Platform) -> None:
        name = await on.send(script, observatory={"prefix": "ESW.Night"})
        with pytest.raises(BadInputError, match="script of the sequencer"):
            await on.packages.start(name)

    run_story(story)


def test_given_an_id_that_is_taken_or_ambiguous_when_used_then_that_is_told(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        name = await on.send()
        await asyncio.gather(*(on.packages.start(name, id=f"mine-{n}") for n in range(2)))
        with pytest.raises(RefusedError, match="there is an instance mine-0 already"):
            await on.packages.start(name, id="mine-0")
        with pytest.raises(BadInputError, match="2 instances begin with mine"):
            await on.instance("mine").info()
        with pytest.raises(BadInputError, match="there is no instance other"):
            await on.instance("other").info()

    run_story(story)


def test_given_a_package_that_is_being_deleted_when_started_then_that_is_refused(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 10
        name = await on.send(STUBBORN)
        await on.packages.start(name)
        deleting = asyncio.create_task(on.packages.delete(name, force=True, deadline_s=0.3))
        await asyncio.wait([deleting], timeout=0.1)
        with pytest.raises(RefusedError, match="is being deleted"):
            await on.packages.start(name)
        await deleting
        with pytest.raises(UnknownPackageError):
            await on.packages.start(name)

    run_story(story)


def test_given_a_limit_that_is_reached_when_an_ended_one_is_restarted_then_that_is_refused(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 14
        name = await on.send(FOREVER)
        ended = await on.packages.start(name)
        await ended.kill()
        running = await on.packages.start(name)
        with pytest.raises(RefusedError, match="allows 1"):
            await ended.restart()
        assert (await running.restart()).run == 2

    run_story(story, instances=1)


def test_given_a_full_disk_when_a_package_comes_then_that_is_said_and_the_same_pieces_may_come_again(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:
        data = on.package().read_bytes()
        piece = SendChunk(sending=Id("s"), offset=0, data=data)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            with pytest.raises(ClusterError, match="cannot keep the package: File too large"):
                await on.ask(PACKAGE_SERVICE, piece, 5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await on.ask(PACKAGE_SERVICE, piece, 5)
        sent = await on.ask(PACKAGE_SERVICE, FinishSending(sending=Id("s"), size_bytes=len(data)), 60)
        assert sent.record.label == "counter@0.1.1"

    run_story(story)
