"""Unpacking an archive nobody has looked at: in a child process of its own, into a fresh folder, renamed into place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ocs_ray.errors import BadInputError, PackageRefusedError
from ocs_ray.models.package_manifest import MANIFEST_FILE, PackageManifest, read_manifest
from ocs_ray.packages import unpack_child
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Caps, Reason, refuse
from ocs_ray.packages.extraction import Extracted

DEADLINE_S: Final = 30.0
"""Longest wait for the child on a busy machine; its processor time is limited to less."""


def unpack_checked(archive: Path, target: Path, caps: Caps = HOUSE_CAPS) -> Extracted:
    """Unpack an archive; afterwards ``target`` is whole, or is not there at all.

    Every Python file in it is known to be Python then; its manifest is read by ``manifest_of``.

    Args:
        archive: a ``.tar.gz`` file.
        target: must not exist; its parent must, on the same file system.
    Raises:
        PackageRefusedError: the archive breaks a rule, or a Python file has a syntax error (``where`` is file:line).
        OSError: the disk is full, or broken.
    """
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name[:16]}-", dir=target.parent))
    try:
        extracted = _in_child(archive, fresh, caps)
        fresh.chmod(0o755)
        fresh.rename(target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return extracted


def manifest_of(folder: Path) -> PackageManifest:
    """The manifest of an unpacked package, whose main file is there.

    Raises:
        PackageRefusedError: no package.json at the root, one that cannot be used, or no main file.
    """
    try:
        manifest = read_manifest((folder / MANIFEST_FILE).read_bytes())
    except FileNotFoundError:
        refuse(Reason.MANIFEST, "", f"the package has no {MANIFEST_FILE} at its root", f"add {MANIFEST_FILE}")
    except BadInputError as wrong:
        refuse(Reason.MANIFEST, wrong.where, wrong.problem, wrong.remedy)
    if not (folder / manifest.main).is_file():
        where = f"{MANIFEST_FILE}: $.main"
        refuse(Reason.MAIN, where, f"the package has no file {manifest.main}", "correct 'main', or add the file")
    return manifest


def _in_child(archive: Path, into: Path, caps: Caps) -> Extracted:
    command = [sys.executable, "-I", "-S", unpack_child.__file__, str(into), json.dumps(caps._asdict())]
    with archive.open("rb") as source:
        try:
            done = subprocess.run(
                command, stdin=source, capture_output=True, timeout=DEADLINE_S, env=_environment(), check=False
            )
        except subprocess.TimeoutExpired:
            refuse(Reason.LIMIT, archive.name, f"unpacking it took more than {DEADLINE_S:g} s")
    if done.returncode < 0:
        problem = f"unpacking it took more than {unpack_child.CPU_S} s or {unpack_child.MEMORY_BYTES} bytes of memory"
        refuse(Reason.LIMIT, archive.name, f"{problem} (signal {-done.returncode})")
    if done.returncode:
        raise OSError(f"the unpacking process failed: {done.stderr.decode(errors='replace')[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "failed" in answer:
        raise OSError(*answer["failed"])
    if "refused" in answer:
        raise PackageRefusedError(**answer["refused"])
    found: dict[str, Any] = answer["extracted"]
    return Extracted(**found)._replace(paths=tuple(found["paths"]))


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
