"""Packages on the machine that needs them: read where the package service keeps them, or fetched by digest."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Final

from ocs_ray.errors import OcsError, UnknownPackageError, UnreachableError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.package_messages import ArchivePiece, FetchArchive
from ocs_ray.models.package_names import Digest
from ocs_ray.packages.package_copies import PackageCopies
from ocs_ray.packages.package_store import SWEEP_GRACE_S
from ocs_ray.scripting.port import Port

PIECE_S: Final = 30.0
"""Longest wait for a piece of an archive, in seconds."""
FETCH_S: Final = 40.0
"""Longest a script may take to arrive, in seconds: whoever loads it waits for 90."""
COPIES: Final = "copies"
"""The folder of copies, below the data folder."""
log = logging.getLogger("ocs.packages")


async def fetch_package(digest: Digest, root: Path, port: Port) -> Path:
    """Where a package lies unpacked on this machine; fetched now when it is not here.

    Args:
        root: folder of the copies on this machine.
    Raises:
        UnknownPackageError: the package service does not have it.
        PackageRefusedError: what came is not what was asked for.
        UnreachableError: the package service does not answer.
    """
    copies = await asyncio.to_thread(PackageCopies, root)
    if (place := copies.folder(digest)) is not None:
        return place
    with tempfile.TemporaryFile() as archive:
        offset = 0
        while True:
            question = FetchArchive(digest=digest, offset=offset)
            piece: ArchivePiece = await port.ask(PACKAGE_SERVICE, question, PIECE_S)
            if not piece.data:
                break
            archive.write(piece.data)
            offset += len(piece.data)
        archive.seek(0)
        place = await asyncio.to_thread(copies.keep, archive, digest)
    await _tidy(copies, port)
    return place


async def _tidy(copies: PackageCopies, port: Port) -> None:
    """Remove the copies of packages that were deleted: a package that is used cannot be."""
    await asyncio.to_thread(copies.sweep, SWEEP_GRACE_S, time.time())
    for digest in copies.digests():
        try:
            await port.ask(PACKAGE_SERVICE, FetchArchive(digest=digest, most_bytes=1), PIECE_S)
        except UnknownPackageError:
            await asyncio.to_thread(copies.remove, digest)
        except OcsError as failure:
            log.warning("copies of packages that were deleted stay for now: %s", failure)
            return


class ScriptsHere:
    """Scripts of packages, on the node of a sequence component.

    Args:
        node: id of this node.
        port: the way to the package service.
    """

    def __init__(self, node: str, port: Port) -> None:
        self._node, self._port = node, port

    async def here(self, script: ScriptSource) -> ScriptSource:
        """The script with paths of this machine; see ``workplace.Scripts``."""
        if not script.digest or self._is_here(script):
            return script
        try:
            async with asyncio.timeout(FETCH_S):
                place = await fetch_package(Digest(script.digest), Path(script.copies), self._port)
        except TimeoutError:
            reason = f"did not hand over {script.digest} within {FETCH_S:g} s"
            raise UnreachableError(name=PACKAGE_SERVICE, reason=reason, remedy="look at the machines' load") from None
        file = place / Path(script.file).relative_to(script.root)
        return script.model_copy(update={"file": str(file), "root": str(place)})

    def _is_here(self, script: ScriptSource) -> bool:
        """Whether this is the node of the package service, and it has not been deleted meanwhile."""
        return script.node == self._node and os.path.isdir(script.root)
