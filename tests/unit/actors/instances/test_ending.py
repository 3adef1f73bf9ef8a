"""How instances end, and what is left: nothing but what they wrote. Cases: reference scramjet.md, section 9."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Callable

import psutil
import pytest

from ocs_ray.actors import instance_host_shell
from ocs_ray.errors import ExpiredError, RefusedError
from ocs_ray.models.instance_records import Channel, InstanceStatus
from ocs_ray.packages.instance_program import INSTANCE_MARK
from ocs_ray.testing.waiting import until

from .conftest import Platform

Story = Callable[..., None]
MESSY = """
import os, socket, subprocess, tempfile

def run():
    listening = socket.create_server(("127.0.0.1", 0))
    daemon = subprocess.Popen(["sleep", "600"], start_new_session=True)
    nested = subprocess.Popen(["sh", "-c", "sleep 601 & exec sleep 602"], env={}, start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        os.execv("/bin/sleep", ["sleep", "603"])
    handle, name = tempfile.mkstemp()
    yield {"pids": [daemon.pid, nested.pid], "file": name, "port": listening.getsockname()[1], "cwd": os.getcwd()}
    print("on stdout")
"""
SLEEPER = """
import time

def run(ctx, handled=1, more=0.0):
    def stopping(timeout_s, can_keep_alive):
        ctx.emit("stopping", [timeout_s, can_keep_alive])
        if more:
            ctx.keep_alive(more)
    for _ in range(handled):
        ctx.add_stop_handler(stopping)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.01)
"""
STUBBORN = """
import time

def run():
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass
"""


def sleepers() -> list[str]:
    found = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    return [line[1] for line in found if line and line[0].endswith("sleep") and line[1] in ("600", "601", "602", "603")]


def test_given_children_daemons_files_and_a_port_when_it_ends_then_all_are_gone(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 24
        instance = await on.packages.start(await on.send(MESSY))
        record = await instance.wait(10)
        assert record.status is InstanceStatus.COMPLETED
        left = json.loads(await instance.output())
        assert sleepers() == []
        assert not any(psutil.pid_exists(pid) for pid in (*left["pids"], record.process_id))
        assert not any(map(os.path.lexists, (left["file"], left["cwd"])))
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", left["port"])) != 0
        assert (await instance.read(Channel.STDOUT)).data == b"on stdout\n"

    run_story(story)


FAMILY = """
import os, subprocess, time

def run(children):
    ended = [subprocess.Popen("true") for _ in range(2)]
    for each in ended:  # they stay in the table
        os.waitid(os.P_PID, each.pid, os.WEXITED | os.WNOWAIT)
    alive = [subprocess.Popen(["sleep", "60.125"]) for _ in range(children)]
    yield "started"
    time.sleep(1)
"""
DAEMONS = """
import os, time

def run():
    for _ in range(5):
        parent = os.fork()
        if parent == 0:  # its child is nobody's
            os.fork() or os.execlp("sleep", "sleep", "0.1")
            os._exit(0)
        os.waitpid(parent, 0)
    yield "started"
    time.sleep(60)
"""
BOMB = """
import os, time

def run():
    while True:  # doubles ten times a second: a bomb that leaves the machine to the other tests
        os.fork()
        time.sleep(0.1)
