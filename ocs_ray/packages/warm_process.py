"""The host's fork server: started once, started again when it died."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from ocs_ray.errors import ClusterError
from ocs_ray.packages import fork_server
from ocs_ray.packages.instance_program import ACTOR_MARK

START_S: Final = 60.0
_LEFT_OUT: Final = ("PYTHONDONTWRITEBYTECODE", ACTOR_MARK)


class WarmProcess:
    """Copies itself into keepers."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking: socket.socket | None = None
        self._one_at_a_time = asyncio.Lock()

    async def keep(self, run: Path, package: Path) -> socket.socket:
        """Have a keeper started for a run; the connection to it.

        Raises:
            ClusterError: the fork server does not start.
        """
        message = json.dumps({"run": str(run), "package": str(package)}).encode()
        async with self._one_at_a_time:
            for _ in range(2):
                asking = await self._warm()
                ours, theirs = socket.socketpair()
                try:
                    with theirs:
                        socket.send_fds(asking, [message], [theirs.fileno()])
                    return ours
                except OSError:  # it died since
                    ours.close()
                    self.close()
        raise ClusterError(problem="no process can be started for instances", remedy="look at the host's log")

    async def warm_up(self) -> None:
        """Be ready before somebody asks."""
        async with self._one_at_a_time:
            await self._warm()

    def close(self) -> None:
        """End the fork server; the keepers go on."""
        if self._asking is not None:
            self._asking.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
        self._process = self._asking = None

    async def _warm(self) -> socket.socket:
        if self._asking is not None and self._process is not None and self._process.poll() is None:
            return self._asking
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        home = str(Path(fork_server.__file__).parents[2])  # a checkout that is not installed
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, environment.get("PYTHONPATH"))))
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - some milliseconds, once
                [sys.executable, "-m", fork_server.__name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        ours.setblocking(False)
        self._asking = ours
        try:
            said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 64), START_S)
        except TimeoutError:
            said = b""
        if said != fork_server.READY:
            self.close()
            raise ClusterError(problem="the process instances are copied from did not start", remedy="see its log")
        ours.setblocking(True)
        return ours
