"""The five channels of an instance: written by its process, read by anybody, kept for a time, then dropped."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ocs_ray.models.instance_records import Channel, ChannelRules, SurplusRule
from ocs_ray.packages.segment_files import ChannelEnd, ChannelFiles
from ocs_ray.packages.segment_log import SegmentLog

GATHER_S: Final = 0.02
"""Longest time a byte waits before other processes can read it."""


class InstanceChannels:
    """The writing side, in the process of the instance.

    Args:
        folder: of the instance's run.
        instance: its id, for messages.
        rules: how the channels are kept.
        surplus: which segments can go.
    """

    def __init__(
        self,
        folder: Path,
        instance: str,
        rules: ChannelRules,
        surplus: SurplusRule,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._flusher = _Flusher()
        self._logs = {
            channel: SegmentLog(
                folder / channel, subject_of(channel, instance), rules, surplus, self._flusher.remind, clock
            )
            for channel in Channel
        }
        self._flusher.logs = tuple(self._logs.values())

    def __getitem__(self, channel: Channel) -> SegmentLog:
        return self._logs[channel]

    def end(self, ended_unix_s: float, expires_unix_s: float) -> None:
        """End all channels; both times in seconds since 1970."""
        for log in self._logs.values():
            log.end(ended_unix_s, expires_unix_s)
        self._flusher.close()


def read_channel(folder: Path, instance: str, channel: Channel, clock: Callable[[], float] = time.time) -> ChannelFiles:
    """The reading side, in any process.

    Args:
        folder: of the instance's run.
    """
    return ChannelFiles(folder / channel, subject_of(channel, instance), clock)


def seal_channels(folder: Path, instance: str, ended_unix_s: float, expires_unix_s: float) -> None:
    """End the channels of an instance whose process died before it could: what is on the disk is what there is.

    Channels that have ended stay as they are, but for the time they expire.
    """
    for channel in Channel:
        files = read_channel(folder, instance, channel)
        files.folder.mkdir(parents=True, exist_ok=True)
        ending, segments = files.ending(), files.segments()
        end = ending.end if ending else (segments[-1].start + segments[-1].size if segments else 0)
        ended = ending.ended_unix_s if ending else ended_unix_s
        files.write_ending(ChannelEnd(end=end, ended_unix_s=ended, expires_unix_s=expires_unix_s))


def expire_channels(folder: Path, instance: str) -> None:
    """Drop what the channels hold; a reader is told 'expired' as long as the folder is there."""
    for channel in Channel:
        with contextlib.suppress(FileNotFoundError):
            read_channel(folder, instance, channel).expire()


def subject_of(channel: Channel, instance: str) -> str:
    """How messages call a channel."""
    return f"{channel} of instance {instance}"


class _Flusher:
    """One thread for all channels of an instance; it sleeps while nothing waits to be written."""

    def __init__(self) -> None:
        self.logs: tuple[SegmentLog, ...] = ()
        self._reminded, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def remind(self) -> None:
        """Something waits to be written."""
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self._closed.is_set():
                    self._thread = threading.Thread(target=self._run, name="channels", daemon=True)
                    self._thread.start()
        self._reminded.set()

    def close(self) -> None:
        """End the thread."""
        with self._starting:
            self._closed.set()
            self._reminded.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._reminded.wait()
            self._closed.wait(GATHER_S)
            self._reminded.clear()
            for log in self.logs:
                with contextlib.suppress(OSError):  # the disk is full: whoever appends next is told
                    log.flush()
