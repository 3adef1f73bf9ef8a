"""A warm process that is copied for every instance: everything is imported once, and shared.

Started with a socket as standard input. Each message names a run's folder and a package's folder, with one end of a
connection to the host; a copy of this process becomes the keeper of that run. At the socket's end it ends; the keepers
go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Final, NoReturn

from ocs_ray.packages.instance_keeper import InstanceKeeper
from ocs_ray.packages.instance_runs import RunFolder

READY: Final = b"ready\n"
_MOST_BYTES: Final = 1 << 16


def serve(asking: socket.socket) -> None:
    """Copy this process whenever it is asked to."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a keeper
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None)
    asyncio.run(_nothing())  # whatever asyncio makes at its first use is made once
    gc.collect()
    gc.freeze()  # shared pages stay shared
    asking.send(READY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(asking, _MOST_BYTES, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            asking.close()
            _become_keeper(message, socket.socket(fileno=descriptors[0]))
        for descriptor in descriptors:
            os.close(descriptor)


def _become_keeper(message: bytes, host: socket.socket) -> NoReturn:
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        asked = json.loads(message)
        InstanceKeeper(RunFolder(Path(asked["run"])), Path(asked["package"]), host).run()
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(0)


async def _nothing() -> None:
    return


if __name__ == "__main__":
    door = socket.socket(fileno=os.dup(0))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    serve(door)
