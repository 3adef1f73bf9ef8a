"""Where the tokens of a cluster lie: one file, readable by its user alone, never half written."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ocs_ray.core.token_book import MARK
from ocs_ray.errors import BadInputError, ClusterError
from ocs_ray.models.access import TokenBook
from ocs_ray.models.wire import decode_text

LOG: Final = logging.getLogger("ocs.gateway.access")
TOKEN_BYTES: Final = 32
OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def new_token() -> str:
    """A token nobody can guess: 256 random bits."""
    return MARK + secrets.token_urlsafe(TOKEN_BYTES)


class TokenFile:
    """The file.

    Args:
        path: it and its folder need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> TokenBook:
        """All tokens; none when there is no file.

        Raises:
            ClusterError: the file cannot be read, is damaged, or another user could have written it.
        """
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.getuid() or status.st_mode & OTHERS_MAY_WRITE:
                    raise ClusterError(
                        problem=f"{self.path} could have been written by another user, so none of its tokens counts",
                        remedy=f"look at it; then: chown and chmod 600 {self.path}",
                    )
                return decode_text(TokenBook, file.read(), str(self.path))
        except FileNotFoundError:
            return TokenBook()
        except BadInputError as damaged:
            raise ClusterError(
                problem=f"the tokens cannot be read: {damaged}", remedy=f"remove {self.path} and make new ones"
            ) from None
        except OSError as failure:
            raise ClusterError(
                problem=f"the tokens in {self.path} cannot be read: {failure.strerror}",
                remedy="look at its permissions",
            ) from None

    def change(self, edit: Callable[[TokenBook], TokenBook]) -> TokenBook:
        """Put what ``edit`` makes of the tokens in their place; two commands at once do it one after the other.

        Raises:
            ClusterError: the file cannot be read or written; it is as it was.
            BadInputError: what ``edit`` raises; the file is as it was.
        """
        with self._alone():
            book = edit(self.read())
            try:
                self._write(book)
            except OSError as failure:
                raise ClusterError(
                    problem=f"{self.path} cannot be written: {failure.strerror}", remedy="look at its folder"
                ) from None
            return book

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as failure:
            raise ClusterError(
                problem=f"{self.path.parent} cannot be used: {failure.strerror}", remedy="set XDG_DATA_HOME to another"
            ) from None
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, book: TokenBook) -> None:
        aside = self.path.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)  # one that was left behind may have been another's to read
            file.write(book.model_dump_json(indent=1))
            file.flush()
            os.fsync(descriptor)
        aside.replace(self.path)


class FreshTokens:
    """The tokens as the file has them now, for whoever asks often: it is read again only when it was replaced.

    Args:
        path: the file; empty for no tokens at all.
    """

    def __init__(self, path: str) -> None:
        self._file = TokenFile(Path(path)) if path else None
        self._seen: tuple[int, ...] | None = None
        self._book = TokenBook()

    def book(self) -> TokenBook:
        """All tokens; none, and a line in the log, while the file cannot be used."""
        if self._file is None:
            return self._book
        mark = self._mark(self._file.path)
        if mark != self._seen:
            self._seen, self._book = mark, TokenBook()
            try:
                self._book = self._file.read()
            except ClusterError as failure:
                LOG.error("no token is valid: %s", failure)
        return self._book

    @staticmethod
    def _mark(path: Path) -> tuple[int, ...]:
        try:
            status = path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode, status.st_uid
