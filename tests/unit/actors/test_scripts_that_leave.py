"""Scripts that end the process, or cancel themselves: the sequencer names the place, and nothing is left running."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import ScriptError
from ocs_ray.models.component_messages import ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

HEAD = "import asyncio, sys\nfrom ocs_ray.scripting import *\n"
BODY = HEAD + "@script\nasync def lead(ctx):\n"
LEAVING = {
    "sys.exit in the module": (HEAD + "sys.exit(3)\n", 3, "sys.exit(3) was called"),
    "sys.exit in the body": (BODY + "    sys.exit(3)\n", 5, "sys.exit(3) was called"),
    "sys.exit in a task": (BODY + "    await par(bad())\nasync def bad():\n    sys.exit(3)\n", 7, "sys.exit(3)"),
    "KeyboardInterrupt": (BODY + "    raise KeyboardInterrupt\n", 5, "KeyboardInterrupt was raised"),
    "CancelledError": (BODY + "    raise asyncio.CancelledError\n", 5, "CancelledError"),
}


async def nothing_is_left() -> None:
    await until(lambda: not any(thread.name == "strand-ESW.Dark" for thread in threading.enumerate()))


@pytest.mark.parametrize("case", LEAVING)
def test_given_a_script_that_leaves_while_it_is_loaded_then_the_start_fails_with_its_line(
    case: str, tmp_path: Path
) -> None:
    text, line, problem = LEAVING[case]
    file = tmp_path / "mode" / "esw.py"
    file.parent.mkdir()
    file.write_text(text)

    async def story() -> None:
        async with LocalObservatory() as port:
            shell = SequencerShell(Prefix("ESW.Dark"), ObsMode("Dark"), Prefix("ESW.ESW_1"), port)
            with pytest.raises(ScriptError) as raised:
                await shell.start(ScriptSource(file=str(file), root=str(tmp_path)), 1.0)
            assert (raised.value.file, raised.value.line) == (str(file), line)
            assert raised.value.problem.startswith(problem)
            await nothing_is_left()

    asyncio.run(story())


def test_given_a_script_that_is_being_loaded_when_that_is_cancelled_then_it_ends_and_nothing_is_left(
    tmp_path: Path,
) -> None:
    file = tmp_path / "esw.py"
    file.write_text(BODY + "    await asyncio.sleep(3600)\n")

    async def story() -> None:
        async with LocalObservatory() as port:
            shell = SequencerShell(Prefix("ESW.Dark"), ObsMode("Dark"), Prefix("ESW.ESW_1"), port)
            starting = asyncio.create_task(shell.start(ScriptSource(file=str(file), root=str(tmp_path)), 1.0))
            await asyncio.sleep(0.1)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            await nothing_is_left()

    asyncio.run(story())
