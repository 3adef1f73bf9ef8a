"""The throw-away process in which a package's main file is imported once, before anything is promised about it.

Started as ``python -I -B import_child.py FOLDER FD``; it answers one line of JSON on the file FD.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

if __name__ == "__main__":  # behind everything that is installed, for a checkout that is not
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from ocs_ray.errors import PackageRefusedError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.package_manifest import MANIFEST_FILE, PackageManifest, read_manifest
from ocs_ray.packages.archive_rules import Reason, refuse
from ocs_ray.packages.descendants import adopt_descendants, end_descendants
from ocs_ray.packages.process_limits import Limits, limit_this_process
from ocs_ray.packages.program_loading import find_entry, load_program

LIMITS: Final = Limits(memory_bytes=4 << 30, cpu_s=30, file_bytes=64 << 20, open_files=256)
_LONGEST_TEXT: Final = 4000
"""The answer has to fit into a pipe nobody reads before the process has ended."""


def check_observing_script(folder: Path, manifest: PackageManifest) -> None:
    """Load it as its sequencer would, and compare what it registers with what the manifest names.

    Raises:
        PackageRefusedError: it cannot be loaded, or the two do not agree.
    """
    from ocs_ray.scripting.named_handlers import compare  # programs do without the script language
    from ocs_ray.scripting.script_check import check_script

    observatory, prefix = manifest.observatory, manifest.observatory.sequencer_prefix
    assert prefix is not None, "that makes it an observing script"
    obs_mode = observatory.obs_mode or ObsMode(prefix.component_name.partition(".")[0])
    report = check_script(str(folder / manifest.main), str(folder), prefix, obs_mode)
    if report.problems:
        places = [problem._replace(file=problem.file.removeprefix(f"{folder}/")) for problem in report.problems]
        first, *others = places
        more = "".join(f"; {other}" for other in others[:4])
        where = f"{first.file}:{first.line}" if first.line else first.file
        refuse(Reason.IMPORT, where, first.text + more, "correct it and pack again; see: ocs script check")
    if not observatory.handlers:
        return
    found = compare(observatory.handlers, report.handlers, report.elsewhere)
    if found.missing or found.unnamed:
        parts = (("does not register", found.missing), ("registers what is not named", found.unnamed))
        problem = " and ".join(f"{verb}: {', '.join(names)}" for verb, names in parts if names)
        remedy = "correct package.json or the script; 'ocs script check' shows what it registers"
        refuse(Reason.HANDLERS, f"{MANIFEST_FILE}: $.observatory.handlers", f"{manifest.main} {problem}", remedy)


def main() -> NoReturn:
    """Entry of the child process: a copy of it imports, and whatever that starts ends with it, daemons included."""
    limit_this_process(LIMITS)
    adopt_descendants()
    importer = os.fork()
    if importer == 0:
        import_main_file()

    def give_up(*_: object) -> NoReturn:
        end_descendants()
        os._exit(1)

    signal.signal(signal.SIGTERM, give_up)
    _, status = os.waitpid(importer, 0)
    end_descendants()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)  # whoever started it wants to know
    os._exit(code)


def import_main_file() -> NoReturn:
    """Import it, answer, and end this process."""
    folder, answer_fd = Path(sys.argv[1]), int(sys.argv[2])
    manifest = read_manifest((folder / MANIFEST_FILE).read_bytes())
    sys.argv[1:] = []
    sys.path[:] = [each for each in sys.path if each != str(Path(__file__).parent)]
    answer: dict[str, object] = {"imported": manifest.main}
    try:
        if manifest.kind == "script":
            check_observing_script(folder, manifest)
        else:
            find_entry(load_program(folder, manifest.main), manifest.main)
    except PackageRefusedError as refused:
        answer = {"refused": {name: text[:_LONGEST_TEXT] for name, text in vars(refused).items()}}
    os.write(answer_fd, json.dumps(answer).encode())
    os._exit(0)  # threads the package started, and what it registered for the exit, are of no interest


if __name__ == "__main__":
    main()
