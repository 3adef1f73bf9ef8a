"""What can be asked of the packages of a platform: pack, send, tag, start."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ocs_ray.client.instance import Instance
from ocs_ray.errors import BadInputError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import CollectInstances, InstanceList, ListInstances, StartInstance
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.message import Message
from ocs_ray.models.new_id import new_id
from ocs_ray.models.package_messages import (
    CHUNK_BYTES,
    DeletePackage,
    FinishSending,
    GetPackage,
    GetSending,
    GetTagHistory,
    ListPackages,
    PackageInfo,
    PackageList,
    PackagesDeleted,
    PackageSent,
    PrunePackages,
    RollBackPackage,
    SendChunk,
    SendingStage,
    TagHistory,
    TagPackage,
)
from ocs_ray.models.package_names import LATEST, PackageName, Tag
from ocs_ray.packages.pack import Packed, PackProgress, pack
from ocs_ray.scripting.port import Port, current_port

READ_S: Final = 10.0
TAKE_IN_S: Final = 180.0
"""Longest wait for a package to be checked and kept, in seconds."""
START_S: Final = 150.0
LOOK_S: Final = 0.1
Progress = Callable[[str, int, int], None]
"""Told the stage, and how many bytes of how many were sent."""


class PackageCalls:
    """The packages of the platform, and their instances.

    Args:
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    @staticmethod
    def pack(
        folder: Path | str,
        out: Path | str | None = None,
        progress: Callable[[PackProgress], None] = lambda at: None,
    ) -> Packed:
        """Make a package of a source folder; needs no cluster. See ``ocs_ray.packages.pack``."""
        return pack(Path(folder), None if out is None else Path(out), progress=progress)

    async def send(
        self, source: Path | str | bytes, progress: Progress = lambda stage, done, total: None
    ) -> PackageSent:
        """Send a package.

        Args:
            source: its file, or its bytes.
        Raises:
            BadInputError: the file cannot be read.
            PackageRefusedError: it does not pass; the text has file and line.
            PackageTakenError: other bytes have this name and version.
        """
        data = source if isinstance(source, bytes) else await asyncio.to_thread(_content, Path(source))
        sending, total = Id(new_id()), len(data)
        stream = io.BytesIO(data)
        for offset in range(0, total, CHUNK_BYTES) or (0,):
            await self._ask(SendChunk(sending=sending, offset=offset, data=stream.read(CHUNK_BYTES)), READ_S)
            progress("receive", min(offset + CHUNK_BYTES, total), total)
        return await self._finish(sending, total, progress)

    async def send_stream(self, pieces: AsyncIterable[bytes]) -> PackageSent:
        """Send a package whose bytes come one after the other; never more than a piece and a chunk of them is here.

        Raises:
            PackageRefusedError: it does not pass; the text has file and line.
            PackageTakenError: other bytes have this name and version.
        """
        sending, offset, waiting = Id(new_id()), 0, bytearray()
        async for piece in pieces:
            waiting += piece
            while len(waiting) >= CHUNK_BYTES:
                await self._ask(SendChunk(sending=sending, offset=offset, data=bytes(waiting[:CHUNK_BYTES])), READ_S)
                del waiting[:CHUNK_BYTES]
                offset += CHUNK_BYTES
        await self._ask(SendChunk(sending=sending, offset=offset, data=bytes(waiting)), READ_S)
        return await self._finish(sending, offset + len(waiting), lambda stage, done, total: None)

    async def _finish(self, sending: Id, total: int, progress: Progress) -> PackageSent:
        finishing = asyncio.ensure_future(self._ask(FinishSending(sending=sending, size_bytes=total), TAKE_IN_S))
        try:
            while not (await asyncio.wait([finishing], timeout=LOOK_S))[0]:
                stage: SendingStage = await self._ask(GetSending(sending=sending), READ_S)
                progress(stage.stage, total, total)
            return await finishing
        finally:
            finishing.cancel()

    async def list(self, name: str = "") -> tuple[PackageInfo, ...]:
        """All packages, or those of one name, in the order they came."""
        found: list[PackageInfo] = []
        after: int | None = 0
        while after is not None:
            page = await self.page(name, after=after)
            found += page.packages
            after = page.after
        return tuple(found)

    async def page(self, name: str = "", *, after: int = 0, limit: int = 100) -> PackageList:
        """Part of the same list, from behind ``after`` on; its own ``after`` is where the next part begins."""
        return await self._ask(ListPackages(name=name, after=after, limit=limit), READ_S)

    async def info(self, ref: str) -> PackageInfo:
        """One package.

        Raises:
            UnknownPackageError: there is none.
        """
        return await self._ask(GetPackage(ref=ref), READ_S)

    async def tag(self, name: str, tag: str, to: str) -> PackageInfo:
        """Point ``name@tag`` at the package of this name that ``to`` refers to."""
        return await self._ask(TagPackage(name=PackageName(name), tag=Tag(tag), to=to), READ_S)

    async def rollback(self, name: str, tag: str = LATEST) -> PackageInfo:
        """Point ``name@tag`` where it was before its last move."""
        return await self._ask(RollBackPackage(name=PackageName(name), tag=Tag(tag)), READ_S)

    async def history(self, name: str, tag: str = LATEST) -> TagHistory:
        """Every move of a tag."""
        return await self._ask(GetTagHistory(name=PackageName(name), tag=Tag(tag)), READ_S)

    async def delete(self, ref: str, *, force: bool = False, deadline_s: float = 7.0) -> PackagesDeleted:
        """Forget a package; what its instances wrote stays for its time.

        Args:
            force: end its instances first.
            deadline_s: how long they may take to stop before they are killed, in seconds.
        Raises:
            RefusedError: it has instances that are alive, a sequencer runs it, or a sequence component does not say.
        """
        message = DeletePackage(ref=ref, force=force, deadline_s=deadline_s)
        return await self._ask(message, deadline_s + START_S)

    async def prune(self, *, force: bool = False, deadline_s: float = 7.0) -> PackagesDeleted:
        """Forget all packages no instance and no sequencer uses; with ``force`` those of instances too."""
        return await self._ask(PrunePackages(force=force, deadline_s=deadline_s), deadline_s + START_S)

    async def start(
        self,
        ref: str,
        args: Iterable[Any] | None = None,
        named: Mapping[str, Any] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Instance:
        """Start an instance; it runs when this returns.

        Args:
            args: in order; None takes those of package.json.
            named: by name.
            config: what the program finds as ``ctx.config``.
            id: to be used instead of one that is made up.
        Raises:
            BadInputError: the arguments do not fit, or the program cannot be imported.
            RefusedError: a limit is reached, or no machine has room.
        """
        message = StartInstance(
            request=Id(new_id()),
            ref=ref,
            args=None if args is None else tuple(args),
            named=dict(named or {}),
            config=dict(config or {}),
            id=None if id is None else Id(id),
        )
        record: InstanceRecord = await self._ask(message, START_S)
        return Instance(record.id, self._port)

    async def instances(self, ref: str = "", *, all: bool = False) -> tuple[InstanceRecord, ...]:
        """The instances, of one package or of all.

        Args:
            all: also those whose output has expired.
        """
        found: list[InstanceRecord] = []
        after: int | None = 0
        while after is not None:
            page = await self.page_of_instances(ref, all=all, after=after)
            found += page.instances
            after = page.after
        return tuple(found)

    async def page_of_instances(
        self, ref: str = "", *, all: bool = False, after: int = 0, limit: int = 100
    ) -> InstanceList:
        """Part of the same list, from behind ``after`` on; its own ``after`` is where the next part begins."""
        return await self._ask(ListInstances(ref=ref, all=all, after=after, limit=limit), READ_S)

    async def collect(self) -> tuple[InstanceRecord, ...]:
        """Forget the instances whose output has expired; those are answered."""
        gone: InstanceList = await self._ask(CollectInstances(), TAKE_IN_S)
        return gone.instances

    def _ask(self, message: Message, timeout_s: float) -> Awaitable[Any]:
        return (self._port or current_port()).ask(PACKAGE_SERVICE, message, timeout_s)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as failure:
        raise BadInputError(str(file), failure.strerror or str(failure), "name a file made by 'ocs seq pack'") from None
