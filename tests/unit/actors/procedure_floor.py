"""A sequencer whose procedure is under test: its shell, a script on its strand, and what the script did."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.procedure import ProcedureState, state_name
from ocs_ray.models.procedure_messages import ProcedureStatus
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

PREFIX = "ESW.mode"
HEAD = """from __future__ import annotations
import asyncio, threading, time
from datetime import timedelta
from ocs_ray.scripting import *
SEEN, OPEN = [], threading.Event()
"""
STEPS = """
    @ctx.on_setup("nothing")
    async def nothing(command):
        SEEN.append("nothing")

    @ctx.on_setup("polite")
    async def polite(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await ctx.checkpoint()
            await asyncio.sleep(0.001)
        SEEN.append("ended")

    @ctx.on_setup("deaf")
    async def deaf(command):
        SEEN.append("begun")
        while not OPEN.is_set():
            await asyncio.sleep(0.001)
        SEEN.append("ended")

    @ctx.on_setup("asleep")
    async def asleep(command):
        SEEN.append("begun")
        await ctx.sleep(1e6)
"""
SCRIPT = "\n@script\nasync def body(ctx):\n    SEEN.clear()\n" + STEPS
"""Steps that do nothing, come to checkpoints until OPEN, come to none until OPEN, and sleep for ever."""


def states(status: ProcedureStatus) -> str:
    """The states it went through, in the seed's words."""
    return " ".join(state_name(change.state) for change in status.changes)


def commands(*names: str) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", name) for name in names))


class Floor:
    """The observatory, one sequencer of it, and its script's module."""

    def __init__(self, observatory: LocalObservatory, folder: Path) -> None:
        self.observatory, self.folder = observatory, folder
        self.sequencer = observatory.sequencer(PREFIX)
        self._modules: dict[str, ModuleType] = {}

    async def start(self, text: str, prefix: str = PREFIX, settings: ProcedureSettings | None = None) -> Sequencer:
        file = self.folder / f"{prefix.replace('.', '_')}.py"
        file.write_text(HEAD + text)
        await self.observatory.start_sequencer(prefix, file, self.folder, procedure=settings)
        stem = prefix.replace(".", "_")  # the next script that is loaded makes Python forget this one
        self._modules[prefix] = sys.modules["ocs_script_" + re.sub(r"\W", "_", f"{prefix}_{stem}")]
        return self.observatory.sequencer(prefix)

    def shell(self, prefix: str = PREFIX) -> SequencerShell:
        shell = self.observatory._started[f"{prefix}-Sequencer"]
        assert isinstance(shell, SequencerShell)
        return shell

    def module(self, prefix: str = PREFIX) -> ModuleType:
        return self._modules[prefix]

    def seen(self, prefix: str = PREFIX) -> list[Any]:
        return self.module(prefix).SEEN

    def open(self, prefix: str = PREFIX) -> None:
        self.module(prefix).OPEN.set()

    async def has_seen(self, *what: Any, prefix: str = PREFIX) -> None:
        seen = self.seen(prefix)
        await until(lambda: all(one in seen for one in what))

    def state(self, prefix: str = PREFIX) -> ProcedureState:
        return self.shell(prefix)._procedure.core.state

    async def comes_to(self, name: str, prefix: str = PREFIX) -> ProcedureStatus:
        wanted = ProcedureState(name)
        await until(lambda: self.state(prefix) is wanted)
        return self.shell(prefix)._procedure.status()

    async def run(self, *names: str) -> str:
        """Submit, and wait until the first step has begun; the run's id."""
        first = await self.sequencer.submit(commands(*names))
        await self.has_seen("begun")
        return first.run_id

    async def final(self, run_id: str) -> SubmitResponse:
        return await self.sequencer.query_final(run_id, resume_on_error=True)

    async def settled(self) -> None:
        """Whatever was handed from one thread to the other has arrived."""
        shell = self.shell()
        assert shell._loaded is not None
        for _ in range(3):
            await shell._loaded[0].run(asyncio.sleep(0))
            await asyncio.sleep(0)


Story = Callable[[Floor], Awaitable[None]]


def play(folder: Path, story: Story, text: str | None = SCRIPT, settings: ProcedureSettings | None = None) -> None:
    """Run a story on a floor with this script, within 12 s."""

    async def whole() -> None:
        async with LocalObservatory() as observatory, asyncio.timeout(12):
            floor = Floor(observatory, folder)
            if text is not None:
                await floor.start(text, settings=settings)
            await story(floor)

    asyncio.run(whole())
