"""Whether a package's main file can be imported. From here on a package is trusted: this runs its code."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ocs_ray.errors import PackageRefusedError
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.packages import import_child
from ocs_ray.packages.archive_rules import Reason, refuse

DEADLINE_S: Final = 60.0
LEAVE_S: Final = 10.0
"""How long the process may take to end what the package started, in seconds."""
_MOST_BYTES: Final = 1 << 16


def check_import(folder: Path, manifest: PackageManifest, deadline_s: float = DEADLINE_S) -> None:
    """Import the main file in a limited process with a folder of its own to write to, and look for its entry.

    An observing script is loaded as its sequencer would, and what it registers is compared with its manifest.

    Args:
        folder: where the package lies unpacked.
        deadline_s: longest the import may take, in seconds.
    Raises:
        PackageRefusedError: it raised, ended the process, crashed or took too long, there is nothing to start, or it
            registers other handlers than its manifest names.
    """
    folder = folder.resolve()
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryDirectory(prefix="ocs-import-") as home:
            try:
                code = _run(folder, manifest, writer, home, deadline_s)
            finally:
                os.close(writer)
            os.set_blocking(reader, False)  # a process it left behind may hold the other end
            try:
                answer = os.read(reader, _MOST_BYTES)
            except BlockingIOError:
                answer = b""
    finally:
        os.close(reader)
    if not answer:
        how = f"was ended by signal {-code}" if code < 0 else f"ended itself with exit code {code}"
        refuse(Reason.IMPORT, manifest.main, f"the process that imports it {how}", "see what it does at import")
    found: dict[str, Any] = json.loads(answer)
    if "refused" in found:
        raise PackageRefusedError(**found["refused"])


def _run(folder: Path, manifest: PackageManifest, writer: int, home: str, deadline_s: float) -> int:
    child = [import_child.__file__, str(folder), str(writer)]
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", *child],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"},
        pass_fds=(writer,),
        start_new_session=True,
    )
    try:
        return process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        refuse(Reason.LIMIT, manifest.main, f"importing it takes more than {deadline_s:g} s", "work in functions")
    finally:
        process.terminate()  # it ends what the package started
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
