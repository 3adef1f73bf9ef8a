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
    root = os.open(into, _FOLDER_FLAGS)
    try:
        for member in stream.members():
            steps = _checked(member, caps)
            if not steps:
                continue
            for folder in known.add(steps, is_folder=member.is_folder):
                _make_folder(root, folder)
            if not member.is_folder:
                unpacked_bytes += _write(root, steps, member, stream)
                paths.append("/".join(steps))
            progress(stream.read_bytes)
    finally:
        os.close(root)
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


def _make_folder(root: int, steps: tuple[str, ...]) -> None:
    parent = _open_folder(root, steps[:-1])
    try:
        os.mkdir(steps[-1], 0o755, dir_fd=parent)
    finally:
        os.close(parent)


def _write(root: int, steps: tuple[str, ...], member: Member, stream: TarStream) -> int:
    parent = _open_folder(root, steps[:-1])
    mode = 0o755 if member.mode & _EXECUTABLE else 0o644
    try:
        file = os.open(steps[-1], _FILE_FLAGS, mode, dir_fd=parent)
    finally:
        os.close(parent)
    with open(file, "wb", buffering=0) as sink:
        for piece in stream.content():
            written = sink.write(piece)
            while written < len(piece):  # a raw file may take less than it is given
                written += sink.write(piece[written:])
    return member.size


def _open_folder(root: int, steps: tuple[str, ...]) -> int:
    folder = os.dup(root)
    for step in steps:
        try:
            inner = os.open(step, _FOLDER_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder
