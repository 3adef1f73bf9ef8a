"""From an archive to a folder of its own: regular files and folders, fixed modes, nothing else.

Every file is made relative to an open folder with ``O_EXCL`` and ``O_NOFOLLOW``: even a link that somebody slipped in
meanwhile is not followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ocs_ray.packages.archive_rules import Caps, KnownPaths, Reason, checked_path, refuse, shown_name
from ocs_ray.packages.tar_stream import Member, TarStream

_SET_UID: Final = 0o4000
_SET_GID: Final = 0o2000
_EXECUTABLE: Final = 0o111
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Extracted(NamedTuple):
    """What lies in the folder now.

    Args:
        digest: ``sha256:...`` of the archive, of the very bytes that were unpacked.
        paths: of the files, sorted.
        archive_bytes: size as sent.
        unpacked_bytes: of the files.
    """

    digest: str
    paths: tuple[str, ...]
    archive_bytes: int
    unpacked_bytes: int


def extract(
    source: BinaryIO, into: Path, caps: Caps, progress: Callable[[int], None] = lambda read_bytes: None
) -> Extracted:
    """Unpack an archive below a folder that exists and is empty.

    What was written before a refusal stays there: the caller throws the folder away.

    Args:
        progress: told the compressed bytes read so far, in bytes.
    Raises:
        PackageRefusedError: the archive breaks a rule; its ``reason`` says which.
    """
    stream, known = TarStream(source, caps), KnownPaths(caps)
    paths: list[str] = []
    unpacked_bytes = 0
    tree = _Tree(into)
    try:
        for member in stream.members():
            steps = _checked(member, caps)
            if not steps:
                continue
            for folder in known.add(steps, is_folder=member.is_folder):
                tree.make_folder(folder)
            if not member.is_folder:
                tree.write(steps, member, stream)
                unpacked_bytes += member.size
                paths.append("/".join(steps))
            progress(stream.read_bytes)
    finally:
        tree.close()
    return Extracted(stream.digest, tuple(sorted(paths)), stream.read_bytes, unpacked_bytes)


def _checked(member: Member, caps: Caps) -> tuple[str, ...]:
    where = shown_name(member.name)
    if member.mode & _SET_UID or (member.mode & _SET_GID and not member.is_folder):  # folders inherit the latter
        refuse(Reason.SET_UID, where, "it would run with the rights of another user", "chmod a-s before packing")
    if member.size > caps.unpacked_bytes:
        refuse(Reason.BYTES, where, f"it has {member.size} bytes, {caps.unpacked_bytes} are allowed")
    steps = checked_path(member.name, caps)
    if not steps and not member.is_folder:
        refuse(Reason.ODD_NAME, where, "a file has the name of the package's own folder")
    return steps


class _Tree:
    """The folders of one package below its root; the one that was opened last stays open, for its neighbours."""

    def __init__(self, root: Path) -> None:
        self._root = self._last = os.open(root, _FOLDER_FLAGS)
        self._steps: tuple[str, ...] = ()

    def make_folder(self, steps: tuple[str, ...]) -> None:
        os.mkdir(steps[-1], 0o755, dir_fd=self._folder(steps[:-1]))

    def write(self, steps: tuple[str, ...], member: Member, stream: TarStream) -> None:
        mode = 0o755 if member.mode & _EXECUTABLE else 0o644
        file = os.open(steps[-1], _FILE_FLAGS, mode, dir_fd=self._folder(steps[:-1]))
        with open(file, "wb", buffering=0) as sink:
            for piece in stream.content():
                written = sink.write(piece)
                while written < len(piece):  # a raw file may take less than it is given
                    written += sink.write(piece[written:])

    def close(self) -> None:
        self._forget()
        os.close(self._root)

    def _folder(self, steps: tuple[str, ...]) -> int:
        if steps != self._steps:
            self._forget()
            for step in steps:
                inner = os.open(step, _FOLDER_FLAGS, dir_fd=self._last)
                self._forget()
                self._last = inner
            self._steps = steps
        return self._last

    def _forget(self) -> None:
        if self._last != self._root:
            os.close(self._last)
        self._last, self._steps = self._root, ()
