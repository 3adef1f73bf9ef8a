"""What a package says of itself, before it is sent anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.package_manifest import MANIFEST_FILE, PackageManifest, read_manifest
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Reason, checked_path, refuse
from ocs_ray.packages.tar_stream import TarStream

_MOST_BYTES: Final = 1 << 20


def peek_manifest(archive: Path) -> PackageManifest:
    """The manifest in an archive, of which nothing is unpacked.

    Raises:
        PackageRefusedError: the archive breaks a rule before its manifest, or has none.
        BadInputError: it cannot be read, or the manifest cannot be used.
    """
    try:
        with archive.open("rb") as source:
            stream = TarStream(source, HOUSE_CAPS)
            for member in stream.members():
                if not member.is_folder and checked_path(member.name, HOUSE_CAPS) == (MANIFEST_FILE,):
                    if member.size > _MOST_BYTES:
                        refuse(Reason.MANIFEST, MANIFEST_FILE, f"it has {member.size} bytes", "make it smaller")
                    return read_manifest(b"".join(stream.content()))
    except OSError as failure:
        raise BadInputError(str(archive), failure.strerror or str(failure), "") from None
    refuse(Reason.MANIFEST, "", f"the package has no {MANIFEST_FILE} at its root", f"add {MANIFEST_FILE}")
