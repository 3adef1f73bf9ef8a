"""What goes in and out of instances. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

import psutil
import pytest

from ocs_ray.errors import BadInputError, RefusedError
from ocs_ray.models.instance_records import Channel, InstanceStatus

from .conftest import Platform

Story = Callable[..., None]
MIB = 1 << 20
BIG = """
def run(pieces):
    piece = b"x" * (1 << 16)
    for _ in range(pieces):
        yield piece
"""
ECHO = """
import sys, time

async def run(input, ctx):
    ctx.on("hello", lambda message: ctx.emit("answer", {"got": message}))
    async for item in input:
        yield {"in": item}
    for line in sys.stdin:
        yield {"stdin": line}
"""
GRADUAL = """
import time

def run(n):
    for i in range(n):
        time.sleep(0.01)
        yield i
"""


def test_given_three_readers_when_they_come_early_midway_and_late_then_all_get_the_same(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 21
        instance = await on.packages.start(await on.send(GRADUAL), [30])
        early = asyncio.create_task(instance.output())
        while not (await instance.read(wait_s=5)).data.count(b"\n") > 5:
            pass
        midway = asyncio.create_task(instance.output())
        await instance.wait(10)
        expected = b"".join(b"%d\n" % n for n in range(30))
        assert [await early, await midway, await instance.output()] == [expected] * 3
        assert (await instance.read(tail_lines=2)).data == b"28\n29\n"

    run_story(story)


def test_given_nobody_reads_80_mib_when_it_spills_then_the_program_ends(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 22
        instance = await on.packages.start(await on.send(BIG), [80 * 16])
        assert (await instance.wait(20)).status is InstanceStatus.COMPLETED
        assert (await instance.read(offset=-10)).next_offset == 80 * MIB

    run_story(story)


def test_given_nobody_reads_when_it_blocks_then_the_program_waits_and_goes_on(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 22
        instance = await on.packages.start(await on.send(BIG, observatory={"backpressure": "block"}), [80 * 16])
        held = await instance.wait(1.0)
        assert held.status is InstanceStatus.RUNNING
        files = list(on.data.glob("instances/*/*/output/*.segment"))
        assert sum(file.stat().st_size for file in files) < 3 * MIB
        assert len(await instance.output()) == 80 * MIB
        assert (await instance.wait(5)).status is InstanceStatus.COMPLETED

    run_story(story)


def test_given_three_million_lines_nobody_reads_then_host_keeper_and_program_do_not_grow(run_story: Story) -> None:
    talker = """
import sys

def run(lines):
    print("ready")
    next(iter(sys.stdin))
    for n in range(lines):
        print(n)
