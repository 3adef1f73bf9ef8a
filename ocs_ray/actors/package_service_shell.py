"""The package service: packages, their instances, and the rule between the two."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ocs_ray.actors.instance_desk import InstanceDesk
from ocs_ray.actors.instance_host_shell import STORE
from ocs_ray.actors.instance_room import InstanceRoom
from ocs_ray.actors.package_desk import PackageDesk
from ocs_ray.core.instance_limits import PlatformLimits
from ocs_ray.core.package_index import prunable
from ocs_ray.core.scripts_in_use import ScriptsInUse, scripts_in_use
from ocs_ray.errors import LostReplyError, OcsError, RefusedError, UnreachableError
from ocs_ray.models.component_messages import GetComponentStatus, SequenceComponentStatus
from ocs_ray.models.instance_messages import (
    CollectInstances,
    EndInstances,
    GetInstance,
    GetRuns,
    InstanceChanged,
    InstanceList,
    KillInstance,
    ListInstances,
    RestartInstance,
    StartInstance,
    StopInstance,
    WaitInstance,
)
from ocs_ray.models.package_messages import (
    DeletePackage,
    FetchArchive,
    FinishSending,
    GetPackage,
    GetSending,
    GetTagHistory,
    ListPackages,
    PackageInfo,
    PackageList,
    PackagesDeleted,
    PrunePackages,
    ResolveScript,
    RollBackPackage,
    SendChunk,
    TagPackage,
)
from ocs_ray.models.package_records import PackageRecord
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.packages.import_check import check_import
from ocs_ray.packages.package_store import CheckProgram
from ocs_ray.scripting.port import Port

JOURNAL: Final = "instances.jsonl"
COMPONENT: Final = f"-{ComponentType.SequenceComponent}"
COMPONENT_S: Final = 3.0
"""Longest wait for a sequence component to say which package it has loaded, in seconds."""
NO_LIMITS: Final = PlatformLimits()


class PackageServiceShell:
    """Keeps packages and starts their instances.

    Args:
        data: its folder, on a local disk; it outlives the cluster.
        room: where instances run.
        port: the way to the hosts of machines.
        limits: of instances that are alive.
        check: what a package's program has to pass when it is sent.
        node: id of the node it is on.
    """

    def __init__(
        self,
        data: Path,
        room: InstanceRoom,
        port: Port,
        limits: PlatformLimits = NO_LIMITS,
        check: CheckProgram = check_import,
        node: str = "",
    ) -> None:
        self._data, self._room, self._port = data, room, port
        self._packages = PackageDesk(data / STORE, check, node)
        self._instances = InstanceDesk(data / JOURNAL, room, port, limits)
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the store and look what became of the instances."""
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(self._packages.open)
        await self._instances.open()

    @property
    def instances(self) -> InstanceDesk:
        """The part that is about instances."""
        return self._instances

    def close(self) -> None:
        """For tests: at night the process just ends."""
        self._instances.close()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.package_messages`` and ``models.instance_messages``."""
        match message:
            case StartInstance(ref=ref):
                return await self._instances.start(message, self._packages.find(ref))
            case InstanceChanged():
                self._instances.changed(message)
                return Ok()
            case GetInstance(id=id_):
                return await self._instances.get(id_)
            case GetRuns(id=id_):
                book = self._instances.book
                return InstanceList(instances=book.runs(book.get(id_).id))
            case ListInstances():
                return self._instances.page(message, self._digests(message.ref))
            case StopInstance():
                return await self._instances.stop(message)
            case KillInstance():
                return await self._instances.kill(message)
            case RestartInstance():
                digest = self._instances.book.get(message.id).digest
                return await self._instances.restart(message, self._packages.find(digest))
            case WaitInstance():
                return await self._instances.wait(message)
            case EndInstances(deadline_s=deadline_s):
                alive = self._instances.book.alive()
                await self._instances.end_all(alive, deadline_s)
                return InstanceList(instances=tuple(self._instances.book.get(each.id) for each in alive))
            case CollectInstances():
                return await self._instances.collect(message)
            case GetStatus():
                return Ok()
            case _:
                return await self._ask_about_packages(message)

    async def _ask_about_packages(self, message: object) -> Any:
        packages = self._packages
        match message:
            case SendChunk():
                self._warm()
                return await asyncio.to_thread(packages.receive, message)
            case FinishSending():
                return await packages.finish(message)
            case GetSending(sending=id_):
                return packages.stage(str(id_))
            case GetPackage(ref=ref):
                record = packages.find(ref)
                return self._info(record, (await self._scripts()).sequencers.get(record.digest, ()))
            case ListPackages(name=name, after=after, limit=limit):
                page = packages.page(name, after, limit)
                return PackageList(packages=tuple(map(self._info, page.packages)), after=page.after)
            case TagPackage():
                return self._info(await asyncio.to_thread(packages.move_tag, message))
            case RollBackPackage():
                return self._info(await asyncio.to_thread(packages.roll_back, message))
            case GetTagHistory():
                return packages.history(message)
            case FetchArchive():
                return await asyncio.to_thread(packages.piece, message)
            case ResolveScript():
                return await asyncio.to_thread(packages.script, message)
            case DeletePackage():
                return await self._delete(message)
            case PrunePackages():
                return await self._prune(message)
            case _:
                raise TypeError(f"the package service does not understand {type(message).__name__}")

    async def _delete(self, message: DeletePackage) -> PackagesDeleted:
        record = self._packages.find(message.ref)
        scripts = await self._scripts()
        if loaded := scripts.sequencers.get(record.digest):
            text = f"{record.label} is the script of {', '.join(loaded)} (shut its observing mode down first)"
            raise RefusedError("in use", "delete", text)
        if scripts.unsure:
            text = f"{', '.join(scripts.unsure)} may run the script of {record.label} and does not say what it runs"
            raise RefusedError("in use", "delete", f"{text} (see ocs status, then delete it again)")
        if (alive := self._instances.book.alive(record.digest)) and not message.force:
            ids = ", ".join(str(each.id) for each in alive[:3])
            text = f"{record.label} has {len(alive)} instances that are alive: {ids} (end them first, or use force)"
            raise RefusedError("in use", "delete", text)
        with self._closed_to_starts(record):
            await self._instances.end_all(alive, message.deadline_s)
            gone = await asyncio.to_thread(self._packages.store.delete, record.digest)
        return PackagesDeleted(deleted=(gone,))

    async def _prune(self, message: PrunePackages) -> PackagesDeleted:
        store = self._packages.store
        if message.force and not (await self._scripts()).unsure:  # else nothing would be deleted, so nothing is ended
            with self._closed_to_starts(*store.index().packages):
                await self._instances.end_all(self._instances.book.alive(), message.deadline_s)
        scripts = await self._scripts()
        used = {record.digest for record in self._instances.book.alive()} | set(scripts.sequencers)
        if scripts.unsure:  # any package may be what they run
            used = {record.digest for record in store.index().packages}
        idle = prunable(store.index(), used)
        with self._closed_to_starts(*idle):
            deleted = await asyncio.to_thread(store.prune, [record.digest for record in idle])
        kept = [record for record in store.index().packages if record.digest in used]
        left = tuple(self._info(record, scripts.sequencers.get(record.digest, ())) for record in kept)
        return PackagesDeleted(deleted=deleted, in_use=left, unsure=scripts.unsure)

    @contextmanager
    def _closed_to_starts(self, *packages: PackageRecord) -> Iterator[None]:
        """Nothing of these packages starts meanwhile; the question and the deletion have awaits between them."""
        closed = {record.digest for record in packages} - self._instances.going
        self._instances.going |= closed
        try:
            yield
        finally:
            self._instances.going -= closed

    def _info(self, record: PackageRecord, sequencers: tuple[Prefix, ...] = ()) -> PackageInfo:
        alive = tuple(each.id for each in self._instances.book.alive(record.digest))
        tags = self._packages.tags_of(record)
        return PackageInfo(record=record, tags=tags, instances=alive, sequencers=sequencers)

    async def _scripts(self) -> ScriptsInUse:
        """What sequencers run; a component that does not answer is only left out when it is gone."""

        async def status(name: str) -> SequenceComponentStatus | None:
            try:
                return await self._port.ask(name, GetComponentStatus(), COMPONENT_S)
            except OcsError as failure:
                if isinstance(failure, UnreachableError) and not isinstance(failure, LostReplyError):
                    gone.add(name)
                return None

        gone: set[str] = set()
        components = [name for name in self._port.names() if name.endswith(COMPONENT)]
        told = dict(zip(components, await asyncio.gather(*map(status, components)), strict=True))
        there = set(self._port.names()) - gone  # a silent one may have gone with its node meanwhile
        return scripts_in_use({name: said for name, said in told.items() if name in there or said is not None})

    def _digests(self, ref: str) -> list[Any] | None:
        return [self._packages.find(ref).digest] if ref else None

    def _warm(self) -> None:
        """Somebody sends a package, so somebody will start it: the hosts get ready meanwhile."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm_hosts())

    async def _warm_hosts(self) -> None:
        for machine in self._room.machines():
            try:
                await self._room.host(machine)
            except OcsError:
                self._warming = None  # whoever starts an instance there is told
