"""A folder of configuration files that keeps every version of each.

What lies in the folder under its path **is** the active version, so a file placed or edited by hand counts at once.
Versions are kept below ``.versions/<path>/``, each once, under its number and the hash of its content, and are never
rewritten. A file appears under its name only when all of it is written.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from ocs_ray.errors import BadInputError
from ocs_ray.models.config_messages import ConfigEntry, ConfigPath, ConfigVersion

VERSIONS: Final = ".versions"
LARGEST_BYTES: Final = 10 * 1024 * 1024
"""What is larger is data, not configuration."""
_KEPT: Final = re.compile(r"([0-9]{4,})-([0-9a-f]{64})")
_SHORT: Final = 16


class _Kept(NamedTuple):
    number: int
    digest: str
    file: Path

    @property
    def version(self) -> str:
        return self.digest[:_SHORT]


class VersionedFolder:
    """The configuration files below one folder. One process at a time writes to it.

    Args:
        root: the folder; made when something is put into it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    # -- looking -------------------------------------------------------------------------------------------------

    def get(self, path: ConfigPath, version: str | None = None) -> bytes | None:
        """The content of the active version, or of the one given; None when there is none.

        Raises:
            BadInputError: it cannot be read, is too large, or a kept version was tampered with.
        """
        active = self._active(path)
        if version is None or (active is not None and _version_of(active) == version):
            return active
        kept = next((kept for kept in self._kept(path) if kept.version == version), None)
        if kept is None:
            return None
        content = _read(kept.file, path)
        if _digest(content) != kept.digest:
            problem = f"the kept version {version} is not what was stored"
            raise BadInputError(where=str(kept.file), problem=problem, remedy="restore the file from a backup")
        return content

    def history(self, path: ConfigPath) -> tuple[ConfigVersion, ...]:
        """All versions, the oldest first; a content placed by hand and not kept yet is the newest."""
        active, kept = self._active(path), self._kept(path)
        in_use = None if active is None else _version_of(active)
        told = [_described(one.version, one.number, one.file, one.version == in_use) for one in kept]
        if in_use is not None and in_use not in {one.version for one in kept}:
            told.append(_described(in_use, _next_number(kept), self._file(path), True))
        return tuple(told)

    def list(self) -> tuple[ConfigEntry, ...]:
        """All files, those without an active version too."""
        found = {*self._placed(), *self._with_versions()}
        return tuple(self._entry(path) for path in sorted(found) if self._is_inside(path))

    # -- changing ------------------------------------------------------------------------------------------------

    def put(self, path: ConfigPath, content: bytes) -> ConfigVersion:
        """Keep a content as a version; the first one is active at once. A content that is kept already is that version.

        Raises:
            BadInputError: it is too large, or cannot be written there.
        """
        if len(content) > LARGEST_BYTES:
            raise _too_large(path, len(content))
        is_first = not self.history(path)
        self._keep_what_is_active(path)
        kept = self._keep(path, content)
        if is_first:
            _write(self._file(path), content, path)
        return next(one for one in self.history(path) if one.version == kept)

    def set_active(self, path: ConfigPath, version: str) -> None:
        """Make a version the active one.

        Raises:
            BadInputError: there is no such version; the text names those there are.
        """
        content = self.get(path, version)
        if content is None:
            known = ", ".join(one.version for one in self.history(path)) or "none"
            raise BadInputError(where=path, problem=f"it has no version {version}", remedy=f"it has: {known}")
        self._keep_what_is_active(path)
        _write(self._file(path), content, path)

    # -- files ---------------------------------------------------------------------------------------------------

    def _file(self, path: ConfigPath) -> Path:
        if not self._is_inside(path):
            problem = "it is a link that leads out of the configuration folder"
            raise BadInputError(where=path, problem=problem, remedy="put the file itself there")
        return self._root / path

    def _is_inside(self, path: ConfigPath) -> bool:
        return (self._root / path).resolve().is_relative_to(self._root.resolve())

    def _active(self, path: ConfigPath) -> bytes | None:
        file = self._file(path)
        try:
            return _read(file, path) if file.is_file() else None
        except OSError as failure:
            raise _refused(path, "read", failure) from None

    def _kept(self, path: ConfigPath) -> list[_Kept]:
        folder = self._root / VERSIONS / path
        files = folder.iterdir() if folder.is_dir() else ()
        named = ((file, _KEPT.fullmatch(file.name)) for file in files if file.is_file())
        return sorted(_Kept(int(match[1]), match[2], file) for file, match in named if match)

    def _keep_what_is_active(self, path: ConfigPath) -> None:
        if (active := self._active(path)) is not None:
            self._keep(path, active)

    def _keep(self, path: ConfigPath, content: bytes) -> str:
        kept, version = self._kept(path), _version_of(content)
        if version not in {one.version for one in kept}:
            name = f"{_next_number(kept):04}-{_digest(content)}"
            _write(self._root / VERSIONS / path / name, content, path, mode=0o444)
        return version

    def _placed(self) -> Iterator[ConfigPath]:
        return _paths(self._root, [file for file in _files(self._root) if file.is_file()])

    def _with_versions(self) -> Iterator[ConfigPath]:
        kept = self._root / VERSIONS
        return _paths(kept, [file.parent for file in _files(kept) if _KEPT.fullmatch(file.name)])

    def _entry(self, path: ConfigPath) -> ConfigEntry:
        versions = self.history(path)
        active = next((one.version for one in versions if one.active), None)
        return ConfigEntry(path=path, active=active, versions=len(versions))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names)


def _paths(root: Path, files: list[Path]) -> Iterator[ConfigPath]:
    for file in files:
        try:
            yield ConfigPath(file.relative_to(root).as_posix())
        except BadInputError:  # hidden, or a name nobody could ask for
            continue


def _read(file: Path, path: ConfigPath) -> bytes:
    try:
        if (size := file.stat().st_size) > LARGEST_BYTES:
            raise _too_large(path, size)
        return file.read_bytes()
    except OSError as failure:
        raise _refused(path, "read", failure) from None


def _write(file: Path, content: bytes, path: ConfigPath, mode: int = 0o644) -> None:
    """Write aside, make it last, then give it its name: no reader sees half of it, whatever happens."""
    aside = file.parent / f".{uuid4().hex}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            aside.chmod(mode)
            aside.replace(file)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as failure:
        raise _refused(path, "written", failure) from None


def _described(version: str, number: int, file: Path, active: bool) -> ConfigVersion:
    try:
        status = file.stat()
        size_bytes, stored_at = status.st_size, status.st_mtime
    except OSError:  # it went this moment
        size_bytes, stored_at = 0, time.time()
    return ConfigVersion(version=version, number=number, size_bytes=size_bytes, stored_at=stored_at, active=active)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _version_of(content: bytes) -> str:
    return _digest(content)[:_SHORT]


def _next_number(kept: list[_Kept]) -> int:
    return max((one.number for one in kept), default=0) + 1


def _too_large(path: ConfigPath, size_bytes: int) -> BadInputError:
    problem = f"{size_bytes} bytes are too much for a configuration file; {LARGEST_BYTES} are allowed"
    return BadInputError(where=path, problem=problem, remedy="keep data elsewhere, and its place in the configuration")


def _refused(path: ConfigPath, verb: str, failure: OSError) -> BadInputError:
    problem = f"it cannot be {verb}: {failure.strerror or failure}"
    return BadInputError(where=path, problem=problem, remedy="look at the configuration folder on the head's machine")