"""


def test_given_a_limit_of_processes_when_it_has_more_then_it_ends_with_all_of_them(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        name = await on.send(FAMILY, observatory={"limits": {"processes": 3}})
        within, over = await on.packages.start(name, [3]), await on.packages.start(name, [4])
        assert (await within.wait(20)).status is InstanceStatus.COMPLETED
        record = await over.wait(20)
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.ERRORED, 101)
        assert record.terminated.reason == "it had 4 child processes and its package.json allows 3"
        assert not [each for each in psutil.process_iter() if "60.125" in _words_of(each)]

    run_story(story)


def test_given_a_fork_bomb_when_a_limit_is_set_then_nothing_of_it_is_left(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        name = await on.send(BOMB, name="bomb", observatory={"limits": {"processes": 8}})
        instance = await on.packages.start(name)
        record = await instance.wait(40)
        assert record.terminated is not None
        assert "and its package.json allows 8" in record.terminated.reason
        assert not [each for each in psutil.process_iter() if _mark_of(each) == f"{record.id}/1"]

    run_story(story)


def test_given_daemons_that_end_while_it_runs_then_they_are_let_go_of(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        instance = await on.packages.start(await on.send(DAEMONS))
        keeper = psutil.Process((await instance.info()).process_id).parent()
        assert keeper is not None
        await instance.read(wait_s=5)
        await until(lambda: len(keeper.children(recursive=True)) == 1, within_s=20)

    run_story(story)


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _mark_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(INSTANCE_MARK, "")
    except psutil.Error:
        return ""


def test_given_a_full_disk_when_it_writes_on_then_it_ends_in_order_and_what_is_lost_is_said(run_story: Story) -> None:
    patient = "def run(input):\n    yield 'kept'\n    for item in input:\n        yield 'lost'\n"

    async def story(on: Platform) -> None:
        instance = await on.packages.start(await on.send(patient))
        assert (await instance.read(wait_s=5)).data == b'"kept"\n'
        keeper = psutil.Process((await instance.info()).process_id).parent()
        assert keeper is not None
        resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (0, 0))  # whatever it writes fails from here on
        await instance.send_input(b"1\n", end=True)
        record = await instance.wait(20)
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.COMPLETED, 0)
        assert "7 bytes of output could not be kept: File too large" in record.terminated.reason
        assert await instance.output() == b'"kept"\n'

    run_story(story)


def test_given_hardly_any_disk_when_started_then_that_is_refused_and_nothing_is_left(
    run_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(on: Platform) -> None:
        name = await on.send(SLEEPER)
        monkeypatch.setattr(instance_host_shell, "LEAST_FREE_BYTES", 1 << 60)
        with pytest.raises(RefusedError, match="MiB of disk free, an instance needs"):
            await on.packages.start(name)
        assert [record.status for record in await on.packages.instances()] == [InstanceStatus.ERRORED]
        assert list(on.data.glob("instances/*")) == []
        monkeypatch.undo()
        await (await on.packages.start(name)).kill()

    run_story(story)


def test_given_a_stop_handler_when_stopped_then_it_is_called_once_and_the_instance_is_stopped(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 26
        instance = await on.packages.start(await on.send(SLEEPER))
        await instance.stop(3.0)
        record = await instance.wait(5)
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.COMPLETED, 138)
        events = (await instance.read(Channel.EVENTS)).data.splitlines()
        assert [json.loads(each)["message"] for each in events] == [[3.0, False]]

    run_story(story)


@pytest.mark.parametrize("program", ["async def run():\n    import asyncio\n    await asyncio.sleep(60)\n", SLEEPER])
def test_given_no_handler_when_stopped_then_it_ends_at_once(run_story: Story, program: str) -> None:
    async def story(on: Platform) -> None:  # case 26
        instance = await on.packages.start(await on.send(program), named={"handled": 0} if program is SLEEPER else {})
        began = time.monotonic()
        await instance.stop(10)
        record = await instance.wait(5)
        assert time.monotonic() - began < 2
        assert record.terminated is not None
        assert record.terminated.exit_code == 138

    run_story(story)


def test_given_a_program_that_ignores_it_when_stopped_then_it_is_killed_after_the_time(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 26
        instance = await on.packages.start(await on.send(STUBBORN))
        began = time.monotonic()
        await instance.stop(0.3)
        assert (await instance.info()).status is InstanceStatus.STOPPING
        record = await instance.wait(5)
        assert 0.3 <= time.monotonic() - began < 2
        assert record.terminated is not None
        assert record.terminated.exit_code == 137

    run_story(story)


@pytest.mark.parametrize(("allowed", "lasts_s"), [(True, 1.0), (False, 0.0)])
def test_given_keep_alive_when_stopped_then_it_prolongs_only_if_it_may(
    run_story: Story, allowed: bool, lasts_s: float
) -> None:
    async def story(on: Platform) -> None:  # case 26
        instance = await on.packages.start(await on.send(SLEEPER), named={"more": 1.0})
        began = time.monotonic()
        await instance.stop(0.4, can_keep_alive=allowed)
        await instance.wait(5)
        assert lasts_s <= time.monotonic() - began < lasts_s + 1

    run_story(story)


def test_given_an_instance_that_ended_when_stopped_or_killed_then_it_is_refused_and_nothing_changes(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 26
        instance = await on.packages.start(await on.send())
        before = await instance.wait(5)
        for end in (instance.stop, instance.kill):
            with pytest.raises(RefusedError, match="has ended"):
                await end()
        assert await instance.info() == before

    run_story(story)


def test_given_a_busy_loop_when_killed_then_it_ends_and_others_do_not(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 27
        busy = await on.packages.start(await on.send("async def run():\n    while True:\n        pass\n", name="busy"))
        other = await on.packages.start(await on.send(SLEEPER))
        began = time.monotonic()
        record = await busy.kill()
        assert time.monotonic() - began < 2
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.COMPLETED, 137)
        assert (await other.info()).status is InstanceStatus.RUNNING

    run_story(story)


def test_given_a_retention_when_it_is_over_then_every_channel_says_expired(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # cases 20, 23
        instance = await on.packages.start(await on.send(observatory={"retention_s": 1.0}), [0, 10])
        record = await instance.wait(5)
        for _ in range(2):
            assert await instance.output() == b"".join(b"%d\n" % n for n in range(10))
        assert (await instance.read(offset=5)).data == b"".join(b"%d\n" % n for n in range(10))[5:]
        for channel in Channel:
            assert (await instance.read(channel)).ended
        assert record.expires_unix_s is not None
        await until(lambda: time.time() > (record.expires_unix_s or 0))
        for channel in Channel:
            with pytest.raises(ExpiredError, match="expired at"):
                await instance.read(channel)
        await until(lambda: not list(on.data.glob("instances/*/*/*/*.segment")))
        assert await on.packages.instances() == ()
        assert len(await on.packages.instances(all=True)) == 1
        assert len(await on.packages.collect()) == 1
        assert list(on.data.glob("instances/*")) == []

    run_story(story)


@pytest.mark.parametrize("alive", [True, False])
def test_given_remove_immediately_when_killed_then_what_it_wrote_is_gone_at_once(run_story: Story, alive: bool) -> None:
    async def story(on: Platform) -> None:  # case 23
        instance = await on.packages.start(await on.send(SLEEPER))
        if not alive:
            await instance.kill()
        await instance.kill(remove_immediately=True)
        with pytest.raises(ExpiredError):
            await instance.read(Channel.OUTPUT)

    run_story(story)


def test_given_an_instance_when_restarted_then_it_keeps_its_id_and_the_run_before(run_story: Story) -> None:
    async def story(on: Platform) -> None:
        instance = await on.packages.start(await on.send(), [5, 2])
        await instance.wait(5)
        record = await instance.restart()
        assert (record.id, record.run, record.args) == (instance.id, 2, (5, 2))
        await instance.wait(5)
        assert await instance.output() == await instance.output(run=1) == b"5\n6\n"
        assert [each.run for each in await instance.runs()] == [1, 2]

    run_story(story)


def test_given_a_keeper_that_is_killed_then_its_program_goes_too_and_the_instance_is_lost(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(SLEEPER))
        record = await instance.info()
        keeper = psutil.Process(record.process_id).parent()
        assert keeper is not None
        keeper.kill()
        ended = await instance.wait(5)
        assert ended.terminated is not None
        assert (ended.status, ended.terminated.exit_code) == (InstanceStatus.ERRORED, 213)
        await until(lambda: not psutil.pid_exists(record.process_id))
        assert (await instance.read(Channel.OUTPUT)).ended

    run_story(story)
