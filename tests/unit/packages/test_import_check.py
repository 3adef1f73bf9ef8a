"""Expected: case 19 of scramjet.md section 9: import errors are found before anything runs, with file and line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ocs_ray.core.package_index import decide
from ocs_ray.errors import PackageRefusedError
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.packages.archive_rules import Reason
from ocs_ray.packages.checked_archive import manifest_of
from ocs_ray.packages.import_check import check_import
from ocs_ray.packages.package_store import PackageStore
from ocs_ray.testing.waiting import until

Make = Callable[..., Path]
SCRIPT = {"prefix": "IRIS.IRIS_ImagerOnly"}


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def refusal(folder: Path, deadline_s: float = 60.0) -> PackageRefusedError:
    with pytest.raises(PackageRefusedError) as caught:
        check_import(folder, manifest_of(folder), deadline_s)
    return caught.value


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("import json\nimport nowhere\n", "index.py:2", "ModuleNotFoundError: No module named 'nowhere'"),
        ("from json import nothing\n", "index.py:1", "ImportError: cannot import name 'nothing' from 'json'"),
        ("x = 1\n\nprint(undefined)\n", "index.py:3", "NameError: name 'undefined' is not defined"),
        ("import lib.deep\n", "lib/deep.py:2", "ZeroDivisionError: division by zero"),
        ("import lib.wrong\n", "lib/wrong.py:1", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "index.py:2", "exit code 3"),
        ("import os\nos._exit(7)\n", "index.py", "ended itself with exit code 7"),
        ("import os\nos.kill(os.getpid(), 11)\n", "index.py", "was ended by signal 11"),
    ],
)
def test_given_a_main_file_that_fails_when_imported_then_file_and_line_are_told(
    text: str, where: str, problem: str, make_source: Make
) -> None:  # case 19
    folder = make_source(files={"index.py": text, "lib/deep.py": "\n1 / 0\n", "lib/wrong.py": "if\n"})
    refused = refusal(folder)
    assert (refused.reason, refused.where) == (Reason.IMPORT, where)
    assert problem in refused.problem


def test_given_an_import_that_never_ends_when_checked_then_it_is_ended_with_everything_it_started(
    make_source: Make, tmp_path: Path
) -> None:  # case 19
    text = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={{}})
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
time.sleep(600)
"""
    assert refusal(make_source(files={"index.py": text}), deadline_s=5.0).reason == Reason.LIMIT
    pid = int((tmp_path / "pid").read_text())
    asyncio.run(until(lambda: is_gone(pid), within_s=60.0))


def test_given_a_child_left_behind_when_the_import_is_fine_then_it_passes_and_the_child_is_ended(
    make_source: Make, tmp_path: Path
) -> None:
    text = f"""
import pathlib, subprocess, sys
asleep = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(asleep, close_fds=False, start_new_session=True)
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
def run(): ...
"""
    folder = make_source(files={"index.py": text})
    check_import(folder, manifest_of(folder))
    pid = int((tmp_path / "pid").read_text())
    asyncio.run(until(lambda: is_gone(pid), within_s=60.0))


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("def anything(): ...\n", True),
        ("class Anything:\n    def run(self): ...\n", True),
        ("def one(): ...\ndef two(): ...\n", False),
        ("def one(): ...\ndef run(): ...\n", True),
        ("def one(): ...\ndef main(): ...\n", True),
        ("def _hidden(): ...\nfrom json import dumps\n", False),
        ("run = 3\n", False),
    ],
)
def test_given_functions_when_looked_for_an_entry_then_there_has_to_be_one_to_start(
    text: str, passes: bool, make_source: Make
) -> None:  # case 2
    folder = make_source(files={"index.py": text})
    if passes:
        check_import(folder, manifest_of(folder))
    else:
        assert refusal(folder).reason == Reason.ENTRY


def test_given_an_observing_script_when_checked_then_it_may_import_the_script_language(make_source: Make) -> None:
    text = "from ocs_ray.scripting import script\n@script\nasync def lead(ctx): ...\n"
    folder = make_source(files={"index.py": text}, observatory=SCRIPT)
    check_import(folder, manifest_of(folder))


OBSERVING = """
from ocs_ray.scripting import *
import vendored

@script
async def lead(ctx: ScriptContext) -> None:
    @ctx.on_setup("preset")
    async def preset(command: Setup) -> None: ...

    if ctx.prefix == "IRIS.IRIS_ImagerOnly" and ctx.obs_mode == "IRIS_ImagerOnly":
        @ctx.on_observe("expose")
        async def expose(command: Observe) -> None: ...

    @ctx.on_stop
    async def stop() -> None: ...
"""
STATES = """
from ocs_ray.scripting import *

@fsm_script(initial="PARKED")
async def lead(machine: FsmScriptContext) -> None:
    @machine.state("PARKED")
    async def parked(ctx: StateContext) -> None:
        @ctx.on_setup("unpark")
        async def unpark(command: Setup) -> None: ...

    @machine.state("READY")
    async def ready(ctx: StateContext) -> None:
        @ctx.on_setup("slew")
        async def slew(command: Setup) -> None: ...
"""


