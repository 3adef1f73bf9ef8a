"""A channel on disk, for whoever reads it: files named by the offset they begin at, and a word about the end.

Any process may read while another writes. Offsets count bytes from the channel's first, in 64 bits, and never change.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from ocs_ray.errors import BadInputError, ExpiredError
from ocs_ray.models.instance_records import Segment
from ocs_ray.models.message import Message
from ocs_ray.models.wire import decode_text
from ocs_ray.packages.store_files import write_atomically

SUFFIX: Final = ".segment"
_END_FILE: Final = "end.json"
_DEFAULT_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 1 << 16


class ChannelEnd(Message):
    """What is written beside the segments when a channel ends.

    Args:
        end: offset behind the last byte.
        expires_unix_s: from then on nothing can be read, in seconds since 1970.
    """

    end: int
    ended_unix_s: float
    expires_unix_s: float


class Chunk(NamedTuple):
    """Part of a channel.

    Args:
        offset: of its first byte.
        ended: nothing follows, now or later.
    """

    offset: int
    data: bytes
    ended: bool

    @property
    def next_offset(self) -> int:
        """Where to go on."""
        return self.offset + len(self.data)


class Bounds(NamedTuple):
    """What of a channel can be read: from ``first`` up to, not with, ``end``."""

    first: int
    end: int
    ended: bool


class ChannelFiles:
    """The reading side of one channel.

    Args:
        folder: of the channel.
        subject: for messages: ``output of instance 7f3a``.
        clock: seconds since 1970.
    """

    def __init__(self, folder: Path, subject: str, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.subject, self._clock = folder, subject, clock

    def segment_file(self, start: int) -> Path:
        """The file that begins at an offset."""
        return self.folder / f"{start:020}{SUFFIX}"

    def segments(self) -> list[Segment]:
        """The files there are, the oldest first."""
        found: list[Segment] = []
        try:
            with os.scandir(self.folder) as entries:
                found.extend(
                    Segment(int(entry.name.removesuffix(SUFFIX)), entry.stat().st_size)
                    for entry in entries
                    if entry.name.endswith(SUFFIX)
                )
        except FileNotFoundError as failure:
            if failure.filename == str(self.folder):
                raise BadInputError(self.subject, "there is no such channel", "see 'ocs inst list'") from None
            return self.segments()  # a segment went while they were counted
        return sorted(found)

    def ending(self) -> ChannelEnd | None:
        """What was written at the end; None before."""
        try:
            return decode_text(ChannelEnd, (self.folder / _END_FILE).read_bytes())
        except FileNotFoundError:
            return None

    def write_ending(self, ending: ChannelEnd) -> None:
        """End the channel for every reader, or move the time it expires."""
        write_atomically(self.folder / _END_FILE, ending.model_dump_json().encode())

    def bounds(self) -> Bounds:
        """What can be read now.

        Raises:
            ExpiredError: its time is over.
        """
        ending = self._present_ending()  # before the files: what is written behind an end does not exist
        segments = self.segments()
        first = segments[0].start if segments else (ending.end if ending else 0)
        end = ending.end if ending else (segments[-1].start + segments[-1].size if segments else 0)
        return Bounds(first, end, ending is not None)

    def read(self, offset: int = 0, most_bytes: int = _DEFAULT_BYTES) -> Chunk:
        """The bytes from an offset on; none when nothing has come yet.

        Args:
            offset: from the channel's first byte; a negative one counts from what is its end now.
        Raises:
            ExpiredError: the channel's time is over, or these bytes were dropped by its limit of bytes.
        """
        ending = self._present_ending()
        segments = self.segments()
        end = segments[-1].start + segments[-1].size if segments else (ending.end if ending else 0)
        first = segments[0].start if segments else end
        at = max(end + offset, first) if offset < 0 else offset
        if at < first:
            raise ExpiredError(subject=self.subject, expired_at="", first_offset=first)
        data = self._bytes(segments, at, most_bytes)
        if data is None:  # the segment went meanwhile
            return self.read(offset, most_bytes)
        return Chunk(at, data, ended=ending is not None and at + len(data) >= ending.end)

    def tail_offset(self, lines: int) -> int:
        """Where the last ``lines`` lines begin; a last line without its newline counts.

        Raises:
            ExpiredError: the channel's time is over.
        """
        bounds = self.bounds()
        at, left, is_last = bounds.end, lines, True
        while at > bounds.first and lines > 0:
            start = max(bounds.first, at - _TAIL_BYTES)
            block = self._whole(start, at - start)
            cut = len(block) - 1 if is_last and block.endswith(b"\n") else len(block)
            is_last = False
            while (cut := block.rfind(b"\n", 0, cut)) >= 0:
                left -= 1
                if left == 0:
                    return start + cut + 1
            at = start
        return bounds.first if lines > 0 else bounds.end

    def expire(self) -> None:
        """Drop the segments; the word about the end stays, so that readers are told why."""
        for segment in self.segments():
            self.segment_file(segment.start).unlink(missing_ok=True)

    def _present_ending(self) -> ChannelEnd | None:
        ending = self.ending()
        if ending is not None and self._clock() >= ending.expires_unix_s:
            at = datetime.fromtimestamp(ending.expires_unix_s, UTC).isoformat(timespec="seconds")
            raise ExpiredError(subject=self.subject, expired_at=at, first_offset=-1)
        return ending

    def _whole(self, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0 and (piece := self.read(offset, size).data):
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def _bytes(self, segments: list[Segment], at: int, most_bytes: int) -> bytes | None:
        for segment in segments:
            if segment.start <= at < segment.start + segment.size:
                try:
                    file = os.open(self.segment_file(segment.start), os.O_RDONLY | os.O_CLOEXEC)
                except FileNotFoundError:
                    return None
                try:
                    size = min(most_bytes, segment.start + segment.size - at)
                    return os.pread(file, size, at - segment.start)
                finally:
                    os.close(file)
        return b""
