"""One run of an instance, as the host of its machine sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import psutil

from ocs_ray.core.instance_states import Moved, Trigger, decide
from ocs_ray.core.retention import expires_at
from ocs_ray.errors import LostReplyError, RefusedError, UnreachableError
from ocs_ray.models.instance_messages import ChannelPiece, InstanceHealth, ReadChannel, StartFailure
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.package_manifest import DEFAULT_RETENTION_S, Backpressure
from ocs_ray.packages.instance_channels import expire_channels, read_channel, seal_channels
from ocs_ray.packages.instance_program import INSTANCE_MARK
from ocs_ray.packages.instance_runs import KeptState, RunFolder
from ocs_ray.packages.keeper_line import KeeperLine

LOST: Final = "its keeper died, and it with it"
LINE_S: Final = 10.0
"""Longest wait for a keeper's answer, in seconds; only a machine out of breath takes so long."""


class HostedRun:
    """A run, alive or ended.

    Args:
        folder: of the run.
        record: what is known so far.
        on_change: told of each new record.
    """

    def __init__(self, folder: RunFolder, record: InstanceRecord, on_change: Callable[[InstanceRecord], None]) -> None:
        self.folder, self.record, self._on_change = folder, record, on_change
        self.failure: StartFailure | None = None
        self.settled, self.ended = asyncio.Event(), asyncio.Event()
        self._line = KeeperLine(str(record.id), self._told, self._keeper_gone)
        self._losing: asyncio.Task[None] | None = None
        self._blocks = False
        if record.status.is_final:
            self.settled.set()
            self.ended.set()

    async def begin(self, sock: socket.socket, *, blocks: bool) -> None:
        """Its keeper is at the other end of ``sock``."""
        self._blocks = blocks
        await self._line.open(sock)

    async def adopt(self) -> None:
        """Find the keeper of a run another host began; without one the run is lost, unless it ended in order."""
        with contextlib.suppress(OSError, ValueError):
            self._blocks = self.folder.task().rules.backpressure is Backpressure.BLOCK
        if not await self._line.call(self.folder.address):
            await self._settle_without_keeper()

    async def stop(self, timeout_s: float, can_keep_alive: bool) -> None:
        """Ask it to stop.

        Raises:
            RefusedError: it has ended.
        """
        await self._ask(Trigger.STOP, "stop", timeout_s=timeout_s, can_keep_alive=can_keep_alive)

    async def kill(self, remove_immediately: bool) -> None:
        """End it, and return when it is gone; what has ended only loses what it wrote, if that is asked for.

        Raises:
            RefusedError: it has ended.
        """
        if self.ended.is_set() and remove_immediately:
            await asyncio.to_thread(self.expire_now)
            return
        await self._ask(Trigger.KILL, "kill", remove_immediately=remove_immediately)
        await self.ended.wait()
        if remove_immediately:
            await asyncio.to_thread(self.expire_now)

    async def give(self, to: str, data: str, end: bool) -> None:
        """Bytes for its input, and wait until there is room for more.

        Raises:
            RefusedError: it has ended.
        """
        self._check_alive(to)
        with contextlib.suppress(UnreachableError):  # it ended without reading all of it
            await self._line.ask("give", to=to, data=data, end=end)

    async def send_event(self, name: str, message: Any) -> None:
        """An event for it.

        Raises:
            RefusedError: it has ended.
        """
        self._check_alive("event")
        await self._line.ask("event", name=name, message=message)

    async def health(self) -> InstanceHealth:
        """How it feels."""
        if self.ended.is_set():
            return InstanceHealth(healthy=False, status=self.record.status, heartbeat_age_s=0.0)
        said = await asyncio.wait_for(self._line.ask("health"), LINE_S)
        use = await asyncio.to_thread(_use_of, said["pid"])
        details = dict(said["health"])
        healthy = bool(details.pop("healthy", True))
        age = said["heartbeat_age_s"]
        status, pid = self.record.status, said["pid"]
        return InstanceHealth(
            healthy=healthy, status=status, heartbeat_age_s=age, process_id=pid, details=details, **use
        )

    async def read(self, message: ReadChannel) -> ChannelPiece:
        """Part of a channel; waits as long as was asked for when there is nothing yet.

        Raises:
            ExpiredError: it is gone.
        """
        files = read_channel(self.folder.path, str(self.record.id), message.channel)
        offset = message.offset
        if message.tail_lines is not None:
            offset = await asyncio.to_thread(files.tail_offset, message.tail_lines)
        over = self.ended.is_set()
        chunk = await asyncio.to_thread(files.read, offset, message.most_bytes)
        if not chunk.data and not chunk.ended and message.wait_s and not self._line.ended:
            wait = self._line.ask("wait", channel=message.channel, offset=chunk.offset)
            with contextlib.suppress(TimeoutError, UnreachableError):
                await asyncio.wait_for(wait, message.wait_s)
            over = self.ended.is_set()
            chunk = await asyncio.to_thread(files.read, chunk.offset, message.most_bytes)
        if self._blocks and not self._line.ended:
            self._line.tell("read", channel=message.channel, offset=chunk.next_offset)
        ended = chunk.ended or (over and not chunk.data)  # a full disk may have kept the end from being written
        return ChannelPiece(offset=chunk.offset, data=chunk.data, ended=ended)

    def expire_now(self) -> None:
        """Drop what it wrote."""
        now = time.time()
        seal_channels(self.folder.path, str(self.record.id), self.record.ended_unix_s or now, now)
        expire_channels(self.folder.path, str(self.record.id))
        self._take(self.record.model_copy(update={"expires_unix_s": now}))

    def close(self) -> None:
        """Hang up; the keeper goes on."""
        self._line.close()

    async def _ask(self, trigger: Trigger, do: str, **fields: Any) -> None:
        refused = decide(self.record.status, trigger)
        if not isinstance(refused, Moved):
            raise RefusedError(self.record.status, do, refused.text)
        try:
            answer = await asyncio.wait_for(self._line.ask(do, **fields), LINE_S)
        except TimeoutError:
            reason = f"did not answer its '{do}' within {LINE_S:g} s"
            name = f"the keeper of instance {self.record.id}"
            raise LostReplyError(name=name, reason=reason, remedy="look at its machine's load, and ask again") from None
        if "refused" in answer:
            raise RefusedError(self.record.status, do, answer["refused"])

    def _check_alive(self, what: str) -> None:
        if self.ended.is_set():
            text = f"the instance has ended ({self.record.status}); nothing can be sent to its {what}"
            raise RefusedError(self.record.status, what, text)

    def _told(self, state: KeptState) -> None:
        self.failure = state.failure
        self._take(state.record.model_copy(update={"machine": self.record.machine}))

    def _take(self, record: InstanceRecord) -> None:
        self.record = record
        if record.status.is_final or record.started_unix_s is not None:
            self.settled.set()
        if record.status.is_final:
            self.ended.set()
        self._on_change(record)

    def _keeper_gone(self) -> None:
        if not self.ended.is_set():
            self._losing = asyncio.create_task(self._settle_without_keeper())

    async def _settle_without_keeper(self) -> None:
        state = self.folder.state()
        if state is None or not state.record.status.is_final:
            record = self.record if state is None else state.record
            state = await asyncio.to_thread(self._lose, record)
        self._told(state)

    def _lose(self, record: InstanceRecord) -> KeptState:
        """End what is left of it, and write down that it is lost."""
        end_marked(f"{record.id}/{record.run}")
        moved = decide(record.status, Trigger.MACHINE_LOST, reason=LOST)
        assert isinstance(moved, Moved), "every status that is not final can be lost"
        now = time.time()
        retention_s = DEFAULT_RETENTION_S
        with contextlib.suppress(OSError, ValueError):
            retention_s = self.folder.task().rules.retention_s
        expires = expires_at(now, retention_s)
        with contextlib.suppress(OSError):  # the disk is full: what is told is true all the same
            seal_channels(self.folder.path, str(record.id), now, expires)
        self.folder.remove_work()
        changes = {"status": moved.status, "terminated": moved.terminated, "ended_unix_s": now}
        kept = KeptState(record=record.model_copy(update={**changes, "expires_unix_s": expires}), keeper_pid=0)
        with contextlib.suppress(OSError):
            self.folder.write_state(kept)
        return kept


def end_marked(mark: str) -> None:
    """End every process of this user that carries an instance's mark."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(INSTANCE_MARK) == mark:
                process.kill()


def _use_of(pid: int) -> dict[str, Any]:
    memory, cpu_s, count = 0, 0.0, 0
    with contextlib.suppress(psutil.Error):
        program = psutil.Process(pid)
        for process in (program, *program.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                used = process.cpu_times()
                cpu_s += used.user + used.system
                memory += process.memory_full_info().pss
                count += 1
    return {"memory_bytes": memory, "cpu_s": cpu_s, "processes": count}
