"""The program's ends of the pipes to its keeper: what it writes is gathered, what it reads comes by its kind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from ocs_ray.models.package_manifest import InputKind

GATHERED_BYTES: Final = 1 << 16
GATHER_S: Final = 0.02
"""Longest time a byte waits before it is written. The first after a pause does not wait."""
_READ_BYTES: Final = 1 << 16


class PipeWriter:
    """Writes to a pipe in big pieces. May be used from any thread; a full pipe holds up whoever writes.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int, reminder: threading.Event) -> None:
        self._descriptor, self._reminder = descriptor, reminder
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._flushed_at = 0.0
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        """Add bytes."""
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= GATHERED_BYTES:
            self.flush()
        elif len(self._gathered) == 1:
            if time.monotonic() - self._flushed_at > GATHER_S:
                self.flush()
            else:
                self._reminder.set()

    @property
    def is_near_full(self) -> bool:
        """The next bytes will be written, and may have to wait for a reader."""
        return self._gathered_bytes >= GATHERED_BYTES // 2

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            count = len(self._gathered)
            if not count:
                return
            left = memoryview(b"".join(self._gathered[:count]))
            del self._gathered[:count]
            self._gathered_bytes = 0
            self._flushed_at = time.monotonic()
            while left:
                left = left[os.write(self._descriptor, left) :]


class Flusher:
    """One thread that writes what waits in any of the pipes; it sleeps while nothing does."""

    def __init__(self) -> None:
        self.reminder = threading.Event()
        self.pipes: list[PipeWriter] = []
        threading.Thread(target=self._run, name="pipes", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self.reminder.wait()
            pause.wait(GATHER_S)
            self.reminder.clear()
            for pipe in self.pipes:
                with contextlib.suppress(OSError):
                    pipe.flush()


class InstanceInput:
    """What is sent to an instance's input: text and JSON lines one by one, bytes as they come.

    Args:
        descriptor: of the pipe.
        kind: what comes.
    """

    def __init__(self, descriptor: int, kind: InputKind) -> None:
        self._descriptor, self._kind = descriptor, kind
        self._left = bytearray()
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        while (found := self._next()) is not None:
            yield found[0]

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (found := await asyncio.to_thread(self._next)) is not None:
            yield found[0]

    def read(self) -> bytes:
        """All the bytes that are still to come."""
        while not self._ended:
            self._fill()
        data, self._left = bytes(self._left), bytearray()
        return data

    def _next(self) -> tuple[Any] | None:
        """The next item in a tuple, for an item may be None; None at the end."""
        if self._kind is InputKind.BYTES:
            while not self._left and not self._ended:
                self._fill()
            data, self._left = bytes(self._left), bytearray()
            return (data,) if data else None
        while (line := self._line()) is not None:
            if self._kind is InputKind.TEXT:
                return (line.decode(errors="replace"),)
            if line.strip():
                return (json.loads(line),)
        return None

    def _line(self) -> bytes | None:
        searched = 0
        while (cut := self._left.find(b"\n", searched)) < 0 and not self._ended:
            searched = len(self._left)
            self._fill()
        if cut < 0:
            rest, self._left = bytes(self._left), bytearray()
            return rest or None
        line = bytes(self._left[:cut])
        del self._left[: cut + 1]
        return line

    def _fill(self) -> None:
        data = os.read(self._descriptor, _READ_BYTES)
        self._ended = not data
        self._left += data
