"""The package service's part that is about instances: who may start, where, what became of each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from ocs_ray.actors.instance_room import InstanceRoom
from ocs_ray.actors.instance_watch import InstanceWatch
from ocs_ray.core.instance_book import InstanceBook
from ocs_ray.core.instance_limits import PlatformLimits, admit
from ocs_ray.core.instance_states import ExitCode, Moved, Trigger, decide
from ocs_ray.core.instance_task import task_for
from ocs_ray.core.retention import expires_at
from ocs_ray.errors import BadInputError, ClusterError, OcsError, RefusedError, UnreachableError
from ocs_ray.models.actor_names import instance_host
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import (
    CollectInstances,
    ForgetRuns,
    InstanceChanged,
    InstanceList,
    InstanceTask,
    KillInstance,
    ListInstances,
    RestartInstance,
    StartInstance,
    StopInstance,
    TaskStarted,
    WaitInstance,
)
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.new_id import new_id
from ocs_ray.models.package_names import Digest
from ocs_ray.models.package_records import PackageRecord
from ocs_ray.packages.instance_journal import InstanceJournal
from ocs_ray.scripting.port import Port

START_S: Final = 120.0
"""Longest a program may take to be imported, in seconds."""
HOST_S: Final = 15.0
REQUESTS_KEPT: Final = 1000
log = logging.getLogger("ocs.instances")


class InstanceDesk:
    """Looks after all instances of the platform.

    Args:
        journal: what happened so far, and what will.
        room: machines and their hosts.
        port: the way to the hosts.
        limits: how many may be alive.
    """

    def __init__(self, journal: Path, room: InstanceRoom, port: Port, limits: PlatformLimits) -> None:
        self._journal, self._room, self._port, self._limits = InstanceJournal(journal), room, port, limits
        self._book = InstanceBook()
        self._requests: dict[Id, asyncio.Task[InstanceRecord]] = {}
        self._changed = asyncio.Condition()
        self._starting: set[str] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._watch = InstanceWatch(room, port, self)
        self.going: set[Digest] = set()
        """Packages that are being deleted: nothing of theirs starts any more."""

    async def open(self) -> None:
        """Read the journal; instances that were alive are looked for where they ran."""
        for entry in await asyncio.to_thread(lambda: list(self._journal.read())):
            if isinstance(entry, InstanceTask):
                self._book.begin(entry)
            else:
                self._book.learn(entry.record)
        self._journal.begin(self._entries())
        for record in self._book.alive():
            if not record.machine:  # its start died with the service before it: it never was on any machine
                self._end(record, Trigger.MACHINE_LOST, None, "lost: it was never placed")
        await self._watch.begin()
        self._chore(self._watch.run())

    def close(self) -> None:
        """For tests: at night the process just ends."""
        for chore in self._chores:
            chore.cancel()
        self._journal.close()

    @property
    def book(self) -> InstanceBook:
        """Everything that is known."""
        return self._book

    # Start

    async def start(self, message: StartInstance, package: PackageRecord) -> InstanceRecord:
        """Start a package; a repeat of the request waits for the first answer.

        Raises:
            BadInputError: its arguments do not fit, its program cannot be imported, or it is no program.
            RefusedError: a limit is reached, or no machine has room.
        """
        return await self._once(message.request, lambda: self._start(message, package))

    async def restart(self, message: RestartInstance, package: PackageRecord) -> InstanceRecord:
        """Kill it if it is alive and start it again; see ``RestartInstance``.

        Raises:
            RefusedError: it has ended, and a limit is reached.
        """
        return await self._once(message.request, lambda: self._restart(message, package))

    async def _once(self, request: Id, work: Callable[[], Coroutine[Any, Any, InstanceRecord]]) -> InstanceRecord:
        task = self._requests.get(request)
        if task is None:
            task = self._requests[request] = asyncio.create_task(work())
            while len(self._requests) > REQUESTS_KEPT:
                self._requests.pop(next(iter(self._requests)))
        return await asyncio.shield(task)

    async def _start(self, message: StartInstance, package: PackageRecord) -> InstanceRecord:
        task = task_for(message, package, message.id or Id(new_id()), time.time())
        id_ = task.record.id
        if self._book.has(id_):
            raise RefusedError("taken", "start", f"there is an instance {id_} already; leave the id out, or restart it")
        self._admit(package)
        return await self._run(task)

    def _admit(self, package: PackageRecord) -> None:
        if package.digest in self.going:
            raise RefusedError("going", "start", f"{package.label} is being deleted")
        alive = self._book.population(package.digest)
        limit = admit(alive, self._limits, package.label, package.manifest.observatory.limits)
        if limit is not None:
            raise RefusedError("limit", "start", limit.text)

    async def _restart(self, message: RestartInstance, package: PackageRecord) -> InstanceRecord:
        record = self._book.get(message.id)
        if not record.status.is_final:
            await self.kill(KillInstance(id=record.id))
            record = self._book.get(record.id)
        self._admit(package)
        before = self._book.task(record.id)
        fresh = before.record.model_copy(update={"run": record.run + 1, "created_unix_s": time.time(), "machine": ""})
        return await self._run(before.model_copy(update={"record": fresh}))

    async def _run(self, task: InstanceTask) -> InstanceRecord:
        record = task.record
        try:
            self._journal.append(task)
        except OSError as failure:
            text = f"the package service cannot write it down: {failure.strerror} (make room on its disk)"
            raise RefusedError("no disk", "start", text) from None
        self._book.begin(task)
        self._starting.add(_hold(record))
        try:
            return await self._begin(task)
        finally:
            self._starting.discard(_hold(record))

    async def _begin(self, task: InstanceTask) -> InstanceRecord:
        record = task.record
        try:
            machine = await self._place(record, task.resources)
            record = record.model_copy(update={"machine": machine})
            self.learn(record)
            self._write_down(record)
            host = await self._room.host(machine)
            placed = task.model_copy(update={"record": record})
            reply: TaskStarted = await self._port.ask(host, placed, START_S)
        except Exception as failure:  # whatever it is: a record nobody ends counts for ever
            refused = _typed(failure)
            code = ExitCode.INSTANCE_LIMIT if isinstance(refused, RefusedError) else ExitCode.ENVIRONMENT_FAILED
            self._end(record, Trigger.START_FAILED, code, str(refused))
            if refused is failure:
                raise
            log.exception("instance %s could not be started", record.id)
            raise refused from failure
        self.learn(reply.record)
        if reply.failure is not None:
            failure = reply.failure
            raise BadInputError(failure.where, failure.problem, failure.remedy)
        return self._book.get(record.id)

    async def _place(self, record: InstanceRecord, resources: dict[str, float]) -> str:
        if resources:
            return await self._room.take(_hold(record), resources)
        busy = Counter(each.machine for each in self._book.alive())
        machines = self._room.machines()
        if not machines:
            raise UnreachableError(name="the machines", reason="are not there", remedy="see: ocs agents")
        return min(machines, key=lambda machine: busy[machine])

    # Ask and end

    async def stop(self, message: StopInstance) -> InstanceRecord:
        """Ask an instance to stop.

        Raises:
            RefusedError: it has ended.
        """
        record = self._alive(message.id, Trigger.STOP)
        return await self._port.ask(instance_host(record.machine), message.model_copy(update={"id": record.id}), HOST_S)

    async def kill(self, message: KillInstance) -> InstanceRecord:
        """End an instance, or only drop what it wrote.

        Raises:
            RefusedError: it has ended.
        """
        record = self._book.get(message.id)
        if not (record.status.is_final and message.remove_immediately):
            record = self._alive(message.id, Trigger.KILL)
        host = await self._room.host(record.machine)
        reply = await self._port.ask(host, message.model_copy(update={"id": record.id}), HOST_S)
        self.learn(reply)
        return self._book.get(record.id)

    async def end_all(self, records: list[InstanceRecord], deadline_s: float) -> None:
        """Stop instances, kill those that do not end in time; return when all are gone.

        Raises:
            RefusedError: one of them did not end.
        """

        async def end(record: InstanceRecord) -> None:
            failure = await self._attempt(self.stop(StopInstance(id=record.id, timeout_s=deadline_s)))
            if (await self.wait(WaitInstance(id=record.id, timeout_s=deadline_s))).status.is_final:
                return
            # Whoever asked it to stop before may have given it longer, and its first deadline holds.
            failure = await self._attempt(self.kill(KillInstance(id=record.id))) or failure
            if not (await self.wait(WaitInstance(id=record.id, timeout_s=HOST_S))).status.is_final:
                left.append(f"{record.id} ({failure or 'it was killed, but it is still there'})")

        left: list[str] = []
        await asyncio.gather(*map(end, records))
        if left:
            text = f"{len(left)} instances did not end: {'; '.join(left[:3])}; try it again"
            raise RefusedError("in use", "delete", text)

    async def _attempt(self, work: Coroutine[Any, Any, InstanceRecord]) -> OcsError | None:
        try:
            await work
        except OcsError as failure:  # it may have ended by itself; whoever waits for its end sees that
            return failure
        return None

    async def wait(self, message: WaitInstance) -> InstanceRecord:
        """The record when it has ended, or when the time is over."""
        record = self._book.get(message.id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(message.timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._book.get(record.id).status.is_final)
        return self._book.get(record.id)

    async def get(self, id_: str) -> InstanceRecord:
        """One instance; its host is up then, as far as its machine is there, so that it can be read."""
        record = self._book.get(id_)
        if record.machine:
            with contextlib.suppress(OcsError):
                await self._room.host(record.machine)
        return record

    def page(self, message: ListInstances, digests: list[Digest] | None) -> InstanceList:
        """Part of the list."""
        before = 0.0 if message.all else time.time()
        return self._book.page(digests, message.after, message.limit, before)

    async def collect(self, _: CollectInstances) -> InstanceList:
        """Forget what has expired, with its files; what a machine that is away has of them is kept for another time."""
        expired = self._book.expired(time.time())
        gone = [record for record in expired if not record.machine]
        for machine in {record.machine for record in expired if record.machine}:
            mine = [record for record in expired if record.machine == machine]
            ids = tuple(record.id for record in mine)
            try:
                await self._port.ask(await self._room.host(machine), ForgetRuns(ids=ids), HOST_S)
            except OcsError as failure:  # its files are where the machine is, and nobody else would remember them
                log.warning("%d expired instances of %s are kept until it answers: %s", len(mine), machine, failure)
            else:
                gone += mine
        self._book.forget([record.id for record in gone])
        self._journal.begin(self._entries())
        return InstanceList(instances=tuple(gone))

    def changed(self, message: InstanceChanged) -> None:
        """A host tells where an instance stands."""
        self.learn(message.record)
        if self._book.is_over(message.record):
            self._chore(self._watch.end(message.record))

    # What is known

    def settled(self) -> list[InstanceRecord]:
        """Those alive on some machine, without those whose start is under way: what became of them is told to it."""
        return [each for each in self._book.alive() if each.machine and _hold(each) not in self._starting]

    def lose(self, record: InstanceRecord, reason: str) -> None:
        """Give an instance up, unless it was forgotten meanwhile."""
        if self._book.has(record.id):
            self._end(record, Trigger.MACHINE_LOST, None, reason)

    def _alive(self, id_: str, trigger: Trigger) -> InstanceRecord:
        record = self._book.get(id_)
        refused = decide(record.status, trigger)
        if not isinstance(refused, Moved):
            raise RefusedError(record.status, trigger, refused.text)
        if not record.machine:
            raise RefusedError(record.status, trigger, f"instance {record.id} is being placed just now: try again")
        return record

    def learn(self, record: InstanceRecord) -> None:
        """Take what somebody says of an instance; see ``InstanceBook.learn``."""
        if not self._book.learn(record):
            return
        if record.status.is_final:
            self._write_down(record)
            self._chore(self._room.give_back(_hold(record)))
        self._chore(self._notify())

    def _write_down(self, record: InstanceRecord) -> None:
        try:
            self._journal.append(InstanceChanged(record=record))
        except OSError as failure:  # what is not written down, its machine tells after a restart
            log.warning("where %s stands could not be written down: %s", record.id, failure)

    def _end(self, record: InstanceRecord, trigger: Trigger, code: ExitCode | None, reason: str) -> None:
        known = self._book.get(record.id)
        moved = decide(known.status, trigger, code, reason)
        if known.run == record.run and isinstance(moved, Moved) and moved.status.is_final:
            now = time.time()
            retention_s = self._book.task(record.id).rules.retention_s
            changes = {"status": moved.status, "terminated": moved.terminated, "ended_unix_s": now}
            self.learn(known.model_copy(update={**changes, "expires_unix_s": expires_at(now, retention_s)}))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _entries(self) -> list[InstanceTask | InstanceChanged]:
        entries: list[InstanceTask | InstanceChanged] = []
        for id_ in self._book.all():
            for record in self._book.runs(id_):
                task = self._book.task(id_)
                entries.append(task.model_copy(update={"record": task.record.model_copy(update={"run": record.run})}))
                entries.append(InstanceChanged(record=record))
        return entries

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._done)

    def _done(self, chore: asyncio.Task[None]) -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and (failure := chore.exception()) is not None:
            log.error("a chore of the package service failed", exc_info=failure)


def _typed(failure: Exception) -> OcsError:
    """What a caller is told; an error of no known kind would say nothing but a traceback."""
    if isinstance(failure, OcsError):
        return failure
    problem = f"the instance could not be started: {type(failure).__name__}: {failure}"
    return ClusterError(problem=problem, remedy="look at the cluster: ocs status; then start it again")


def _hold(record: InstanceRecord) -> str:
    """What the reservation is called: a restart may overlap with the end of the run before."""
    return f"{record.id}/{record.run}"
