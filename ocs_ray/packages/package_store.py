"""Packages by what is in them: one archive and one unpacked tree for each digest, and an index that says who is who.

The rules of the index are handed in (``ocs_ray.core.package_index.decide``); this room carries them out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ocs_ray.errors import PackageTakenError, UnknownPackageError
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.models.package_names import Digest, PackageName, Tag
from ocs_ray.models.package_records import (
    AdmitPackage,
    DecideIndex,
    IndexChange,
    IndexChanged,
    IndexRefused,
    MoveTag,
    PackageIndex,
    PackageRecord,
    RemovePackage,
    RollBackTag,
)
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Caps, Reason, refuse
from ocs_ray.packages.checked_archive import manifest_of, unpack_checked
from ocs_ray.packages.import_check import check_import
from ocs_ray.packages.store_files import StoreFiles, copy_hashed, seal_tree, sync_folder

CheckProgram = Callable[[Path, PackageManifest], None]
"""Told where a package lies unpacked, still writable by nobody else; raises PackageRefusedError to refuse it."""
SWEEP_GRACE_S: Final = 60.0


class SendProgress(NamedTuple):
    """How far a send is.

    Args:
        stage: ``receive``, ``unpack``, ``check``, ``keep``.
        done_bytes: received so far.
    """

    stage: str
    done_bytes: int


class Sent(NamedTuple):
    """What became of a send.

    Args:
        existing: these bytes were there already; nothing changed.
    """

    record: PackageRecord
    existing: bool


class PackageStore:
    """One store in one folder; any number of processes of a machine may use it at once.

    Args:
        root: its folder, made when it is not there.
        decide: the rules of the index.
        caps: how big a package may be.
        check: what a package's program has to pass; by default its main file is imported in a process of its own.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        root: Path,
        decide: DecideIndex,
        *,
        caps: Caps = HOUSE_CAPS,
        check: CheckProgram = check_import,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._files = StoreFiles(root)
        self._decide, self._caps, self._check, self._clock = decide, caps, check, clock

    def index(self) -> PackageIndex:
        """All that is in the store; ``ocs_ray.core.package_index`` answers questions about it."""
        return self._files.read_index()

    def send(self, source: BinaryIO, *, progress: Callable[[SendProgress], None] = lambda at: None) -> Sent:
        """Take a package in: check it, keep it, point ``latest`` at it. The same bytes again change nothing.

        Args:
            source: the archive's bytes, read to their end.
        Raises:
            PackageRefusedError: the archive or its program does not pass.
            PackageTakenError: other bytes have this name and version.
        """
        with self._files.fresh_folder() as fresh:
            archive = fresh / "archive.tar.gz"
            digest, size = copy_hashed(
                source, archive, self._caps.archive_bytes, lambda done: progress(SendProgress("receive", done))
            )
            kept = self._known(digest)
            if kept is not None:
                return Sent(kept, existing=True)
            progress(SendProgress("unpack", size))
            tree = fresh / "tree"
            extracted = unpack_checked(archive, tree, self._caps)
            manifest = manifest_of(tree)
            record = PackageRecord(
                digest=digest,
                manifest=manifest,
                size_bytes=size,
                unpacked_bytes=extracted.unpacked_bytes,
                files=len(extracted.paths),
                created_unix_s=self._clock(),
            )
            self._decided(self.index(), AdmitPackage(record=record))  # refuse before any of its code runs
            progress(SendProgress("check", size))
            self._check(tree, manifest)
            progress(SendProgress("keep", size))
            seal_tree(tree)
            return self._keep(record, archive, tree)

    def move_tag(self, name: str, tag: str, to: str) -> PackageRecord:
        """Point ``name@tag`` at the package of this name that ``to`` refers to.

        Raises:
            BadInputError: name or tag are none.
            UnknownPackageError: there is no such package.
        """
        change = MoveTag(name=PackageName(name), tag=Tag(tag), to=to, at_unix_s=self._clock())
        with self._files.locked():
            return self._apply(change).record

    def roll_back(self, name: str, tag: str) -> PackageRecord:
        """Point ``name@tag`` where it was before its last move.

        Raises:
            BadInputError: name or tag are none.
            UnknownPackageError: it never was elsewhere, or that package is gone.
        """
        change = RollBackTag(name=PackageName(name), tag=Tag(tag), at_unix_s=self._clock())
        with self._files.locked():
            return self._apply(change).record

    def delete(self, digest: Digest) -> PackageRecord:
        """Forget a package and remove its files. Whether an instance still needs it is for the caller to know.

        Raises:
            UnknownPackageError: it is not there.
        """
        with self._files.fresh_folder() as grave, self._files.locked():
            gone = self._apply(RemovePackage(digest=digest, at_unix_s=self._clock())).record
            self._files.retire(digest, grave)
        return gone

    def prune(self, digests: Iterable[Digest]) -> tuple[PackageRecord, ...]:
        """Delete several, one after the other; one that is gone meanwhile is passed over.

        Returns:
            those that were removed.
        """
        removed: list[PackageRecord] = []
        for digest in digests:
            try:
                removed.append(self.delete(digest))
            except UnknownPackageError:
                continue
        return tuple(removed)

    def folder(self, digest: Digest) -> Path:
        """Where a package lies unpacked, read-only; unpacked now when this machine has only the archive.

        Raises:
            UnknownPackageError: it is not in the store.
            PackageRefusedError: the archive on disk is not what it was when it was sent.
        """
        place = self._files.unpacked(digest)
        if self._known(digest) is None:
            raise UnknownPackageError(subject=digest, remedy="send it again")
        if not place.is_dir():
            with self._files.fresh_folder() as fresh:
                extracted = unpack_checked(self._files.blob(digest), fresh / "tree", self._caps)
                if extracted.digest != digest:
                    refuse(Reason.HEADER, digest, f"its archive became {extracted.digest} on the disk", "send it again")
                seal_tree(fresh / "tree")
                with self._files.locked():
                    self._place_tree(fresh / "tree", place)
        return place

    def archive(self, digest: Digest) -> Path:
        """Where a package's archive lies, to hand it to another machine.

        Raises:
            UnknownPackageError: it is not in the store.
        """
        if self._known(digest) is None:
            raise UnknownPackageError(subject=digest, remedy="send it again")
        return self._files.blob(digest)

    def sweep(self, grace_s: float = SWEEP_GRACE_S) -> int:
        """Remove what senders that died left behind; call it when a platform starts.

        Args:
            grace_s: what is younger stays, in seconds.
        Returns:
            how many sends that was.
        """
        with self._files.fresh_folder() as grave, self._files.locked():
            for digest in self._files.orphans([p.digest for p in self.index().packages]):
                self._files.retire(digest, grave)
        return self._files.sweep(grace_s, self._clock())

    def _known(self, digest: Digest) -> PackageRecord | None:
        return next((p for p in self.index().packages if p.digest == digest), None)

    def _keep(self, record: PackageRecord, archive: Path, tree: Path) -> Sent:
        with self._files.locked():
            index = self.index()
            changed = self._decided(index, AdmitPackage(record=record))
            if not changed.existing:
                blob, place = self._files.blob(record.digest), self._files.unpacked(record.digest)
                archive.replace(blob)
                self._place_tree(tree, place)
                sync_folder(blob.parent)
                self._files.write_index(changed.index)  # the last thing: before it nobody sees anything
            return Sent(changed.record, changed.existing)

    def _place_tree(self, tree: Path, place: Path) -> None:
        if not place.is_dir():  # of a sender that died just before it wrote the index
            tree.rename(place)
            place.chmod(0o555)
            sync_folder(place.parent)

    def _apply(self, change: IndexChange) -> IndexChanged:
        index = self.index()
        changed = self._decided(index, change)
        if changed.index is not index:
            self._files.write_index(changed.index)
        return changed

    def _decided(self, index: PackageIndex, change: IndexChange) -> IndexChanged:
        match self._decide(index, change):
            case IndexChanged() as changed:
                return changed
            case IndexRefused(reason="taken", subject=label) if isinstance(change, AdmitPackage):
                kept = next(p.digest for p in index.packages if p.label == label)
                raise PackageTakenError(label=label, kept=kept, offered=change.record.digest)
            case IndexRefused() as refused:
                raise UnknownPackageError(subject=refused.subject, remedy=refused.remedy)
