"""What a store knows of its packages, and how that can change. Source: reference scramjet.md, section 8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, NonNegativeInt, PositiveInt

from ocs_ray.models.message import Message
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.models.package_names import Digest, PackageName, PackageVersion, Tag


class PackageRecord(Message):
    """One package of the store.

    Args:
        serial: counts the packages of this store in the order they came; pages are cut along it.
        size_bytes: of the archive as it was sent.
        unpacked_bytes: of its files.
        created_unix_s: when it came, in seconds since 1970.
    """

    digest: Digest
    manifest: PackageManifest
    size_bytes: NonNegativeInt
    unpacked_bytes: NonNegativeInt
    files: NonNegativeInt
    created_unix_s: float
    serial: NonNegativeInt = 0

    @property
    def name(self) -> PackageName:
        """From the manifest."""
        return self.manifest.name

    @property
    def version(self) -> PackageVersion:
        """From the manifest."""
        return self.manifest.version

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


class TagMove(Message):
    """A tag went from one package to another.

    Args:
        before: where it was; None when it is new.
        after: where it is; None when it was taken away.
        at_unix_s: when, in seconds since 1970.
    """

    name: PackageName
    tag: Tag
    before: Digest | None
    after: Digest | None
    at_unix_s: float


class PackageIndex(Message):
    """All packages in the order they came, and every move of a tag in the order it was made."""

    packages: tuple[PackageRecord, ...] = ()
    moves: tuple[TagMove, ...] = ()
    next_serial: PositiveInt = 1


class PackagePage(Message):
    """Part of a list.

    Args:
        after: hand this to the next call; None at the end of the list.
    """

    packages: tuple[PackageRecord, ...]
    after: NonNegativeInt | None


class AdmitPackage(Message):
    """Take a package in; ``latest`` moves to it. The index gives it its serial number."""

    kind: Literal["admit"] = "admit"
    record: PackageRecord


class MoveTag(Message):
    """Point a tag at a package.

    Args:
        to: name@version, name@tag, or a digest of a package of this name.
    """

    kind: Literal["move_tag"] = "move_tag"
    name: PackageName
    tag: Tag
    to: str
    at_unix_s: float


class RollBackTag(Message):
    """Point a tag where it was before its last move."""

    kind: Literal["roll_back_tag"] = "roll_back_tag"
    name: PackageName
    tag: Tag
    at_unix_s: float


class RemovePackage(Message):
    """Forget a package and the tags that point at it; ``latest`` goes to the newest one left."""

    kind: Literal["remove"] = "remove"
    digest: Digest
    at_unix_s: float


IndexChange: TypeAlias = Annotated[AdmitPackage | MoveTag | RollBackTag | RemovePackage, Field(discriminator="kind")]


class IndexChanged(Message):
    """The change was made, or had been made before.

    Args:
        record: the package it was about.
        existing: nothing changed: this package is in the store already.
    """

    index: PackageIndex
    record: PackageRecord
    existing: bool = False


class IndexRefused(Message):
    """The change cannot be made.

    Args:
        reason: ``unknown``: there is no such package or tag. ``taken``: other bytes have this name and version.
    """

    reason: Literal["unknown", "taken"]
    subject: str
    problem: str
    remedy: str


DecideIndex: TypeAlias = Callable[[PackageIndex, IndexChange], IndexChanged | IndexRefused]
"""The rules a store is given; ``ocs_ray.core.package_index.decide`` are the house's."""
