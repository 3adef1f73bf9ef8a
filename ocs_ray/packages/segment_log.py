"""The writing side of a channel, and readers in the same process, which are woken instead of asking again.

What is appended is gathered and written together: after 20 ms, when a reader wants it, or when 256 KiB are there.
So nobody reading costs neither time nor memory.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

from ocs_ray.errors import RefusedError
from ocs_ray.models.instance_records import ChannelRules, Segment, SurplusRule
from ocs_ray.models.package_manifest import Backpressure
from ocs_ray.packages.segment_files import ChannelEnd, ChannelFiles, Chunk

GATHERED_BYTES: Final = 256 * 1024
READ_BYTES: Final = 1 << 20
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC


class SegmentLog:
    """One channel while it is written. Every method may be called from any thread.

    Args:
        folder: of the channel; made when it is not there, and empty.
        subject: for messages: ``output of instance 7f3a``.
        rules: how it is kept.
        surplus: which segments can go.
        on_gathering: called when something begins to wait for being written; it arranges for ``flush``.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        subject: str,
        rules: ChannelRules,
        surplus: SurplusRule,
        on_gathering: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files = ChannelFiles(folder, subject, clock)
        self._rules, self._surplus, self._on_gathering, self._clock = rules, surplus, on_gathering, clock
        self._blocks = rules.backpressure is Backpressure.BLOCK
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0  # about: threads may miscount it, and nothing but the time to write depends on it
        self._written = self._read_to = 0  # offsets
        self._segments: list[Segment] = []
        self._file = -1
        self._ended = False
        self._failure: OSError | None = None  # of writing while nobody appended; the next to append is told
        self._wakers: list[Callable[[], None]] = []

    @property
    def end_offset(self) -> int:
        """Behind the last byte appended."""
        with self._lock:
            return self._written + sum(map(len, self._gathered))

    @property
    def ended(self) -> bool:
        """Nothing more is appended."""
        return self._ended

    def append(self, data: bytes) -> None:
        """Add bytes; with ``block`` it waits while ``unread_bytes`` or more are unread.

        Raises:
            RefusedError: the channel has ended.
            OSError: the disk is full, or broken.
        """
        if self._blocks:
            with self._room:
                self._room.wait_for(self._has_room)
        gathered = self._gathered
        if self._ended or self._failure is not None:
            self._refuse()
        gathered.append(data)  # one step for all threads: the lock is only taken to write
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= GATHERED_BYTES:
            self.flush()
        elif len(gathered) == 1:
            self._on_gathering()
        if self._wakers:
            self._wake()
        if self._ended and gathered:
            self._refuse()  # it ended in the middle of this

    async def room(self) -> None:
        """Wait, without holding up the loop, until ``append`` would not."""
        while self._blocks and not self._ended:
            woken = _LoopWaker()
            with self._lock:
                if self._has_room():
                    return
                self._wakers.append(woken.wake)
            await woken.done

    def flush(self) -> None:
        """Write what was gathered.

        Raises:
            OSError: the disk is full, or broken.
        """
        with self._lock:
            self._write()

    def end(self, ended_unix_s: float, expires_unix_s: float) -> None:
        """End the channel: readers get the rest and then the end, a waiting writer is refused. Again: the first counts.

        Args:
            expires_unix_s: from then on reading is answered with 'expired', in seconds since 1970.
        """
        with self._lock:
            if self._ended:
                return
            self._ended = True  # first: what is appended from here on is refused
            try:
                self._write()
            finally:
                if self._file >= 0:
                    os.close(self._file)
                    self._file = -1
                self.files.write_ending(
                    ChannelEnd(end=self._written, ended_unix_s=ended_unix_s, expires_unix_s=expires_unix_s)
                )
                self._room.notify_all()
        self._wake()

    def read(self, offset: int = 0, most_bytes: int = READ_BYTES) -> Chunk:
        """As ``ChannelFiles.read``, with everything that was appended; what is read makes room for a blocked writer."""
        if self._gathered:
            self.flush()
        chunk = self.files.read(offset, most_bytes)
        if self._blocks:
            self.mark_read(chunk.next_offset)
        return chunk

    def mark_read(self, offset: int) -> None:
        """Somebody, here or elsewhere, has read up to an offset.

        The furthest reader counts, so that a slow one holds up nobody.
        """
        with self._lock:
            if offset <= self._read_to:
                return
            self._read_to = offset
            self._room.notify_all()
        self._wake()

    def follow(self, offset: int = 0) -> Iterator[Chunk]:
        """What there is from an offset on and what comes, to the end; for a thread, which sleeps in between.

        Args:
            offset: a negative one counts from the present end.
        Raises:
            ExpiredError: as ``read``.
        """
        while True:
            chunk = self.read(offset)
            offset = chunk.next_offset
            if chunk.data:
                yield chunk
            if chunk.ended:
                return
            if not chunk.data:
                woken = threading.Event()
                if self._sleeps(offset, woken.set):
                    woken.wait()

    async def follow_async(self, offset: int = 0) -> AsyncIterator[Chunk]:
        """As ``follow``, for a task."""
        while True:
            chunk = self.read(offset)
            offset = chunk.next_offset
            if chunk.data:
                yield chunk
            if chunk.ended:
                return
            if not chunk.data:
                woken = _LoopWaker()
                if self._sleeps(offset, woken.wake):
                    await woken.done
            else:
                await asyncio.sleep(0)  # others of the loop have their turn

    def _sleeps(self, offset: int, wake: Callable[[], None]) -> bool:
        with self._lock:
            self._wakers.append(wake)  # first: a writer that comes in between sees it, or we see what it wrote
            return not (self._ended or self._gathered or self._written > offset)

    def _wake(self) -> None:
        with self._lock:
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def _has_room(self) -> bool:
        return self._ended or self._written + self._gathered_bytes - self._read_to < self._rules.unread_bytes

    def _refuse(self) -> None:
        failure, self._failure = self._failure, None  # told once: there may be room again
        if failure is not None:
            raise failure
        raise RefusedError("ended", "append", f"{self.files.subject} has ended, nothing can be added")

    def _write(self) -> None:
        count = len(self._gathered)
        if not count:
            return
        left = memoryview(b"".join(self._gathered[:count]))
        del self._gathered[:count]  # of a full disk they are lost: the script must not grow without bound
        self._gathered_bytes = 0
        if self._file < 0 or self._segments[-1].size >= self._rules.segment_bytes:
            self._next_segment()
        while left:
            try:
                size = os.write(self._file, left)
            except OSError as failure:
                self._failure = failure
                raise
            left = left[size:]
            self._written += size
            self._segments[-1] = self._segments[-1]._replace(size=self._segments[-1].size + size)

    def _next_segment(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self.files.segment_file(self._written), _FILE_FLAGS, 0o644)
        self._segments.append(Segment(self._written, 0))
        for gone in self._surplus(self._segments, self._rules.retention_bytes):
            self.files.segment_file(gone.start).unlink(missing_ok=True)
            self._segments.remove(gone)


class _LoopWaker:
    """Wakes a task from any thread; a loop that is closed meanwhile has nobody to wake."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
