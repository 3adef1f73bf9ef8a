"""Devices that misbehave, for the tests of agents: started by name in a process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from ocs_ray.models.commands import ControlCommand
from ocs_ray.scripting.component_handlers import ComponentHandlers

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid() if "--session" in sys.argv else None
time.sleep(600)
"""
"""A process that ignores SIGTERM, and a child of its own that is the same, with a session of its own if told so."""


class Quiet(ComponentHandlers):
    """Does nothing."""

    async def on_submit(self, command: ControlCommand, run_id: str) -> None:
        pass


class NeverUp(Quiet):
    """Never comes up; it writes its process id where it is told."""

    async def initialize(self) -> None:
        self._tell()
        await asyncio.sleep(600)

    def _tell(self) -> None:
        Path(self.ctx.options["pid_file"]).write_text(str(os.getpid()))


class DiesAtOnce(Quiet):
    """Its process dies while it starts."""

    async def initialize(self) -> None:
        os._exit(3)


class WithProcesses(Quiet):
    """Starts processes of its own, which start some of theirs, and does not end them; it may refuse to end itself."""

    async def initialize(self) -> None:
        for words in ([], ["--session"]):
            await asyncio.create_subprocess_exec(sys.executable, "-c", STUBBORN, self.ctx.options["mark"], *words)

    async def on_shutdown(self) -> None:
        if self.ctx.options.get("hangs"):
            signal.pause()
