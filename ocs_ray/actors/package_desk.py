"""The package service's part that is about packages: sending, tags, history, archives for other machines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Final

from ocs_ray.actors.package_fetch import COPIES
from ocs_ray.core.package_index import decide, history, page, resolve, script_for, tags
from ocs_ray.errors import BadInputError, ClusterError, UnknownPackageError
from ocs_ray.models.package_messages import (
    ArchivePiece,
    FetchArchive,
    FinishSending,
    GetTagHistory,
    PackageSent,
    ResolvedScript,
    ResolveScript,
    RollBackPackage,
    SendChunk,
    SendingStage,
    TagHistory,
    TagPackage,
)
from ocs_ray.models.package_names import Digest, Tag
from ocs_ray.models.package_records import IndexRefused, PackagePage, PackageRecord
from ocs_ray.packages.archive_rules import HOUSE_CAPS
from ocs_ray.packages.import_check import check_import
from ocs_ray.packages.package_store import CheckProgram, PackageStore, SendProgress

ABANDONED_S: Final = 600.0
"""A sending nobody goes on with is given up after this time, in seconds."""


class _Sending:
    def __init__(self, file: Path) -> None:
        self.file, self.size, self.stage = file, 0, "receive"
        self.touched = time.monotonic()
        self.finishing: asyncio.Task[PackageSent] | None = None


class PackageDesk:
    """Looks after one store.

    Args:
        folder: of the store.
        check: what a package's program has to pass.
        node: id of the node it is on.
    """

    def __init__(self, folder: Path, check: CheckProgram = check_import, node: str = "") -> None:
        self._folder, self._check, self._node = folder, check, node
        self._sendings: dict[str, _Sending] = {}

    def open(self) -> None:
        """Open the store and remove what senders that died left."""
        self.store = PackageStore(self._folder, decide, check=self._check)
        self.store.sweep()
        self._incoming = self._folder / "received"
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True)

    def find(self, ref: str) -> PackageRecord:
        """The package somebody means.

        Raises:
            UnknownPackageError: there is none.
        """
        return _found(resolve(self.store.index(), ref))

    def tags_of(self, record: PackageRecord) -> tuple[Tag, ...]:
        """The tags that point at a package."""
        return tuple(sorted(tag for tag, at in tags(self.store.index(), record.name).items() if at == record.digest))

    def page(self, name: str, after: int, limit: int) -> PackagePage:
        """Part of the list."""
        return page(self.store.index(), name=name, after=after, limit=limit)

    def receive(self, chunk: SendChunk) -> SendingStage:
        """Take a piece of an archive.

        Raises:
            BadInputError: a piece before it is missing, or there are too many.
            ClusterError: the disk is full.
        """
        self._give_up_abandoned()
        id_ = str(chunk.sending)
        sending = self._sendings.get(id_)
        if sending is None:
            sending = self._sendings[id_] = _Sending(self._incoming / f"{len(self._sendings)}-{time.time_ns()}")
        if chunk.offset > sending.size:
            problem = f"the piece at {chunk.offset} came, {sending.size} bytes are there"
            raise BadInputError("", problem, "send the package again")
        if chunk.offset + len(chunk.data) > HOUSE_CAPS.archive_bytes:
            raise BadInputError("", f"the archive has more than {HOUSE_CAPS.archive_bytes} bytes", "make it smaller")
        if chunk.offset == sending.size:
            try:
                with sending.file.open("ab") as file:
                    file.write(chunk.data)
            except OSError as failure:
                with contextlib.suppress(OSError):
                    os.truncate(sending.file, sending.size)  # the same piece may come again
                raise _no_room(failure) from None
            sending.size += len(chunk.data)
        sending.touched = time.monotonic()
        return SendingStage(stage=sending.stage, done_bytes=sending.size)

    def stage(self, id_: str) -> SendingStage:
        """How far a sending is."""
        sending = self._sendings.get(id_)
        return SendingStage(stage=sending.stage if sending else "unknown", done_bytes=sending.size if sending else 0)

    async def finish(self, message: FinishSending) -> PackageSent:
        """Take the package in; a repeat waits for the first answer.

        Raises:
            PackageRefusedError: it does not pass.
            PackageTakenError: other bytes have this name and version.
            ClusterError: the disk is full.
        """
        sending = self._sendings.get(str(message.sending))
        if sending is None or sending.size != message.size_bytes:
            there = 0 if sending is None else sending.size
            problem = f"{there} of {message.size_bytes} bytes are there"
            raise BadInputError("", problem, "the package service was started anew meanwhile: send it again")
        if sending.finishing is None:
            sending.finishing = asyncio.create_task(asyncio.to_thread(self._take_in, sending))
        return await asyncio.shield(sending.finishing)

    def move_tag(self, message: TagPackage) -> PackageRecord:
        """Point a tag at a package; see ``PackageStore.move_tag``."""
        return self.store.move_tag(message.name, message.tag, message.to)

    def roll_back(self, message: RollBackPackage) -> PackageRecord:
        """Point a tag where it was before; see ``PackageStore.roll_back``."""
        return self.store.roll_back(message.name, message.tag)

    def history(self, message: GetTagHistory) -> TagHistory:
        """Every move of a tag."""
        return TagHistory(moves=history(self.store.index(), message.name, message.tag))

    def piece(self, message: FetchArchive) -> ArchivePiece:
        """Part of an archive."""
        with self.store.archive(message.digest).open("rb") as file:
            file.seek(message.offset)
            return ArchivePiece(data=file.read(message.most_bytes))

    def script(self, message: ResolveScript) -> ResolvedScript:
        """The package a sequencer loads, unpacked here.

        Raises:
            UnknownPackageError: there is none.
            BadInputError: the one that is named is no script of this sequencer.
        """
        index = self.store.index()
        if message.ref:
            record = _found(resolve(index, message.ref))
            meant = record.manifest.observatory.sequencer_prefix
            if meant not in (None, message.prefix):
                problem = f"{record.label} is the script of {meant}, not of {message.prefix}"
                raise BadInputError("", problem, "correct the sequencer's package in mode.yaml")
        else:
            record = _found(script_for(index, message.prefix, message.tag))
        root = self.store.folder(record.digest)
        file = root / record.manifest.main
        return ResolvedScript(
            digest=record.digest,
            label=record.label,
            file=str(file),
            root=str(root),
            node=self._node,
            copies=str(self._folder.parent / COPIES),
        )

    def folder(self, digest: Digest) -> Path:
        """Where a package lies unpacked."""
        return self.store.folder(digest)

    def _take_in(self, sending: _Sending) -> PackageSent:
        def at(progress: SendProgress) -> None:
            sending.stage = progress.stage

        try:
            with sending.file.open("rb") as source:
                sent = self.store.send(source, progress=at)
        except OSError as failure:
            raise _no_room(failure) from None
        finally:
            sending.file.unlink(missing_ok=True)
        return PackageSent(record=sent.record, existing=sent.existing)

    def _give_up_abandoned(self) -> None:
        too_old = time.monotonic() - ABANDONED_S
        for id_, sending in list(self._sendings.items()):
            if sending.touched < too_old:
                del self._sendings[id_]
                sending.file.unlink(missing_ok=True)


def _no_room(failure: OSError) -> ClusterError:
    problem = f"the package service cannot keep the package: {failure.strerror or failure}"
    return ClusterError(
        problem=problem, remedy="make room on its disk: ocs inst gc, ocs seq prune; nothing was changed"
    )


def _found(answer: PackageRecord | IndexRefused) -> PackageRecord:
    if isinstance(answer, IndexRefused):
        raise UnknownPackageError(subject=answer.subject, remedy=answer.remedy)
    return answer
