"""Packages that run: arguments, output, limits, failures. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ocs_ray.errors import BadInputError, PackageRefusedError, RefusedError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import StartInstance
from ocs_ray.models.instance_records import Channel, InstanceStatus

from .conftest import Platform

Story = Callable[..., None]
FOREVER = "import time\n\ndef run():\n    while True:\n        time.sleep(0.01)\n"


def counted(start: int, length: int) -> bytes:
    return b"".join(b"%d\n" % n for n in range(start, start + length))


def test_given_the_seed_s_program_when_started_with_two_numbers_then_its_output_is_just_that(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # cases 1, 17
        name = await on.send()
        instance = await on.packages.start(name, [3000, 10])
        assert await instance.output() == counted(3000, 10)
        record = await instance.wait(5)
        assert (record.status, record.terminated and record.terminated.exit_code) == (InstanceStatus.COMPLETED, 0)
        assert record.args == (3000, 10)

    run_story(story)


def test_given_one_package_when_started_a_hundred_times_then_all_ids_and_outputs_are_right(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 13
        name = await on.send()
        started = await asyncio.gather(*(on.packages.start(name, [n, 3]) for n in range(100)))
        assert len({each.id for each in started}) == 100
        assert await asyncio.gather(*(each.output() for each in started)) == [counted(n, 3) for n in range(100)]

    run_story(story)


def test_given_two_instances_when_they_run_at_once_then_their_outputs_do_not_mix(run_story: Story) -> None:
    slowly = "import time\n\ndef run(w):\n    for n in range(20):\n        time.sleep(0.005)\n        yield [w, n]\n"

    async def story(on: Platform) -> None:  # case 16
        name = await on.send(slowly)
        a, b = await asyncio.gather(on.packages.start(name, ["a"]), on.packages.start(name, ["b"]))
        outputs = await asyncio.gather(a.output(), b.output())
        assert outputs == [b"".join(b'["%b",%d]\n' % (word, n) for n in range(20)) for word in (b"a", b"b")]

    run_story(story)


@pytest.mark.parametrize(
    ("limits", "manifest"),
    [({"instances": 5}, {}), ({"per_package": 5}, {}), ({}, {"observatory": {"limits": {"instances": 5}}})],
)
def test_given_a_limit_of_five_when_a_sixth_starts_then_it_is_refused_until_one_ends(
    run_story: Story, limits: dict[str, int], manifest: dict[str, object]
) -> None:
    async def story(on: Platform) -> None:  # case 14
        name = await on.send(FOREVER, **manifest)
        running = await asyncio.gather(*(on.packages.start(name) for _ in range(5)))
        with pytest.raises(RefusedError, match=r"5 instances .*allows 5; one has to end first"):
            await on.packages.start(name)
        assert len(await on.packages.instances()) == 5
        await running[0].kill()
        await on.packages.start(name)

    run_story(story, **limits)


def test_given_a_machine_of_two_cpus_when_a_third_wants_one_then_it_is_refused_until_one_ends(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 14
        name = await on.send(FOREVER, observatory={"resources": {"CPU": 1}})
        first, _ = await asyncio.gather(*(on.packages.start(name) for _ in range(2)))
        with pytest.raises(RefusedError, match="no machine has CPU"):
            await on.packages.start(name)
        await first.kill()
        await asyncio.sleep(0)
        await on.packages.start(name)

    run_story(story, cpus=2)


def test_given_a_start_whose_answer_was_lost_when_asked_again_then_nothing_starts_twice(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        name = await on.send()
        message = StartInstance(request=Id("same"), ref=name)
        first, again = await asyncio.gather(*(on.ask("CSW.package_service-Service", message, 10) for _ in range(2)))
        assert first.id == again.id
        assert len(await on.packages.instances()) == 1

    run_story(story)


def test_given_too_many_arguments_when_started_then_the_signature_is_told_and_it_never_ran(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 18
        name = await on.send()
        with pytest.raises(BadInputError, match=r"count\(initial_number=0, length=1000\)"):
            await on.packages.start(name, [1, 2, 3])
        (record,) = await on.packages.instances()
        assert (record.status, record.started_unix_s) == (InstanceStatus.ERRORED, None)

    run_story(story)


@pytest.mark.parametrize(
    ("program", "told"),
    [("def run(:\n    pass\n", "index.py:1"), ("\nimport nowhere_at_all\n\ndef run(): ...\n", "index.py:2")],
)
def test_given_a_faulty_program_when_sent_then_file_and_line_are_told(
    run_story: Story, program: str, told: str
) -> None:
    async def story(on: Platform) -> None:  # case 19
        file = on.package()
        broken = file.with_suffix("").with_suffix("")
        (broken / "index.py").write_text(program)
        import tarfile

        with tarfile.open(file, "w:gz") as tar:
            tar.add(broken, ".")
        with pytest.raises(PackageRefusedError) as refused:
            await on.packages.send(file)
        assert refused.value.where == told
        assert await on.packages.list() == ()

    run_story(story)


def test_given_a_program_that_fails_at_its_import_only_here_when_started_then_it_never_ran(run_story: Story) -> None:
    sensitive = "import os\n\nif 'OCS_INSTANCE' in os.environ:\n    raise RuntimeError('not here')\n\ndef run(): ...\n"

    async def story(on: Platform) -> None:  # case 19
        name = await on.send(sensitive)
        with pytest.raises(BadInputError, match=r"index.py:4: RuntimeError: not here"):
            await on.packages.start(name)
        (record,) = await on.packages.instances()
        assert (record.status, record.started_unix_s) == (InstanceStatus.ERRORED, None)
        assert record.terminated is not None
        assert record.terminated.exit_code == 22

    run_story(story)


def test_given_a_program_that_returned_when_a_second_is_over_then_it_is_completed(run_story: Story) -> None:
    noting = "import time\n\ndef run():\n    yield time.time()\n"

    async def story(on: Platform) -> None:  # case 25
        instance = await on.packages.start(await on.send(noting))
        record = await instance.wait(10)
        returned_at = float(await instance.output())
        assert record.ended_unix_s is not None
        assert record.ended_unix_s - returned_at < 1.0
        assert record.terminated is not None
        assert record.terminated.exit_code == 0

    run_story(story)


def test_given_a_program_that_raises_then_the_reason_has_its_line_and_the_log_its_traceback(run_story: Story) -> None:
    failing = "def run():\n    yield 1\n    {}['gone']\n"

    async def story(on: Platform) -> None:  # case 25
        instance = await on.packages.start(await on.send(failing))
        record = await instance.wait(10)
        assert record.status is InstanceStatus.ERRORED
        assert record.terminated is not None
        assert (record.terminated.exit_code, record.terminated.reason) == (23, "KeyError: 'gone' (index.py:3)")
        log = (await instance.read(Channel.LOG)).data
        assert b"Traceback" in log
        assert b"index.py" in log
        assert b"instance_program" not in log
        assert await instance.output() == b"1\n"

    run_story(story)


CONTRACTS = {
    "function": "def run(a, ctx):\n    return {'a': a, 'id': bool(ctx.instance_id)}\n",
    "coroutine": "async def run(a, ctx):\n    return {'a': a, 'id': bool(ctx.instance_id)}\n",
    "generator": "def run(ctx, a):\n    yield {'a': a, 'id': bool(ctx.instance_id)}\n",
    "async generator": "async def run(ctx, a):\n    yield {'a': a, 'id': bool(ctx.instance_id)}\n",
    "class": (
        "class Run:\n    def __init__(self, a):\n        self.a = a\n\n"
        "    async def run(self, ctx):\n        yield {'a': self.a, 'id': bool(ctx.instance_id)}\n"
    ),
}


@pytest.mark.parametrize("kind", CONTRACTS)
def test_given_any_form_of_program_when_it_runs_then_its_items_are_lines(run_story: Story, kind: str) -> None:
    async def story(on: Platform) -> None:
        instance = await on.packages.start(await on.send(CONTRACTS[kind]), ["x"])
        assert await instance.output() == b'{"a":"x","id":true}\n'

    run_story(story)
