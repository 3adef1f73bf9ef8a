"""The child process that touches an archive nobody has looked at yet: limited first, then unpacking and reading syntax.

Started as ``python -I -S unpack_child.py FOLDER`` with the archive as its standard input; answers one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":  # -I and -S leave nothing on the path but the standard library
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from ocs_ray.errors import PackageRefusedError
from ocs_ray.packages.archive_rules import Caps, Reason
from ocs_ray.packages.extraction import extract
from ocs_ray.packages.process_limits import Limits, limit_this_process
from ocs_ray.packages.syntax_check import check_syntax

MEMORY_BYTES: Final = 512 << 20
CPU_S: Final = 10
OPEN_FILES: Final = 32


def unpack(into: Path, caps: Caps) -> dict[str, Any]:
    """Unpack standard input and check every Python file.

    Returns:
        ``{"extracted": ...}``, ``{"refused": ...}`` with the fields of a PackageRefusedError, or ``{"failed": ...}``
        with number and text of an error of the machine's, a full disk for example.
    """
    try:
        with open(0, "rb", buffering=0, closefd=False) as source:
            extracted = extract(source, into, caps)
        check_syntax(into, extracted.paths, caps)
    except PackageRefusedError as refused:
        return {"refused": vars(refused)}
    except (MemoryError, RecursionError):
        problem = "looking at it takes too much memory"
        return {"refused": {"where": "", "problem": problem, "remedy": "", "reason": Reason.LIMIT.value}}
    except OSError as failure:
        return {"failed": [failure.errno, failure.strerror]}
    return {"extracted": extracted._asdict()}


def main() -> None:
    """Entry of the child process."""
    caps = Caps(**json.loads(sys.argv[2]))
    limit_this_process(Limits(MEMORY_BYTES, CPU_S, caps.unpacked_bytes, OPEN_FILES))
    os.umask(0o022)
    answer = unpack(Path(sys.argv[1]), caps)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy up, and nobody waits for it


if __name__ == "__main__":
    main()
