"""The keeper of one instance: a small process between the host of a machine and the program.

It outlives the host and the package service: the instance goes on, its output is kept, and whoever comes back finds
the keeper at its socket or its last word on the disk. It is the adopting parent (Linux's subreaper) of everything the
program starts, so that nothing is left when it ends, daemons included.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from ocs_ray.core.instance_states import Effect, ExitCode, Moved, Trigger, decide
from ocs_ray.core.retention import expires_at, surplus
from ocs_ray.models.instance_messages import StartFailure
from ocs_ray.models.instance_records import Channel, InstanceStatus
from ocs_ray.models.package_manifest import Backpressure
from ocs_ray.packages.descendants import adopt_descendants, end_descendants, how_it_ended
from ocs_ray.packages.instance_channels import subject_of
from ocs_ray.packages.instance_program import ProgramPipes
from ocs_ray.packages.instance_program import run as run_program
from ocs_ray.packages.instance_runs import KeptState, RunFolder
from ocs_ray.packages.keeper_feed import Feed
from ocs_ray.packages.keeper_lines import KeeperConnection
from ocs_ray.packages.lost_output import LostOutput
from ocs_ray.packages.process_watch import ProcessWatch
from ocs_ray.packages.segment_log import SegmentLog

PIPE_BYTES: Final = 1 << 18
LEAVE_S: Final = 0.5
"""How long a program that said it is through may take to be gone, in seconds."""
_BLOCKING: Final = (Channel.OUTPUT, Channel.STDOUT)
_DRAIN_BYTES: Final = 1 << 30


class InstanceKeeper:
    """Keeps one run.

    Args:
        folder: of the run; its task is written down.
        package: where the package lies unpacked.
        host: the connection to the host that asked for it.
    """

    def __init__(self, folder: RunFolder, package: Path, host: socket.socket) -> None:
        self._folder, self._package = folder, package
        self._task = folder.task()
        self._record = self._task.record
        self._rules = self._task.rules
        self._connections = [KeeperConnection(host)]
        never_waits = self._rules.model_copy(update={"backpressure": Backpressure.SPILL})  # the program waits
        self._logs = {
            channel: SegmentLog(
                folder.path / channel, subject_of(channel, self._record.id), never_waits, surplus, lambda: None
            )
            for channel in Channel
        }
        self._selector = selectors.DefaultSelector()
        self._paused: dict[Channel, int] = {}
        self._read_to = dict.fromkeys(Channel, 0)
        self._waits: list[tuple[KeeperConnection, Any, Channel, int]] = []
        self._told = bytearray()
        self._lost = LostOutput()
        self._outcome: tuple[Trigger, ExitCode | None, str] | None = None
        self._failure: StartFailure | None = None
        self._deadline: float | None = None
        self._deadline_kills: Trigger = Trigger.STOP_TIMED_OUT
        self._may_extend = self._drop_at_once = False
        self._heard_at = time.monotonic()
        self._health: dict[str, Any] = {"healthy": True}

    def run(self) -> None:
        """Start the program and keep it until it and all it started are gone."""
        adopt_descendants()
        self._start_program()
        self._listen()
        while not self._record.status.is_final:
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._look_at_deadline()
            self._look_at_processes()
            self._look_at_connections()
        self._selector.close()
        for connection in self._connections:
            connection.finish()

    # Start

    def _start_program(self) -> None:
        ends = [os.pipe() for _ in ProgramPipes._fields]
        theirs = ProgramPipes(*(pair[0] for pair in ends[:3]), *(pair[1] for pair in ends[3:]))
        stdin, given, control, *rest = [*(pair[1] for pair in ends[:3]), *(pair[0] for pair in ends[3:])]
        self._pid = os.fork()
        if self._pid == 0:
            self._become_program([stdin, given, control, *rest], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        self._feeds = {"stdin": Feed(stdin), "input": Feed(given)}
        self._control = Feed(control)
        self._status = rest.pop()
        os.set_blocking(self._status, False)
        self._sources = dict(zip(Channel, rest, strict=True))
        for channel, source in self._sources.items():
            with contextlib.suppress(OSError):
                fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            os.set_blocking(source, False)
            self._watch(source, self._reads(channel))
        self._watch(self._status, self._hear_program)
        self._processes = ProcessWatch(self._pid, self._task.limits.processes)
        self._end_sign = os.pidfd_open(self._pid)
        self._watch(self._end_sign, self._program_gone)
        self._move(Trigger.PLACED)

    def _become_program(self, ours: list[int], theirs: ProgramPipes) -> NoReturn:
        try:
            for descriptor in ours:
                os.close(descriptor)
            self._selector.close()
            for connection in self._connections:
                connection.sock.close()
            run_program(self._task, self._package, self._folder.work, theirs)
        finally:
            os._exit(1)

    def _listen(self) -> None:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(self._folder.address)
        self._door.listen(4)
        self._door.setblocking(False)
        self._watch(self._door.fileno(), self._admit)
        first = self._connections[0]
        self._watch(first.sock.fileno(), lambda: self._hear(first))

    def _admit(self) -> None:
        sock, _ = self._door.accept()
        _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.getuid():  # the abstract room has no rights of its own
            sock.close()
            return
        connection = KeeperConnection(sock)
        self._connections.append(connection)
        self._watch(sock.fileno(), lambda: self._hear(connection))
        connection.say(self._state())

    def _watch(self, descriptor: int, call: Callable[[], object]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def _unwatch(self, descriptor: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)

    # What the program writes and says

    def _reads(self, channel: Channel) -> Callable[[], object]:
        return lambda: self._read(channel)

    def _read(self, channel: Channel) -> bool:
        """Take what there is; whether there may be more."""
        try:
            data = os.read(self._sources[channel], PIPE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._unwatch(self._sources[channel])
            return False
        log = self._logs[channel]
        try:  # while the disk is full what cannot be kept is lost, and said; the program goes on
            log.append(data)
            log.flush()
        except OSError as failure:
            self._lost.add(channel, len(data), failure)
        self._answer_waits()
        if self._is_full(channel):
            self._unwatch(self._sources[channel])
            self._paused[channel] = self._sources[channel]
        return True

    def _is_full(self, channel: Channel) -> bool:
        return (
            self._rules.backpressure is Backpressure.BLOCK
            and channel in _BLOCKING
            and self._record.status in (InstanceStatus.STARTING, InstanceStatus.RUNNING)
            and self._logs[channel].end_offset - self._read_to[channel] >= self._rules.unread_bytes
        )

    def _resume(self) -> None:
        for channel, source in list(self._paused.items()):
            if not self._is_full(channel):
                del self._paused[channel]
                self._watch(source, self._reads(channel))

    def _hear_program(self) -> None:
        try:
            piece = os.read(self._status, PIPE_BYTES)
        except BlockingIOError:
            return
        if not piece:
            self._unwatch(self._status)
        self._told += piece
        *lines, rest = bytes(self._told).split(b"\n")
        self._told = bytearray(rest)
        for line in lines:
            self._take(json.loads(line))

    def _take(self, said: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        if "health" in said:
            self._health = said["health"]
        elif "keep_alive" in said:
            if self._may_extend and isinstance(decide(self._record.status, Trigger.KEEP_ALIVE), Moved):
                self._deadline = time.monotonic() + float(said["keep_alive"])
        elif "ready" in said:
            self._record = self._record.model_copy(update={"args": tuple(said["ready"])})
            self._move(Trigger.READY)
        else:
            if "failed" in said:
                self._failure = StartFailure(**said["failed"])
                self._outcome = Trigger.START_FAILED, ExitCode(said["code"]), said["reason"]
            elif "raised" in said:
                self._outcome = Trigger.RAISED, None, said["raised"]
            else:
                self._outcome = Trigger.RETURNED, None, ""
            self._deadline, self._deadline_kills = time.monotonic() + LEAVE_S, Trigger.PROCESS_GONE

    # What the host asks

    def _hear(self, connection: KeeperConnection) -> None:
        descriptor = connection.sock.fileno()
        for asked in connection.hear():
            self._answer(connection, asked)
        if connection.closed:
            self._unwatch(descriptor)

    def _answer(self, connection: KeeperConnection, asked: dict[str, Any]) -> None:
        number = asked.get("n")
        match asked["do"]:
            case "stop":
                result = self._stop(asked["timeout_s"], asked["can_keep_alive"])
            case "kill":
                self._drop_at_once = self._drop_at_once or asked["remove_immediately"]
                result = self._move(Trigger.KILL)
            case "give":
                feed = self._feeds[asked["to"]]
                feed.add(base64.b64decode(asked["data"]), asked["end"], lambda: connection.say({"n": number}))
                self._watch_feed(feed)
                return
            case "event":
                self._tell_program({"event": asked["name"], "message": asked["message"]})
                result = None
            case "wait":
                self._waits.append((connection, number, Channel(asked["channel"]), asked["offset"]))
                self._answer_waits()
                return
            case "read":
                channel = Channel(asked["channel"])
                self._read_to[channel] = max(self._read_to[channel], asked["offset"])
                self._resume()
                return
            case _:
                age = time.monotonic() - self._heard_at
                connection.say({"n": number, "health": self._health, "heartbeat_age_s": age, "pid": self._pid})
                return
        connection.say({"n": number} if result is None else {"n": number, "refused": result})

    def _stop(self, timeout_s: float, can_keep_alive: bool) -> str | None:
        first = self._record.status is InstanceStatus.RUNNING
        if (refused := self._move(Trigger.STOP)) is not None:
            return refused
        if first:
            self._may_extend = can_keep_alive
            self._deadline, self._deadline_kills = time.monotonic() + timeout_s, Trigger.STOP_TIMED_OUT
            self._tell_program({"stop": timeout_s, "can_keep_alive": can_keep_alive})
        return None

    def _tell_program(self, said: dict[str, Any]) -> None:
        self._control.add(json.dumps(said).encode() + b"\n", False, lambda: None)
        self._watch_feed(self._control)

    def _watch_feed(self, feed: Feed) -> None:
        def push() -> None:
            if feed.push():
                self._unwatch(feed.descriptor)

        if not feed.push() and feed.descriptor not in self._selector.get_map():
            self._selector.register(feed.descriptor, selectors.EVENT_WRITE, push)

    def _answer_waits(self) -> None:
        left: list[tuple[KeeperConnection, Any, Channel, int]] = []
        for wait in self._waits:
            connection, number, channel, offset = wait
            if connection.closed:
                continue
            if self._logs[channel].end_offset > offset or self._logs[channel].ended:
                connection.say({"n": number})
            else:
                left.append(wait)
        self._waits = left

    # Time

    def _patience(self) -> float | None:
        if any(connection.wants_to_write for connection in self._connections):
            return 0.01
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        times = [each for each in (left, self._processes.patience_s) if each is not None]
        return min(times) if times else None

    def _look_at_deadline(self) -> None:
        if self._deadline is None or time.monotonic() < self._deadline:
            return
        self._deadline = None
        self._kill() if self._deadline_kills is Trigger.PROCESS_GONE else self._move(Trigger.STOP_TIMED_OUT)

    def _look_at_processes(self) -> None:
        if not self._record.status.is_final and (reason := self._processes.look()):
            self._outcome = Trigger.PROCESS_GONE, ExitCode.UNCAUGHT, reason
            self._kill()

    def _look_at_connections(self) -> None:
        for connection in self._connections:
            connection.push()
        self._connections = [connection for connection in self._connections if not connection.closed]

    # State

    def _move(self, trigger: Trigger, code: ExitCode | None = None, reason: str = "") -> str | None:
        """Take a trigger; why not, when it is refused."""
        moved = decide(self._record.status, trigger, code, reason)
        if not isinstance(moved, Moved):
            return moved.text
        if moved.status.is_final:
            self._finish(moved)
            return None
        if moved.status is not self._record.status:
            changes: dict[str, Any] = {"status": moved.status, "process_id": self._pid}
            if moved.status is InstanceStatus.RUNNING:
                changes["started_unix_s"] = time.time()
            self._record = self._record.model_copy(update=changes)
            self._keep()
        if Effect.KILL_PROCESS in moved.effects:
            self._kill()
        self._resume()
        return None

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def _program_gone(self) -> None:
        self._unwatch(self._end_sign)
        _, how = os.waitpid(self._pid, 0)
        self._hear_program()
        end_descendants()
        for channel, source in self._sources.items():
            taken = 0
            while self._read(channel) and taken < _DRAIN_BYTES:
                taken += PIPE_BYTES
            self._unwatch(source)
        trigger, code, reason = self._outcome or (Trigger.PROCESS_GONE, None, how_it_ended(how))
        if self._record.status is InstanceStatus.KILLING or (
            self._record.status is InstanceStatus.STOPPING and trigger is Trigger.PROCESS_GONE
        ):
            reason = ""  # somebody wanted it to end: how it did is no news
        self._move(trigger, code, reason)

    def _finish(self, moved: Moved) -> None:
        now = time.time()
        expires = expires_at(now, self._rules.retention_s, at_once=self._drop_at_once)
        for log in self._logs.values():
            with contextlib.suppress(OSError):
                log.end(now, expires)
        self._folder.remove_work()
        how = {"status": moved.status, "terminated": self._lost.told(moved.terminated)}
        self._record = self._record.model_copy(update={**how, "ended_unix_s": now, "expires_unix_s": expires})
        self._keep()
        self._answer_waits()

    def _keep(self) -> None:
        with contextlib.suppress(OSError):  # the disk is full: the host is told all the same
            self._folder.write_state(self._kept())
        for connection in self._connections:
            connection.say(self._state())

    def _kept(self) -> KeptState:
        return KeptState(record=self._record, keeper_pid=os.getpid(), failure=self._failure)

    def _state(self) -> dict[str, Any]:
        return {"state": self._kept().model_dump(mode="json", by_alias=True)}
