"""One instance for Python callers: what it wrote, what it is told, how it ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import (
    ChannelPiece,
    GetHealth,
    GetInstance,
    GetRuns,
    InstanceHealth,
    InstanceList,
    KillInstance,
    ReadChannel,
    RestartInstance,
    SendEvent,
    SendInput,
    StopInstance,
    WaitInstance,
)
from ocs_ray.models.instance_records import Channel, InstanceRecord
from ocs_ray.models.message import Message
from ocs_ray.models.new_id import new_id
from ocs_ray.scripting.port import Port, current_port

READ_S: Final = 10.0
START_S: Final = 150.0
KILL_S: Final = 30.0
INPUT_S: Final = 60.0
WAIT_S: Final = 20.0
"""How long one question waits for something to come, in seconds; then it is asked again."""
INPUT_BYTES: Final = 1 << 20


class Instance:
    """An instance, alive or ended.

    Args:
        id: its id, or the beginning of it.
        port: the door to use; that of ``connect()`` when left out.
    """

    def __init__(self, id: str, port: Port | None = None) -> None:
        self.id = id
        self._port = port
        self._record: InstanceRecord | None = None

    async def info(self) -> InstanceRecord:
        """How it stands now.

        Raises:
            BadInputError: there is no such instance.
        """
        record: InstanceRecord = await self._ask_service(GetInstance(id=self.id), READ_S)
        self._record = record
        return record

    async def runs(self) -> tuple[InstanceRecord, ...]:
        """Every run of it, the first one first."""
        found: InstanceList = await self._ask_service(GetRuns(id=self.id), READ_S)
        return found.instances

    async def wait(self, timeout_s: float | None = None) -> InstanceRecord:
        """Its record once it has ended, or when ``timeout_s`` seconds are over."""
        left = float("inf") if timeout_s is None else timeout_s
        while True:
            now = min(left, WAIT_S)
            record: InstanceRecord = await self._ask_service(WaitInstance(id=self.id, timeout_s=now), now + READ_S)
            left -= now
            if record.status.is_final or left <= 0:
                return record

    async def stop(self, timeout_s: float = 7.0, *, can_keep_alive: bool = False) -> InstanceRecord:
        """Ask it to stop; after ``timeout_s`` seconds it is killed.

        Raises:
            RefusedError: it has ended.
        """
        message = StopInstance(id=self.id, timeout_s=timeout_s, can_keep_alive=can_keep_alive)
        return await self._ask_service(message, KILL_S)

    async def kill(self, *, remove_immediately: bool = False) -> InstanceRecord:
        """End it now.

        Args:
            remove_immediately: drop what it wrote, too; that may also be asked of one that has ended.
        Raises:
            RefusedError: it has ended.
        """
        return await self._ask_service(KillInstance(id=self.id, remove_immediately=remove_immediately), KILL_S)

    async def restart(self) -> InstanceRecord:
        """Kill it if it is alive, and start the same package with the same arguments, one run further."""
        return await self._ask_service(RestartInstance(request=Id(new_id()), id=self.id), START_S)

    async def read(
        self,
        channel: Channel | str = Channel.OUTPUT,
        offset: int = 0,
        *,
        tail_lines: int | None = None,
        wait_s: float = 0.0,
        run: int = 0,
    ) -> ChannelPiece:
        """Part of a channel, up to 1 MiB.

        Args:
            offset: in bytes; a negative one counts from the present end.
            tail_lines: instead of the offset: the last lines.
            wait_s: how long to wait when nothing is there yet.
            run: of an instance that was restarted; 0 is the last.
        Raises:
            ExpiredError: it was kept for its time, and is gone.
        """
        message = ReadChannel(
            id=(await self._known()).id,
            run=run,
            channel=Channel(channel),
            offset=offset,
            tail_lines=tail_lines,
            wait_s=wait_s,
        )
        return await self._ask_host(message, wait_s + READ_S)

    async def follow(
        self,
        channel: Channel | str = Channel.OUTPUT,
        offset: int = 0,
        *,
        tail_lines: int | None = None,
        until_end: bool = True,
        run: int = 0,
    ) -> AsyncIterator[bytes]:
        """What a channel holds from a place on, and what comes, to its end.

        Args:
            until_end: wait for what comes; False stops at what is there.
        """
        piece = await self.read(channel, offset, tail_lines=tail_lines, run=run)
        while True:
            if piece.data:
                yield piece.data
            if piece.ended or (not until_end and not piece.data):
                return
            piece = await self.read(channel, piece.next_offset, wait_s=WAIT_S if until_end else 0.0, run=run)

    async def output(self, offset: int = 0, *, run: int = 0) -> bytes:
        """All of its output, once it has ended."""
        return b"".join([piece async for piece in self.follow(Channel.OUTPUT, offset, run=run)])

    async def events(self, *, from_start: bool = False) -> AsyncIterator[dict[str, Any]]:
        """What it emits from now on, or from its start, as ``{"event", "message", "at_unix_s"}``."""
        left = b""
        places: dict[str, Any] = {"offset": 0} if from_start else {"tail_lines": 0}
        async for piece in self.follow(Channel.EVENTS, **places):
            *lines, left = (left + piece).split(b"\n")
            for line in lines:
                yield json.loads(line)

    async def event(self, name: str, *, next_one: bool = False) -> dict[str, Any] | None:
        """The last event of this name; waits for the first. None when it ended without one.

        Args:
            next_one: wait for the next instead.
        """
        last: dict[str, Any] | None = None
        if not next_one:
            held = [piece async for piece in self.follow(Channel.EVENTS, until_end=False)]
            said = [json.loads(line) for line in b"".join(held).splitlines()]
            last = next((each for each in reversed(said) if each["event"] == name), None)
        if last is not None:
            return last
        async for each in self.events(from_start=not next_one):
            if each["event"] == name:
                return each
        return None

    async def send_event(self, name: str, message: Any = None) -> None:
        """Call what it hung up with ``ctx.on(name, ...)``.

        Raises:
            RefusedError: it has ended.
        """
        await self._ask_host(SendEvent(id=(await self._known()).id, name=name, message=message), READ_S)

    async def send_input(self, data: bytes, *, content_type: str = "", end: bool = False) -> None:
        """Bytes for its input, kept until it reads them.

        Args:
            content_type: what they are; refused when the package reads something else.
            end: nothing follows.
        """
        await self._give("input", data, content_type, end)

    async def send_stdin(self, data: bytes, *, end: bool = False) -> None:
        """Bytes for its standard input."""
        await self._give("stdin", data, "", end)

    async def health(self) -> InstanceHealth:
        """How it feels, and what it uses."""
        return await self._ask_host(GetHealth(id=(await self._known()).id), READ_S)

    async def _give(self, to: Any, data: bytes, content_type: str, end: bool) -> None:
        id_ = (await self._known()).id
        for start in range(0, len(data), INPUT_BYTES) or (0,):
            piece = data[start : start + INPUT_BYTES]
            is_last = start + INPUT_BYTES >= len(data)
            message = SendInput(id=id_, to=to, data=piece, content_type=content_type, end=end and is_last)
            await self._ask_host(message, INPUT_S)

    async def _known(self) -> InstanceRecord:
        if self._record is None or not self._record.machine:
            return await self.info()
        return self._record

    async def _ask_service(self, message: Message, timeout_s: float) -> Any:
        return await (self._port or current_port()).ask(PACKAGE_SERVICE, message, timeout_s)

    async def _ask_host(self, message: Message, timeout_s: float) -> Any:
        machine = (await self._known()).machine
        return await (self._port or current_port()).ask(instance_host(machine), message, timeout_s)
