"""From a source folder to a package: the same source gives the same bytes, whoever packs it, where and when.

As long as the build of zlib is the same; see ``plain_gzip``.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ocs_ray.errors import BadInputError
from ocs_ray.models.package_manifest import MANIFEST_FILE, PackageManifest, read_manifest
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Caps, KnownPaths, checked_path
from ocs_ray.packages.ignore_rules import IgnoreRules
from ocs_ray.packages.plain_gzip import PlainGzip
from ocs_ray.packages.syntax_check import check_syntax

_PIECE: Final = 1 << 16
_EXECUTABLE: Final = 0o100
_TAR_END: Final = 2 * tarfile.BLOCKSIZE


class PackProgress(NamedTuple):
    """How far packing is; both in bytes of the source files."""

    done_bytes: int
    total_bytes: int


class Packed(NamedTuple):
    """A package that was written.

    Args:
        digest: ``sha256:...`` of the file.
        paths: what is in it, sorted.
        size_bytes: of the file.
    """

    file: Path
    digest: str
    size_bytes: int
    paths: tuple[str, ...]
    manifest: PackageManifest


def read_source_manifest(folder: Path) -> PackageManifest:
    """The manifest of a source folder, whose main file is there.

    Raises:
        BadInputError: ``where`` is the file, with line or JSON path.
    """
    file = folder / MANIFEST_FILE
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        problem = f"there is no {MANIFEST_FILE}" if folder.is_dir() else "there is no such folder"
        remedy = f'write {{"name": "...", "version": "0.1.0", "main": "index.py"}} to {file}'
        raise BadInputError(str(file), problem, remedy if folder.is_dir() else "check the path") from None
    except NotADirectoryError:
        raise BadInputError(str(folder), "this is no folder", f"pack the folder it lies in: {folder.parent}") from None
    except OSError as failure:
        raise BadInputError(str(file), f"it cannot be read: {failure.strerror}", "check its rights") from None
    manifest = read_manifest(text, str(file))
    if not (folder / manifest.main).is_file():
        where = f"{file}: $.main"
        raise BadInputError(where, f"there is no file {manifest.main} in {folder}", "correct 'main', or add the file")
    return manifest


def default_output(folder: Path) -> Path:
    """Where a package goes when nobody says: ``DIR.tar.gz`` in the present folder. Source: transform-hub."""
    return Path(f"{folder.resolve().name}.tar.gz")


def pack(
    folder: Path,
    out: Path | None = None,
    *,
    progress: Callable[[PackProgress], None] = lambda at: None,
    caps: Caps = HOUSE_CAPS,
) -> Packed:
    """Write a package. Dependencies are not installed: put them into ``__pypackages__`` before.

    Args:
        folder: the source, with a package.json.
        out: the file to write; ``DIR.tar.gz`` in the present folder when it is None. It is whole or not there.
        progress: called after each file.
        caps: what a platform would take; more is refused here already.
    Raises:
        BadInputError: no package.json, one that cannot be used, no main file, a link or special file, a syntax error.
    """
    target = default_output(folder) if out is None else out
    manifest = read_source_manifest(folder)
    rules = IgnoreRules.of(folder, kept=(MANIFEST_FILE, manifest.main))
    skipped = {target.resolve()}
    files = {path: file for path, file in _files(folder, rules) if file.resolve() not in skipped}
    _check_paths(files, caps)
    check_syntax(folder, sorted(files), caps)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    except OSError as failure:
        problem = f"no file can be written here: {failure.strerror}"
        raise BadInputError(str(target), problem, "name another place with -o") from None
    fresh = Path(name)
    try:
        with open(handle, "wb") as sink:
            digest, size = _write(sink, files, progress, caps)
            os.fchmod(sink.fileno(), 0o644)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return Packed(target, digest, size, tuple(sorted(files)), manifest)


def _files(folder: Path, rules: IgnoreRules) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder):
        above = Path(parent).relative_to(folder).as_posix()
        lead = "" if above == "." else above + "/"
        folders[:] = sorted(name for name in folders if not rules.leaves_out_folder(lead + name))
        for name in [*folders, *sorted(names)]:
            path, file = lead + name, Path(parent, name)
            if file.is_symlink():
                if rules.leaves_out_file(path):
                    continue
                remedy = "put the file itself there, or name it in .seqignore"
                raise BadInputError(str(file), "it is a link, and a package holds files and folders only", remedy)
            if name in folders or rules.leaves_out_file(path):
                continue
            if not stat.S_ISREG(file.lstat().st_mode):
                problem = "it is neither a file nor a folder, and a package holds nothing else"
                raise BadInputError(str(file), problem, "remove it, or name it in .seqignore")
            yield path, file


def _check_paths(files: dict[str, Path], caps: Caps) -> None:
    known = KnownPaths(caps)
    for path in sorted(files):
        known.add(checked_path(path, caps), is_folder=False)


def _write(
    sink: BinaryIO, files: dict[str, Path], progress: Callable[[PackProgress], None], caps: Caps
) -> tuple[str, int]:
    stream = PlainGzip(sink, caps.archive_bytes)
    total = sum(file.stat().st_size for file in files.values())
    if total > caps.unpacked_bytes:
        problem = f"the files have {total} bytes, a package may have {caps.unpacked_bytes}"
        raise BadInputError("", problem, "leave out what the program does not need with .seqignore")
    done = 0
    for path in sorted(files, key=lambda path: path.encode()):
        with files[path].open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            executable = os.fstat(source.fileno()).st_mode & _EXECUTABLE
            stream.write(_header(path, size, 0o755 if executable else 0o644))
            left = size
            while left:
                piece = source.read(min(left, _PIECE))
                if not piece:
                    raise BadInputError(str(files[path]), "it became shorter while it was packed", "pack again")
                left -= len(piece)
                stream.write(piece)
        stream.write(bytes(-size % tarfile.BLOCKSIZE))
        done += size
        progress(PackProgress(done, total))
    stream.write(bytes(_TAR_END))
    digest, size = stream.close()
    if done - caps.ratio_free_bytes > size * caps.ratio:
        problem = f"the files shrink to less than a {caps.ratio}th, which a platform takes for an attack"
        raise BadInputError("", problem, "make such data in the program instead of packing them")
    return digest, size


def _header(path: str, size: int, mode: int) -> bytes:
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, mode, 0
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
