"""The host of a machine: its instances' processes, files and channels. It survives nothing, and nothing depends on it:
the instances go on under their keepers, and the next host finds them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import shutil
import time
from pathlib import Path
from typing import Any, Final, TypeAlias

from ocs_ray.actors.hosted_run import HostedRun
from ocs_ray.actors.package_fetch import COPIES, fetch_package
from ocs_ray.core.package_index import decide as decide_index
from ocs_ray.errors import BadInputError, RefusedError, UnknownPackageError, UnreachableError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.instance_messages import (
    EndRun,
    ForgetRuns,
    GetHealth,
    GetRunsHere,
    InstanceChanged,
    InstanceList,
    InstanceTask,
    KillInstance,
    ReadChannel,
    SendEvent,
    SendInput,
    StopInstance,
    TaskStarted,
)
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.package_manifest import Backpressure
from ocs_ray.models.package_names import Digest
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.packages.instance_channels import expire_channels
from ocs_ray.packages.instance_runs import RunFolder, run_folders
from ocs_ray.packages.package_store import PackageStore
from ocs_ray.packages.warm_process import WarmProcess
from ocs_ray.scripting.port import Port

INSTANCES, STORE = "instances", "packages"
LEAST_FREE_BYTES: Final = 256 << 20
"""How much of the disk has to be free for one more instance, in bytes: what it writes is kept there."""
TELL_S: Final = 10.0
AGAIN_S: Final = 0.5
"""Pause before the package service is told once more when it did not answer, in seconds."""
RunKey: TypeAlias = tuple[str, int]
"""Id of an instance, and which run of it."""
log = logging.getLogger("ocs.instances")


class InstanceHostShell:
    """Runs instances on one machine.

    Args:
        machine: its host name.
        data: folder of packages and instances, on a local disk.
        port: the way to the package service.
    """

    def __init__(self, machine: str, data: Path, port: Port) -> None:
        self._machine, self._port = machine, port
        self._root = data / INSTANCES
        self._store_folder, self._copies = data / STORE, data / COPIES
        self._warm = WarmProcess()
        self._runs: dict[RunKey, HostedRun] = {}
        self._untold: dict[RunKey, InstanceRecord] = {}
        self._something, self._changed = asyncio.Event(), asyncio.Event()
        self._expired: set[RunKey] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Find what an earlier host left, and be warm for what comes."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._store = await asyncio.to_thread(
            PackageStore, self._store_folder, decide_index, check=lambda folder, manifest: None
        )
        for folder in await asyncio.to_thread(run_folders, self._root):
            await self._find(folder)
        self._tasks = [asyncio.create_task(work()) for work in (self._tell, self._expire)]
        await self._warm.warm_up()

    def close(self) -> None:
        """Let go of everything; the instances go on. For tests: at night the process just ends."""
        for task in self._tasks:
            task.cancel()
        for run in self._runs.values():
            run.close()
        self._warm.close()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.instance_messages``."""
        match message:
            case InstanceTask():
                return await self._begin(message)
            case ReadChannel(id=id_, run=run):
                return await self._run(id_, run).read(message)
            case StopInstance(id=id_):
                await self._run(id_).stop(message.timeout_s, message.can_keep_alive)
                return self._run(id_).record
            case KillInstance(id=id_):
                await self._run(id_).kill(message.remove_immediately)
                return self._run(id_).record
            case SendInput(id=id_):
                return await self._give(message)
            case SendEvent(id=id_):
                await self._run(id_).send_event(message.name, message.message)
                return Ok()
            case GetHealth(id=id_):
                return await self._run(id_).health()
            case GetRunsHere():
                return InstanceList(instances=tuple(run.record for run in self._runs.values()))
            case EndRun(id=id_, run=number):
                await self._end((str(id_), number))
                return Ok()
            case ForgetRuns(ids=ids):
                await self._forget(ids)
                return Ok()
            case GetStatus():
                return Ok()
            case _:
                raise TypeError(f"the host of instances does not understand {type(message).__name__}")

    async def _find(self, folder: RunFolder) -> None:
        try:
            state = folder.state()
            record = folder.task().record if state is None else state.record
        except (OSError, BadInputError) as failure:
            log.warning("what lies in %s is no run of an instance: %s", folder.path, failure)
            return
        record = record.model_copy(update={"machine": self._machine})
        run = self._keep(folder, record)
        if record.status.is_final:
            self._note(record)
        else:
            await run.adopt()

    def _keep(self, folder: RunFolder, record: InstanceRecord) -> HostedRun:
        run = self._runs[str(record.id), record.run] = HostedRun(folder, record, self._note)
        return run

    def _note(self, record: InstanceRecord) -> None:
        self._untold[str(record.id), record.run] = record
        self._something.set()
        if record.status.is_final:
            self._changed.set()

    def _run(self, id_: str, number: int = 0) -> HostedRun:
        mine = [run for (name, each), run in self._runs.items() if name == id_ and number in (0, each)]
        if not mine:
            raise BadInputError(f"instance {id_}", "nothing of it is on this machine", "see 'ocs inst list --all'")
        return max(mine, key=lambda run: run.record.run)

    async def _begin(self, task: InstanceTask) -> TaskStarted:
        key = str(task.record.id), task.record.run
        run = self._runs.get(key)
        if run is None:  # else the question came twice
            self._check_disk()
            folder = RunFolder(self._root / key[0] / str(key[1]))
            run = self._keep(folder, task.record.model_copy(update={"machine": self._machine}))
            try:
                package = await self._package(task.record.digest)
                folder.prepare(task)
                sock = await self._warm.keep(folder.path, package)
                await run.begin(sock, blocks=task.rules.backpressure is Backpressure.BLOCK)
            except BaseException:
                self._runs.pop(key, None)
                shutil.rmtree(folder.path, ignore_errors=True)
                raise
        await run.settled.wait()
        return TaskStarted(record=run.record, failure=run.failure)

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._root).free
        if free < LEAST_FREE_BYTES:
            text = f"{self._machine} has {free >> 20} MiB of disk free, an instance needs {LEAST_FREE_BYTES >> 20}"
            raise RefusedError("no disk", "start", f"{text}; make room on it: ocs inst gc")

    async def _package(self, digest: Digest) -> Path:
        with contextlib.suppress(UnknownPackageError):
            return await asyncio.to_thread(self._store.folder, digest)
        return await fetch_package(digest, self._copies, self._port)

    async def _give(self, message: SendInput) -> Ok:
        run = self._run(message.id)
        if message.to == "input" and message.content_type:
            reads = (await asyncio.to_thread(run.folder.task)).input
            if message.content_type.partition(";")[0].strip() != reads:
                problem = f"it reads {reads}, not {message.content_type}"
                raise BadInputError(f"input of instance {message.id}", problem, f"send it as {reads}")
        await run.give(message.to, base64.b64encode(message.data).decode(), message.end)
        return Ok()

    async def _end(self, key: RunKey) -> None:
        run = self._runs.get(key)
        if run is not None and not run.ended.is_set():
            with contextlib.suppress(RefusedError):  # it has ended meanwhile
                await run.kill(remove_immediately=False)

    async def _forget(self, ids: tuple[str, ...]) -> None:
        for key, run in list(self._runs.items()):
            if key[0] in ids:
                await self._end(key)  # given up while this machine was away, it may run on
                self._runs.pop(key, None)
                self._expired.discard(key)
                await asyncio.to_thread(shutil.rmtree, run.folder.path.parent, ignore_errors=True)

    async def _tell(self) -> None:
        """Tell the package service what changed, each run's last word, until it has heard it."""
        while True:
            await self._something.wait()
            self._something.clear()
            untold, self._untold = self._untold, {}
            for key, record in untold.items():
                try:
                    await self._port.ask(PACKAGE_SERVICE, InstanceChanged(record=record), TELL_S)
                except UnreachableError:
                    self._untold.setdefault(key, record)
                except Exception:  # the next news is told all the same; nobody would start this task again
                    log.exception("the package service does not want to know of %s", record.id)
            if self._untold:
                await asyncio.sleep(AGAIN_S)
                self._something.set()

    async def _expire(self) -> None:
        """Free the disk of what was kept for its time."""
        while True:
            due = self._due()
            now = time.time()
            for key, at in due.items():
                run = self._runs.get(key)  # it may be forgotten while another one expires
                if at <= now and run is not None:
                    await self._drop(key, run)
            self._changed.clear()
            later = [at for at in due.values() if at > now]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(later) - now if later else None)

    async def _drop(self, key: RunKey, run: HostedRun) -> None:
        try:
            await asyncio.to_thread(expire_channels, run.folder.path, key[0])
        except Exception:  # the others expire all the same; nobody would start this task again
            log.exception("what run %d of instance %s wrote could not be dropped", run.record.run, key[0])
        if key in self._runs:
            self._expired.add(key)

    def _due(self) -> dict[RunKey, float]:
        return {
            key: run.record.expires_unix_s
            for key, run in self._runs.items()
            if run.record.expires_unix_s is not None and key not in self._expired
        }
