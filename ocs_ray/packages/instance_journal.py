"""What happened to the instances of a platform, a line each, on disk: read when the package service comes back."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from ocs_ray.models.instance_messages import InstanceChanged, InstanceTask
from ocs_ray.packages.store_files import write_atomically

Entry: TypeAlias = Annotated[InstanceTask | InstanceChanged, Field(discriminator="kind")]
_ENTRY: TypeAdapter[InstanceTask | InstanceChanged] = TypeAdapter(Entry)
log = logging.getLogger("ocs.instances")


class InstanceJournal:
    """One file that grows; rewritten short when it is opened.

    Args:
        file: on a local disk; made when it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1
        self._torn = False

    def read(self) -> Iterator[InstanceTask | InstanceChanged]:
        """Everything that was written, in order; a last line that a crash cut off is passed over."""
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                yield _ENTRY.validate_json(line)
            except ValidationError as failure:
                log.warning("%s:%d is passed over: %s", self._file, number, failure.errors()[0]["msg"])

    def begin(self, entries: Iterable[InstanceTask | InstanceChanged]) -> None:
        """Write the file anew with these entries, and open it for more."""
        write_atomically(self._file, b"".join(map(_line, entries)))
        self.close()  # not before: with a full disk the old file goes on
        self._descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._torn = False

    def append(self, entry: InstanceTask | InstanceChanged) -> None:
        """Write one more; it survives the death of this process.

        Raises:
            OSError: the disk is full, or broken. What got there of the line harms no other.
        """
        left = memoryview((b"\n" if self._torn else b"") + _line(entry))
        self._torn = True
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _line(entry: InstanceTask | InstanceChanged) -> bytes:
    return entry.model_dump_json(by_alias=True).encode() + b"\n"
