"""The throw-away process in which a package's main file is imported once, before anything is promised about it.

Started as ``python -I -B import_child.py FOLDER MAIN KIND FD``; it answers one line of JSON on the file FD.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

if __name__ == "__main__":  # behind everything that is installed, for a checkout that is not
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from ocs_ray.errors import PackageRefusedError
from ocs_ray.packages.process_limits import Limits, limit_this_process
from ocs_ray.packages.program_loading import find_entry, load_program

LIMITS: Final = Limits(memory_bytes=4 << 30, cpu_s=30, file_bytes=64 << 20, open_files=256)
_LONGEST_TEXT: Final = 4000
"""The answer has to fit into a pipe nobody reads before the process has ended."""


def main() -> None:
    """Entry of the child process."""
    folder, main_file, kind, answer_fd = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    limit_this_process(LIMITS)
    sys.argv[1:] = []
    sys.path[:] = [each for each in sys.path if each != str(Path(__file__).parent)]
    answer: dict[str, object] = {"imported": main_file}
    try:
        module = load_program(folder, main_file)
        if kind == "program":
            find_entry(module, main_file)
    except PackageRefusedError as refused:
        answer = {"refused": {name: text[:_LONGEST_TEXT] for name, text in vars(refused).items()}}
    os.write(answer_fd, json.dumps(answer).encode())
    os._exit(0)  # threads the package started, and what it registered for the exit, are of no interest


if __name__ == "__main__":
    main()
