"""Packages of another machine's store: copies by digest, of which nothing else is known here.

They are no store: name, version and tags are the package service's to tell, and it may give a version other bytes once
the old ones were deleted.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ocs_ray.errors import PackageRefusedError
from ocs_ray.models.package_names import Digest
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Reason
from ocs_ray.packages.checked_archive import unpack_checked
from ocs_ray.packages.store_files import StoreFiles, copy_hashed, seal_tree, sync_folder


class PackageCopies:
    """Copies in one folder; any number of processes of a machine may use it at once.

    Args:
        root: its folder, made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self._files = StoreFiles(root)

    def folder(self, digest: Digest) -> Path | None:
        """Where a package lies unpacked, read-only; None when there is no copy."""
        place = self._files.unpacked(digest)
        return place if place.is_dir() else None

    def keep(self, archive: BinaryIO, digest: Digest) -> Path:
        """Unpack an archive that came from the package service.

        Args:
            digest: what was asked for; the bytes have to have it.
        Raises:
            PackageRefusedError: these are other bytes, or the archive breaks a rule; nothing of it is kept.
        """
        with self._files.fresh_folder() as fresh:
            came, _ = copy_hashed(archive, fresh / "archive.tar.gz", HOUSE_CAPS.archive_bytes)
            if came != digest:
                problem = f"{digest} was asked for and {came} came"
                remedy = "try again; if it stays so, the package service's disk is damaged: send the package again"
                raise PackageRefusedError(where="", problem=problem, remedy=remedy, reason=Reason.HEADER.value)
            unpack_checked(fresh / "archive.tar.gz", fresh / "tree")
            seal_tree(fresh / "tree")
            place = self._files.unpacked(digest)
            with self._files.locked():
                if not place.is_dir():  # another process may have been quicker
                    (fresh / "tree").rename(place)
                    place.chmod(0o555)
                    sync_folder(place.parent)
        return place

    def digests(self) -> tuple[Digest, ...]:
        """What there are copies of."""
        return tuple(sorted(self._files.orphans(())))

    def remove(self, digest: Digest) -> None:
        """Remove a copy; whether somebody still needs it is for the caller to know."""
        with self._files.fresh_folder() as grave, self._files.locked():
            self._files.retire(digest, grave)

    def sweep(self, grace_s: float, now_unix_s: float) -> None:
        """Remove what processes that died left half-written; see ``StoreFiles.sweep``."""
        self._files.sweep(grace_s, now_unix_s)
