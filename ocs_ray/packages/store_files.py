"""The files of a store: what is written is whole or invisible, whatever happens to the writer meanwhile.

``index.json``        all that is visible; replaced in one step
``blobs/sha256/HEX``  archives as they were sent
``unpacked/HEX``      their files, read-only
``incoming/RANDOM``   what is being written; its owner holds a lock on it, and what nobody holds is swept away
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ocs_ray.models.package_names import Digest
from ocs_ray.models.package_records import PackageIndex
from ocs_ray.models.wire import decode_text
from ocs_ray.packages.archive_rules import Reason, refuse

_PIECE: Final = 1 << 20
_HELD: Final = "held"


class StoreFiles:
    """One store's folder; made when it is not there.

    Args:
        root: on a local disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index, self._lock, self._incoming = root / "index.json", root / "lock", root / "incoming"
        self._read: tuple[tuple[int, int, int], PackageIndex] = (0, 0, 0), PackageIndex()  # as it was last time
        for folder in (root / "blobs" / "sha256", root / "unpacked", self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: Digest) -> Path:
        """Where an archive lies."""
        return self.root / "blobs" / "sha256" / digest.hex

    def unpacked(self, digest: Digest) -> Path:
        """Where an archive's files lie."""
        return self.root / "unpacked" / digest.hex

    def read_index(self) -> PackageIndex:
        """The index as it was last written whole; empty for a new store."""
        try:
            with self._index.open("rb") as file:
                status = os.fstat(file.fileno())
                stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
                seen, index = self._read
                if stamp != seen:
                    index = decode_text(PackageIndex, file.read(), str(self._index))
                    self._read = stamp, index
        except FileNotFoundError:
            return PackageIndex()
        return index

    def write_index(self, index: PackageIndex) -> None:
        """Replace the index; call it with the store locked."""
        write_atomically(self._index, index.model_dump_json(by_alias=True).encode())

    @contextmanager
    def locked(self) -> Generator[None]:
        """One writer at a time, also among processes; the kernel lets go of the lock of one that dies."""
        with self._lock.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def fresh_folder(self) -> Generator[Path]:
        """A folder to write into that is gone afterwards, at the latest when the store is swept."""
        folder = Path(tempfile.mkdtemp(dir=self._incoming))
        try:
            with (folder / _HELD).open("wb") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                yield folder
        finally:
            remove_tree(folder)

    def sweep(self, grace_s: float, now_unix_s: float) -> int:
        """Remove what writers that died left behind.

        Args:
            grace_s: a folder younger than this may not be locked yet.
        Returns:
            how many were removed.
        """
        swept = 0
        for folder in list(self._incoming.iterdir()):
            try:
                if now_unix_s - folder.stat().st_mtime > grace_s and not _is_held(folder / _HELD):
                    remove_tree(folder)
                    swept += 1
            except FileNotFoundError:
                continue  # its owner was quicker
        return swept

    def retire(self, digest: Digest, grave: Path) -> None:
        """Take a package's files out of the store, into a fresh folder; call it with the store locked."""
        for place in (self.blob(digest), self.unpacked(digest)):
            if place.is_dir():
                place.chmod(0o755)  # a read-only folder cannot be moved
            if place.exists():
                place.rename(grave / f"{place.parent.name}-{digest.hex}")

    def orphans(self, known: Collection[Digest]) -> set[Digest]:
        """What a writer that died left in place without an index entry; call it with the store locked.

        Half-written copies of the index go at once: with the lock held nobody is writing one.
        """
        for stray in self.root.glob(f".{self._index.name}-*"):
            stray.unlink()
        places = (self.root / "blobs" / "sha256", self.root / "unpacked")
        found = {Digest(f"sha256:{each.name}") for place in places for each in place.iterdir() if each.name[0] != "."}
        return found.difference(known)


def copy_hashed(
    source: BinaryIO, target: Path, most_bytes: int, progress: Callable[[int], None] = lambda done_bytes: None
) -> tuple[Digest, int]:
    """Write a stream to a new file, to the disk itself.

    Args:
        most_bytes: how many there may be.
        progress: told the bytes written so far.
    Returns:
        digest and size, in bytes.
    Raises:
        PackageRefusedError: there are more.
    """
    found, size = hashlib.sha256(), 0
    with target.open("xb") as sink:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > most_bytes:
                refuse(
                    Reason.BYTES, "", f"the archive has more than {most_bytes} bytes", "leave out what is not needed"
                )
            found.update(piece)
            sink.write(piece)
            progress(size)
        sink.flush()
        os.fsync(sink.fileno())
        os.fchmod(sink.fileno(), 0o444)
    return Digest(f"sha256:{found.hexdigest()}"), size


def write_atomically(file: Path, content: bytes) -> None:
    """Replace a file in one step; after a crash it has the old content or the new."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with open(handle, "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's own entries to the disk, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal_tree(folder: Path) -> None:
    """Make everything below a folder read-only and bring it to the disk; its own mode stays, for it is to be moved."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            file = Path(parent, name)
            with file.open("rb") as source:
                os.fsync(source.fileno())
            file.chmod(stat.S_IMODE(file.stat().st_mode) & 0o555)
        if Path(parent) != folder:
            Path(parent).chmod(0o555)


def remove_tree(folder: Path) -> None:
    """Remove a folder, also one whose folders are read-only."""
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, 0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _is_held(file: Path) -> bool:
    try:
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
