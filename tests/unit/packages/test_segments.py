"""Expected: cases 20 to 23 of scramjet.md section 9, the channels' half of them."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs_ray.core.retention import surplus
from ocs_ray.errors import BadInputError, ExpiredError, RefusedError
from ocs_ray.models.instance_records import Channel, ChannelRules
from ocs_ray.models.package_manifest import Backpressure
from ocs_ray.packages.instance_channels import InstanceChannels, expire_channels, read_channel, seal_channels
from ocs_ray.packages.segment_log import SegmentLog

FOR_EVER = 1e12
PATIENCE_S = 60.0
Make = Callable[..., InstanceChannels]
LINE = b"x" * 79 + b"\n"


@pytest.fixture
def channels(tmp_path: Path) -> Iterator[Make]:
    """Channels of one instance, with the rules that are given; ended afterwards."""
    made: list[InstanceChannels] = []

    def make(clock: Callable[[], float] = lambda: 0.0, **rules: object) -> InstanceChannels:
        made.append(
            InstanceChannels(tmp_path / "run", "7f3a", ChannelRules.model_validate(rules), surplus, clock),
        )
        return made[-1]

    yield make
    for each in made:
        each.end(0.0, FOR_EVER)


def all_of(log: SegmentLog, offset: int = 0) -> bytes:
    return b"".join(chunk.data for chunk in log.follow(offset))


def test_given_an_ended_channel_when_read_twice_then_both_are_complete_and_an_offset_gives_the_last_part(
    channels: Make, tmp_path: Path
) -> None:  # case 20
    made = channels(segment_bytes=4)
    for n in range(10):
        made[Channel.OUTPUT].append(b"%d\n" % n)
        made[Channel.OUTPUT].flush()
    made.end(0.0, FOR_EVER)
    expected = b"".join(b"%d\n" % n for n in range(10))
    assert all_of(made[Channel.OUTPUT]) == all_of(made[Channel.OUTPUT]) == expected
    assert all_of(made[Channel.OUTPUT], 5) == expected[5:]
    elsewhere = read_channel(tmp_path / "run", "7f3a", Channel.OUTPUT, lambda: 0.0)
    assert elsewhere.bounds() == (0, 20, True)
    assert elsewhere.read(-3).offset == 17
    assert elsewhere.read(100).ended


def test_given_readers_at_the_start_midway_and_after_the_end_when_done_then_all_have_the_same_bytes(
    channels: Make,
) -> None:  # case 21
    made = channels(segment_bytes=1000)
    log, seen, midway = made[Channel.OUTPUT], dict[str, bytes](), threading.Event()

    def read(name: str) -> None:
        seen[name] = all_of(log)

    async def read_async() -> None:
        seen["task"] = b"".join([chunk.data async for chunk in log.follow_async()])

    def write() -> None:
        for n in range(5000):
            log.append(b"%d\n" % n)
            if n == 2500:
                midway.set()
        made.end(0.0, FOR_EVER)

    first = threading.Thread(target=read, args=("first",))
    task = threading.Thread(target=lambda: asyncio.run(read_async()))
    writer = threading.Thread(target=write)
    for thread in (first, task, writer):
        thread.start()
    assert midway.wait(PATIENCE_S)
    second = threading.Thread(target=read, args=("second",))
    second.start()
    for thread in (first, task, writer, second):
        thread.join(PATIENCE_S)
    read("after")
    assert set(seen) == {"first", "task", "second", "after"}
    assert set(seen.values()) == {b"".join(b"%d\n" % n for n in range(5000))}


def test_given_writers_in_many_threads_when_all_are_through_then_every_line_is_there_whole(channels: Make) -> None:
    made, start = channels(segment_bytes=10_000), threading.Barrier(4)

    def write(who: int) -> None:
        start.wait(PATIENCE_S)
        for n in range(3000):
            made[Channel.LOG].append(b"%d %d\n" % (who, n))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    made.end(0.0, FOR_EVER)
    lines = all_of(made[Channel.LOG]).splitlines()
    assert sorted(lines) == sorted(b"%d %d" % (who, n) for who in range(4) for n in range(3000))
    for who in range(4):
        own = [line for line in lines if line.startswith(b"%d " % who)]
        assert own == [b"%d %d" % (who, n) for n in range(3000)]


def test_given_nobody_reads_80_mb_when_spilled_then_the_writer_ends_and_memory_stays(channels: Make) -> None:
    # case 22
    made = channels()
    log, before = made[Channel.OUTPUT], psutil.Process().memory_info().rss
    for _ in range(1_000_000):
        log.append(LINE)
    assert psutil.Process().memory_info().rss - before < 64 << 20
    assert log.end_offset == 80_000_000
    assert log.files.read(79_999_920).data in (LINE, b"")  # the last may still be gathered


def test_given_nobody_reads_when_blocking_then_the_writer_waits_and_goes_on_once_somebody_does(channels: Make) -> None:
    # case 22
    made = channels(backpressure=Backpressure.BLOCK, unread_bytes=1000)
    log, done, seen = made[Channel.OUTPUT], threading.Event(), list[bytes]()

    def write() -> None:
        for _ in range(1000):
            log.append(LINE)
        done.set()
        made.end(0.0, FOR_EVER)

    writer = threading.Thread(target=write)
    writer.start()
    while log.end_offset < 1000:  # it gets as far as the bound by itself
        assert not done.wait(0.001)
    assert not done.wait(0.2)
    assert log.end_offset < 1000 + len(LINE)
    seen.extend(chunk.data for chunk in log.follow())
    writer.join(PATIENCE_S)
    assert b"".join(seen) == LINE * 1000


def test_given_a_blocked_writer_when_another_process_says_what_it_read_then_it_goes_on(channels: Make) -> None:
    # case 22
    made = channels(backpressure=Backpressure.BLOCK, unread_bytes=100)
    log = made[Channel.OUTPUT]
    log.append(LINE * 2)
    writer = threading.Thread(target=log.append, args=(LINE,))
    writer.start()
    writer.join(0.1)
    assert writer.is_alive()
    log.mark_read(160)
    writer.join(PATIENCE_S)
    assert log.end_offset == 240


def test_given_a_task_when_there_is_no_room_then_its_loop_goes_on(channels: Make) -> None:  # case 22
    made = channels(backpressure=Backpressure.BLOCK, unread_bytes=100)
    log = made[Channel.OUTPUT]

    async def waits() -> list[str]:
        told: list[str] = []
        log.append(LINE * 2)
        waiting = asyncio.create_task(log.room())
        await asyncio.sleep(0)
        told.append("the loop goes on")
        assert not waiting.done()
        log.read()
        async with asyncio.timeout(PATIENCE_S):
            await waiting
        return told

    assert asyncio.run(waits()) == ["the loop goes on"]


def test_given_a_blocked_writer_when_the_channel_ends_then_it_is_refused_not_left(channels: Make) -> None:
    made = channels(backpressure=Backpressure.BLOCK, unread_bytes=10)
    log, refused = made[Channel.OUTPUT], list[RefusedError]()
    log.append(LINE)

    def write() -> None:
        try:
            log.append(LINE)
        except RefusedError as failure:
            refused.append(failure)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(0.1)
    made.end(0.0, FOR_EVER)
    writer.join(PATIENCE_S)
    assert "output of instance 7f3a has ended" in str(refused[0])


@pytest.mark.parametrize("channel", [Channel.OUTPUT, Channel.LOG, Channel.STDOUT, Channel.STDERR, Channel.EVENTS])
def test_given_a_retention_of_2_s_when_read_at_1_s_and_at_4_s_then_everything_then_expired(
    channel: Channel, channels: Make, tmp_path: Path
) -> None:  # case 23
    now = [100.0]
    made = channels(clock=lambda: now[0])
    made[channel].append(b"line\n")
    made.end(ended_unix_s=100.0, expires_unix_s=102.0)
    now[0] = 101.0
    elsewhere = read_channel(tmp_path / "run", "7f3a", channel, lambda: now[0])
    assert elsewhere.read().data == b"line\n"
    now[0] = 104.0
    for reading in (elsewhere.read, elsewhere.bounds, made[channel].read, lambda: elsewhere.tail_offset(1)):
        with pytest.raises(ExpiredError, match="expired at 1970-01-01T00:01:42"):
            reading()
    expire_channels(tmp_path / "run", "7f3a")
    assert list((tmp_path / "run").rglob("*.segment")) == []
    with pytest.raises(ExpiredError, match=f"{channel} of instance 7f3a: expired at"):
        elsewhere.read()


def test_given_an_instance_that_is_removed_at_once_when_read_then_expired(channels: Make, tmp_path: Path) -> None:
    # case 23
    made = channels()
    made.end(0.0, FOR_EVER)
    seal_channels(tmp_path / "run", "7f3a", ended_unix_s=50.0, expires_unix_s=50.0)
    with pytest.raises(ExpiredError):
        read_channel(tmp_path / "run", "7f3a", Channel.OUTPUT, lambda: 50.0).read()


def test_given_a_limit_of_bytes_when_more_is_written_then_the_oldest_goes_and_reading_it_is_an_error(
    channels: Make,
) -> None:  # case 23
    log = channels(segment_bytes=100, retention_bytes=300)[Channel.OUTPUT]
    for _ in range(20):
        log.append(LINE)
        log.flush()
    first = log.files.bounds().first
    assert 0 < first <= 1600 - 300
    with pytest.raises(ExpiredError, match=f"begins at offset {first} now"):
        log.read(0)
    assert log.read(first).data == LINE * 2
    assert log.end_offset == 1600


def test_given_a_full_disk_when_gathered_lines_are_written_then_the_next_writer_is_told_and_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SegmentLog(tmp_path, "x", ChannelRules(), surplus, lambda: None, lambda: 0.0)

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    log.append(b"lost\n")
    with monkeypatch.context() as patched:
        patched.setattr("ocs_ray.packages.segment_log.os.write", full)
        with pytest.raises(OSError, match="no space left"):
            log.flush()
    with pytest.raises(OSError, match="no space left"):
        log.append(b"refused\n")
    log.append(b"kept\n")
    assert log.read().data == b"kept\n"


def test_given_a_channel_nobody_made_when_read_then_it_is_an_error_not_an_empty_answer(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such channel"):
        read_channel(tmp_path, "none", Channel.OUTPUT).read()


WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from ocs_ray.core.retention import surplus
from ocs_ray.models.instance_records import Channel, ChannelRules
from ocs_ray.packages.instance_channels import InstanceChannels
log = InstanceChannels(Path(sys.argv[1]), "7f3a", ChannelRules(), surplus)[Channel.OUTPUT]
log.append(b"written\\n")
log.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_given_a_process_that_was_killed_when_its_channels_are_sealed_then_readers_get_what_it_wrote_and_the_end(
    tmp_path: Path,
) -> None:  # case 20
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path)], timeout=60, check=False, env=dict(os.environ))
    output = read_channel(tmp_path, "7f3a", Channel.OUTPUT, lambda: 0.0)
    assert output.read() == (0, b"written\n", False)
    seal_channels(tmp_path, "7f3a", ended_unix_s=1.0, expires_unix_s=10.0)
    assert output.read() == (0, b"written\n", True)
    assert read_channel(tmp_path, "7f3a", Channel.LOG, lambda: 0.0).read() == (0, b"", True)


def test_given_lines_when_the_tail_is_asked_for_then_it_begins_at_a_line(channels: Make) -> None:  # case 20
    log = channels(segment_bytes=100_000)[Channel.LOG]
    lines = [b"%d " % n + b"y" * (n % 977) + b"\n" for n in range(900)]
    for line in lines:
        log.append(line)
    log.append(b"no newline")
    log.flush()
    whole = b"".join(lines) + b"no newline"
    for count in (0, 1, 2, 500, 901, 10_000):
        expected = b"".join([*lines, b"no newline"][-count:]) if count else b""
        assert whole[log.files.tail_offset(count) :] == expected


@settings(max_examples=60)
@given(
    pieces=st.lists(st.binary(min_size=0, max_size=40), max_size=40),
    segment_bytes=st.integers(1, 60),
    flushes=st.sets(st.integers(0, 40)),
    most=st.integers(1, 50),
)
def test_given_any_appends_when_read_from_any_offset_then_the_bytes_are_those_of_one_long_text(
    pieces: list[bytes], segment_bytes: int, flushes: set[int], most: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = SegmentLog(folder, "x", ChannelRules(segment_bytes=segment_bytes), surplus, lambda: None)
    for n, piece in enumerate(pieces):
        log.append(piece)
        if n in flushes:
            log.flush()
    log.end(0.0, FOR_EVER)
    whole = b"".join(pieces)
    for offset in {0, len(whole) // 2, len(whole)}:
        found, at = b"", offset
        while not (chunk := log.read(at, most)).ended:
            found, at = found + chunk.data, chunk.next_offset
        assert found + chunk.data == whole[offset:]