"""

    async def story(on: Platform) -> None:  # case 22
        instance = await on.packages.start(await on.send(talker), [3_000_000])
        while not (await instance.read(Channel.STDOUT, wait_s=5)).data:
            pass
        program = psutil.Process((await instance.info()).process_id)
        keeper = program.parent()
        assert keeper is not None
        watched = [psutil.Process(), keeper, program]  # the host lives in this process
        before = [process.memory_info().rss for process in watched]
        grown = [0, 0, 0]
        await instance.send_stdin(b"go\n", end=True)
        while not (await instance.wait(0.05)).status.is_final:
            for at, process in enumerate(watched):
                with contextlib.suppress(psutil.NoSuchProcess):
                    grown[at] = max(grown[at], process.memory_info().rss - before[at])
        assert (await instance.info()).status is InstanceStatus.COMPLETED
        assert max(grown) < 64 * MIB, grown
        assert (await instance.read(Channel.STDOUT, tail_lines=1)).data == b"2999999\n"

    run_story(story)


def test_given_input_and_stdin_when_sent_then_nothing_is_lost_and_the_end_is_seen(run_story: Story) -> None:
    slow_start = "import time\n\ntime.sleep(0.3)\n" + ECHO

    async def story(on: Platform) -> None:  # case 28
        name = await on.send(slow_start)
        starting = asyncio.create_task(on.packages.start(name, id="echo"))
        while not list(on.data.glob("instances/echo/1/output")):  # noqa: ASYNC110 - what is waited for is on the disk
            await asyncio.sleep(0.005)
        early = on.instance("echo")
        await early.send_input(b'{"early": 1}\n')
        assert (await early.info()).status is not InstanceStatus.RUNNING
        instance = await starting
        await instance.send_input(b"2\n[3]", content_type="application/x-ndjson", end=True)
        await instance.send_stdin(b"one\ntwo\n", end=True)
        assert [json.loads(line) for line in (await instance.output()).splitlines()] == [
            {"in": {"early": 1}},
            {"in": 2},
            {"in": [3]},
            {"stdin": "one\n"},
            {"stdin": "two\n"},
        ]
        await instance.wait(5)
        with pytest.raises(RefusedError, match="has ended"):
            await instance.send_input(b"4\n")

    run_story(story)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("text/plain", b'"a"\n"b"\n'), ("application/octet-stream", b"a\nb\n")],
)
def test_given_another_kind_of_input_when_sent_then_it_comes_in_that_form(
    run_story: Story, kind: str, expected: bytes
) -> None:
    passing = "def run(input):\n    for item in input:\n        yield item\n"

    async def story(on: Platform) -> None:  # case 28
        instance = await on.packages.start(await on.send(passing, observatory={"input": kind}))
        with pytest.raises(BadInputError, match=f"it reads {kind}"):
            await instance.send_input(b"{}", content_type="application/x-ndjson")
        await instance.send_input(b"a\nb\n", content_type=kind, end=True)
        assert await instance.output() == expected

    run_story(story)


def test_given_more_input_than_a_pipe_holds_when_nobody_reads_then_the_sender_waits(run_story: Story) -> None:
    late = "import time\n\ndef run(input):\n    time.sleep(0.5)\n    yield len(input.read())\n"

    async def story(on: Platform) -> None:  # case 28
        instance = await on.packages.start(await on.send(late))
        sending = asyncio.create_task(instance.send_input(b"x" * (5 * MIB), end=True))
        done, _ = await asyncio.wait([sending], timeout=0.1)
        assert not done
        assert await instance.output() == b"%d\n" % (5 * MIB)
        await sending

    run_story(story)


def test_given_events_when_asked_for_the_last_the_next_or_all_then_payloads_are_kept(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 29
        instance = await on.packages.start(await on.send(ECHO))
        waiting = asyncio.create_task(instance.event("answer"))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done  # an event nobody emitted yet is waited for
        await instance.send_event("hello", {"deep": [1, None, "x"]})
        first = await waiting
        assert first is not None
        assert first["message"] == {"got": {"deep": [1, None, "x"]}}
        following = asyncio.create_task(instance.event("answer", next_one=True))
        await asyncio.sleep(0.05)
        await instance.send_event("hello", 2)
        second = await following
        assert second is not None
        assert second["message"] == {"got": 2}
        await instance.send_input(b"", end=True)
        await instance.send_stdin(b"", end=True)
        everything = [event async for event in instance.events(from_start=True)]
        assert [event["message"] for event in everything] == [first["message"], second["message"]]
        assert await instance.event("never") is None

    run_story(story)


def test_given_a_monitoring_handler_when_asked_how_it_feels_then_that_is_told(run_story: Story) -> None:
    ill = "import time\n\ndef run(ctx):\n    ctx.add_monitoring_handler(lambda: {'healthy': False, 'oil': 'low'})\n" + (
        "    ctx.emit('up')\n    time.sleep(60)\n"
    )

    async def story(on: Platform) -> None:  # case 29
        instance = await on.packages.start(await on.send(ill))
        await instance.event("up")
        async with asyncio.timeout(5):
            while (found := await instance.health()).healthy:  # noqa: ASYNC110 - it beats in another process
                await asyncio.sleep(0.05)
        assert found.details == {"oil": "low"}
        assert 0 <= found.heartbeat_age_s < 2
        assert found.memory_bytes > 0
        assert found.processes == 1
        assert (await instance.read(Channel.LOG)).data == b""

    run_story(story)
