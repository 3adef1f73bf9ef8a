"""The host's end of the line to a keeper."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any, Final

from ocs_ray.errors import UnreachableError
from ocs_ray.packages.instance_runs import KeptState

_LONGEST_LINE: Final = 1 << 24


class KeeperLine:
    """Asks one keeper and hears from it.

    Args:
        instance: for messages.
        on_state: called with each state the keeper tells.
        on_end: called once when the keeper is gone.
    """

    def __init__(self, instance: str, on_state: Callable[[KeptState], None], on_end: Callable[[], None]) -> None:
        self._instance, self._on_state, self._on_end = instance, on_state, on_end
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = 0
        self._hearing: asyncio.Task[None] | None = None
        self.ended = False

    async def open(self, sock: socket.socket) -> None:
        """Use a connected socket."""
        sock.setblocking(False)
        reader, self._writer = await asyncio.open_unix_connection(sock=sock, limit=_LONGEST_LINE)
        self._hearing = asyncio.create_task(self._hear(reader))

    async def call(self, address: str) -> bool:
        """Connect to a keeper's socket; whether there is one."""
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError:
            sock.close()
            return False
        await self.open(sock)
        return True

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises:
            UnreachableError: the instance has ended meanwhile.
        """
        self._numbers += 1
        number = self._numbers
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self.tell(do, n=number, **fields)
            return await answer
        finally:
            self._answers.pop(number, None)

    def tell(self, do: str, **fields: Any) -> None:
        """Say something that has no answer."""
        if self.ended:
            raise self._gone()
        self._writer.write(json.dumps({"do": do, **fields}).encode() + b"\n")

    def close(self) -> None:
        """Hang up; the keeper goes on."""
        if self._hearing is not None:
            self._hearing.cancel()
            self._writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                said = json.loads(line)
                if "state" in said:
                    self._on_state(KeptState.model_validate(said["state"]))
                elif (answer := self._answers.get(said["n"])) is not None and not answer.done():
                    answer.set_result(said)
        except OSError:
            pass
        self.ended = True
        self._writer.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._gone())
        self._on_end()

    def _gone(self) -> UnreachableError:
        return UnreachableError(name=f"instance {self._instance}", reason="has ended", remedy="see: ocs inst list")