@pytest.mark.parametrize(
    ("text", "named", "problem"),
    [
        (OBSERVING, ["Setup preset", "Observe expose"], ""),
        (OBSERVING, ["Observe expose", "on_stop", "Setup preset"], ""),
        (OBSERVING, [], ""),
        (OBSERVING, ["Setup preset"], "index.py registers what is not named: Observe expose"),
        (OBSERVING, ["Setup preset", "Setup expose", "on_abort"], "index.py does not register: Setup expose, on_abort"),
        (STATES, ["Setup unpark", "Setup slew"], ""),
        (STATES, ["Setup unpark"], ""),
        (STATES, ["Setup unpark", "Setup park"], "index.py does not register: Setup park"),
    ],
)
def test_given_handlers_in_the_manifest_when_the_script_registers_others_then_it_is_refused_with_their_names(
    text: str, named: list[str], problem: str, make_source: Make
) -> None:  # issue 6: the manifest names prefix, obs mode and handlers
    files = {"index.py": text, "__pypackages__/vendored.py": ""}
    folder = make_source(files=files, observatory={**SCRIPT, "handlers": named})
    if not problem:
        check_import(folder, manifest_of(folder))
        return
    refused = refusal(folder)
    assert (refused.reason, refused.where) == (Reason.HANDLERS, "package.json: $.observatory.handlers")
    assert problem in refused.problem


@pytest.mark.parametrize(
    ("line", "where", "problem"),
    [
        ("    1 / 0\n", "index.py:5", "ZeroDivisionError"),
        ("    @ctx.on_stop\n    async def stop():\n        lost()\n", "index.py:7", "undefined name 'lost'"),
        ("import nowhere\n", "index.py:5", "No module named 'nowhere'"),
    ],
)
def test_given_an_observing_script_that_cannot_be_loaded_when_sent_then_file_and_line_are_told(
    line: str, where: str, problem: str, make_source: Make
) -> None:  # case 19
    text = (
        "from ocs_ray.scripting import ScriptContext, script\n\n@script\nasync def lead(ctx: ScriptContext) -> None:\n"
    )
    text = text + line if line.startswith(" ") else text + f"    {line}"
    refused = refusal(make_source(files={"index.py": text}, observatory=SCRIPT))
    assert (refused.reason, refused.where) == (Reason.IMPORT, where)
    assert problem in refused.problem


def test_given_dependencies_in_the_package_when_checked_then_they_are_found(make_source: Make) -> None:
    files = {
        "src/index.py": "import vendored, beside, shared.deep\ndef run(): ...\n",
        "__pypackages__/vendored.py": "",
        "src/beside.py": "",
        "shared/deep.py": "",
    }
    folder = make_source(main="src/index.py", files=files)
    check_import(folder, manifest_of(folder))


def test_given_an_import_that_writes_when_checked_then_the_package_stays_as_it_was(
    make_source: Make, tmp_path: Path
) -> None:
    text = "import lib\nfrom pathlib import Path\nPath('left').write_text('x')\nPath.home().joinpath('left').touch()\n"
    folder = make_source(files={"index.py": text + "def run(): ...\n", "lib.py": ""})
    before = sorted(folder.rglob("*"))
    check_import(folder, manifest_of(folder))
    assert sorted(folder.rglob("*")) == before
    assert not (Path.cwd() / "left").exists()
    assert not (Path.home() / "left").exists()


def test_given_secrets_in_the_environment_when_imported_then_the_package_does_not_see_them(
    make_source: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCS_SECRET", "x")
    text = "import os\nassert 'OCS_SECRET' not in os.environ\ndef run(): ...\n"
    folder = make_source(files={"index.py": text})
    check_import(folder, manifest_of(folder))


def test_given_an_import_error_when_sent_then_the_store_keeps_nothing(make_package: Make, tmp_path: Path) -> None:
    # case 19
    store = PackageStore(tmp_path / "store", decide)
    package = make_package(files={"index.py": "import nowhere\n"})
    with pytest.raises(PackageRefusedError) as caught, package.open("rb") as source:
        store.send(source)
    assert caught.value.where == "index.py:1"
    assert store.index().packages == ()


def test_given_a_minimal_package_when_sent_then_it_passes_every_check(make_package: Make, tmp_path: Path) -> None:
    # case 1
    store = PackageStore(tmp_path / "store", decide)
    with make_package().open("rb") as source:
        sent = store.send(source)
    assert isinstance(sent.record.manifest, PackageManifest)
    assert os.access(store.folder(sent.record.digest) / "index.py", os.R_OK)
