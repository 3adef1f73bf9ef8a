"""Scripts that end the process, or cancel themselves, while they are loaded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.cli.script_verbs import make_app
from ocs_ray.errors import ScriptError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting import ScriptContext
from ocs_ray.scripting.script_check import Problem, check_script
from ocs_ray.scripting.script_loading import load_script, start_script
from ocs_ray.scripting.time_scale import TimeScale

BODY = "import asyncio, sys\nfrom ocs_ray.scripting import *\n@script\nasync def lead(ctx):\n"
LEAVING = {
    "sys.exit in the module": ("import sys\nsys.exit(3)\n", 2, "sys.exit(3) was called"),
    "KeyboardInterrupt in the module": ("\nraise KeyboardInterrupt\n", 2, "KeyboardInterrupt was raised"),
    "CancelledError in the module": ("import asyncio\nraise asyncio.CancelledError\n", 2, "CancelledError"),
    "sys.exit in the body": (BODY + "    sys.exit('no disk')\n", 5, "sys.exit(no disk) was called"),
    "KeyboardInterrupt in the body": (BODY + "    raise KeyboardInterrupt\n", 5, "KeyboardInterrupt was raised"),
    "CancelledError in the body": (BODY + "    raise asyncio.CancelledError\n", 5, "CancelledError"),
    "TimeoutError in the body": (BODY + "    raise TimeoutError('mine')\n", 5, "TimeoutError: mine"),
}
LEAVING_IN_A_TASK = BODY + "    await par(bad())\nasync def bad():\n    sys.exit(4)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before


def put(folder: Path, text: str) -> str:
    file = folder / "mode" / "esw.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return str(file)


def context() -> ScriptContext:
    port: Any = None
    return ScriptContext(Prefix("ESW.mode"), ObsMode("mode"), port, TimeScale())


@pytest.mark.parametrize("case", LEAVING)
def test_given_a_script_that_leaves_while_it_is_loaded_then_file_and_line_are_named(case: str, folder: Path) -> None:
    text, line, problem = LEAVING[case]
    file = put(folder, text)

    async def load() -> None:
        ctx = context()
        await start_script(load_script(file, str(folder), "ESW.mode"), ctx, file)

    with pytest.raises(ScriptError) as raised:
        asyncio.run(load())
    assert (raised.value.file, raised.value.line) == (file, line)
    assert raised.value.problem.startswith(problem)


@pytest.mark.parametrize("case", LEAVING)
def test_given_a_script_that_leaves_while_it_is_loaded_when_checked_then_that_is_printed_and_the_code_is_not_0(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, line, problem = LEAVING[case]
    file = put(folder, text)
    assert make_app()(["check", file], standalone_mode=False) == 2
    assert capsys.readouterr().out.startswith(f"{file}:{line}: {problem}")


def test_given_a_task_of_the_body_that_calls_sys_exit_when_checked_then_its_line_is_told(folder: Path) -> None:
    file = put(folder, LEAVING_IN_A_TASK)
    (problem,) = check_script(file, str(folder)).problems
    assert problem == Problem(file, 7, "sys.exit(4) was called: a script returns, or raises what went wrong, instead")


def test_given_a_script_that_is_being_started_when_that_is_cancelled_then_it_is_no_failure_of_the_script(
    folder: Path,
) -> None:
    file = put(folder, BODY + "    await asyncio.sleep(3600)\n")

    async def story() -> None:
        starting = asyncio.create_task(start_script(load_script(file, str(folder), "ESW.mode"), context(), file))
        await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(story())
