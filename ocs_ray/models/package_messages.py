"""What the package service understands about packages. Their instances: ``instance_messages``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from ocs_ray.models.identifiers import Id
from ocs_ray.models.message import Message
from ocs_ray.models.package_names import LATEST, Digest, PackageName, Tag
from ocs_ray.models.package_records import PackageRecord, TagMove
from ocs_ray.models.prefix import Prefix

CHUNK_BYTES: Final = 1 << 20
"""How much of an archive goes in one message, in bytes."""


class SendChunk(Message):
    """A piece of an archive; pieces of one sending come in order. The same piece again changes nothing.

    Args:
        sending: whoever sends makes it up; the first piece begins it.
        offset: of the piece, in bytes.
    """

    kind: Literal["send_chunk"] = "send_chunk"
    sending: Id
    offset: NonNegativeInt
    data: bytes


class FinishSending(Message):
    """All pieces are there: take the package in. Answered with ``PackageSent``; again gives the first answer."""

    kind: Literal["finish_sending"] = "finish_sending"
    sending: Id
    size_bytes: NonNegativeInt


class GetSending(Message):
    """How far a sending is; answered with ``SendingStage``."""

    kind: Literal["get_sending"] = "get_sending"
    sending: Id


class SendingStage(Message):
    """How far a sending is.

    Args:
        stage: ``receive``, ``unpack``, ``check``, ``keep``; ``unknown`` for one nobody has begun.
    """

    kind: Literal["sending_stage"] = "sending_stage"
    stage: str
    done_bytes: NonNegativeInt


class PackageSent(Message):
    """The package is in the store.

    Args:
        existing: these bytes were there already; nothing changed.
    """

    kind: Literal["package_sent"] = "package_sent"
    record: PackageRecord
    existing: bool


class GetPackage(Message):
    """What is known of one package; answered with ``PackageInfo``.

    Args:
        ref: name, name@version, name@tag, or the beginning of a digest.
    """

    kind: Literal["get_package"] = "get_package"
    ref: str


class PackageInfo(Message):
    """One package with its tags, the ids of its instances that are alive, and the sequencers that run its script.

    Args:
        sequencers: told for one package and for those that stay when others are deleted, not in lists.
    """

    kind: Literal["package_info"] = "package_info"
    record: PackageRecord
    tags: tuple[Tag, ...]
    instances: tuple[Id, ...]
    sequencers: tuple[Prefix, ...] = ()


class ListPackages(Message):
    """A page of the packages; answered with ``PackageList``.

    Args:
        name: only packages of this name; empty for all.
        after: serial number the page begins behind.
    """

    kind: Literal["list_packages"] = "list_packages"
    name: str = ""
    after: NonNegativeInt = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class PackageList(Message):
    """A page of the packages, each with its tags and living instances.

    Args:
        after: hand this to the next question; None at the end of the list.
    """

    kind: Literal["package_list"] = "package_list"
    packages: tuple[PackageInfo, ...]
    after: NonNegativeInt | None


class TagPackage(Message):
    """Point ``name@tag`` at a package of this name; answered with its ``PackageInfo``."""

    kind: Literal["tag_package"] = "tag_package"
    name: PackageName
    tag: Tag
    to: str


class RollBackPackage(Message):
    """Point ``name@tag`` where it was before its last move; answered with that package's ``PackageInfo``."""

    kind: Literal["roll_back_package"] = "roll_back_package"
    name: PackageName
    tag: Tag = Tag(LATEST)


class GetTagHistory(Message):
    """Every move of one tag; answered with ``TagHistory``."""

    kind: Literal["get_tag_history"] = "get_tag_history"
    name: PackageName
    tag: Tag = Tag(LATEST)


class TagHistory(Message):
    """Moves of a tag, the first one first."""

    kind: Literal["tag_history"] = "tag_history"
    moves: tuple[TagMove, ...]


class DeletePackage(Message):
    """Forget a package; answered with ``PackagesDeleted``.

    Args:
        force: end its instances first; otherwise one that is alive refuses.
        deadline_s: how long they may take to stop before they are killed, in seconds.
    """

    kind: Literal["delete_package"] = "delete_package"
    ref: str
    force: bool = False
    deadline_s: NonNegativeFloat = 7.0


class PrunePackages(Message):
    """Forget all packages no instance and no sequencer uses; with ``force`` instances are ended first."""

    kind: Literal["prune_packages"] = "prune_packages"
    force: bool = False
    deadline_s: NonNegativeFloat = 7.0


class PackagesDeleted(Message):
    """What was forgotten, and what was left for its instances and sequencers.

    Args:
        in_use: what was left.
        unsure: sequence components that did not say what they run; while there is one, everything is left.
    """

    kind: Literal["packages_deleted"] = "packages_deleted"
    deleted: tuple[PackageRecord, ...]
    in_use: tuple[PackageInfo, ...] = ()
    unsure: tuple[str, ...] = ()


class FetchArchive(Message):
    """A piece of a package's archive, for another machine; answered with ``ArchivePiece``."""

    kind: Literal["fetch_archive"] = "fetch_archive"
    digest: Digest
    offset: NonNegativeInt = 0
    most_bytes: PositiveInt = CHUNK_BYTES


class ArchivePiece(Message):
    """Bytes of an archive; none behind its end."""

    kind: Literal["archive_piece"] = "archive_piece"
    data: bytes


class ResolveScript(Message):
    """Which package a sequencer loads; answered with ``ResolvedScript``.

    Args:
        prefix: of the sequencer.
        ref: the package, when the mode names one; otherwise the one written for the prefix.
        tag: without ``ref``, which tag of it.
    """

    kind: Literal["resolve_script"] = "resolve_script"
    prefix: Prefix
    ref: str = ""
    tag: Tag = Tag(LATEST)


class ResolvedScript(Message):
    """A package's script, as it lies on the machine that answered.

    Args:
        file: the main file.
        root: what it may import from.
        node: the node that answered; on another one the package has to be fetched.
        copies: where packages that were fetched lie, on every machine.
    """

    kind: Literal["resolved_script"] = "resolved_script"
    digest: Digest
    label: str
    file: str
    root: str
    node: str
    copies: str
