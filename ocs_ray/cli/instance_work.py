"""The work of ``ocs inst``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from ocs_ray.cli import cluster_session, last_used, terminal
from ocs_ray.cli import package_report as report
from ocs_ray.cli.failures import FAILED, OK
from ocs_ray.client import Instance, Packages
from ocs_ray.errors import BadInputError
from ocs_ray.models.instance_records import InstanceRecord

T = TypeVar("T")
INPUT_BYTES: Final = 1 << 18
STOP_MARGIN_S: Final = 30.0


def list_all(package: str, everything: bool, as_json: bool) -> int:
    """The instances."""
    found = cluster_session.ask(lambda: Packages().instances(package, all=everything))
    if as_json:
        terminal.put_document({"instances": [report.document(record) for record in found]})
    else:
        terminal.console().print(report.instances_table(found))
    return OK


def info(which: str, as_json: bool) -> int:
    """One instance."""
    return _tell(_ask(which, lambda instance: instance.info()), as_json)


def read(which: str, channel: str, offset: int, tail: int | None, follow: bool, run: int) -> int:
    """Write a channel to standard output as it comes."""

    async def copy(instance: Instance) -> None:
        pieces = instance.follow(channel, offset, tail_lines=tail, until_end=follow, run=run)
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()

    _ask(which, copy)
    return OK


def give(which: str, file: Path | None, to: str, content_type: str, end: bool) -> int:
    """Send a file, or standard input as it comes."""

    async def send(instance: Instance, source: BinaryIO) -> None:
        while data := await asyncio.to_thread(_some, source):
            await put(instance, data, False)
        await put(instance, b"", end)

    async def put(instance: Instance, data: bytes, is_last: bool) -> None:
        if to == "input":
            await instance.send_input(data, content_type=content_type, end=is_last)
        else:
            await instance.send_stdin(data, end=is_last)

    with ExitStack() as opened:
        try:
            source = sys.stdin.buffer if file is None else opened.enter_context(file.open("rb"))
        except OSError as failure:
            raise BadInputError(str(file), failure.strerror or str(failure), "") from None
        _ask(which, lambda instance: send(instance, source))
    return OK


def health(which: str, as_json: bool) -> int:
    """How it feels."""
    found = _ask(which, lambda instance: instance.health())
    if as_json:
        terminal.put_document(report.document(found))
    elif found.status.is_final:
        terminal.say(f"it has ended ({found.status})")
    else:
        how = "healthy" if found.healthy else "not healthy"
        memory, age = report.size(found.memory_bytes), f"{found.heartbeat_age_s:.1f} s"
        terminal.say(f"{how}, {found.status}; heard of {age} ago; {memory}, {found.cpu_s:.1f} s of processor time")
        if found.details:
            terminal.say(json.dumps(found.details))
    return OK if found.healthy else FAILED


def stop(which: str, timeout_s: float, can_keep_alive: bool, as_json: bool) -> int:
    """Ask it to stop, and wait."""

    async def stopped(instance: Instance) -> InstanceRecord:
        record = await instance.stop(timeout_s, can_keep_alive=can_keep_alive)
        return record if can_keep_alive else await instance.wait(timeout_s + STOP_MARGIN_S)

    with terminal.working("stopping"):
        record = _ask(which, stopped)
    return _tell(record, as_json)


def kill(which: str, remove: bool, as_json: bool) -> int:
    """End it now."""
    return _tell(_ask(which, lambda instance: instance.kill(remove_immediately=remove)), as_json)


def restart(which: str, as_json: bool) -> int:
    """End it and start it again."""
    return _tell(_ask(which, lambda instance: instance.restart()), as_json)


def collect(as_json: bool) -> int:
    """Forget what has expired."""
    gone = cluster_session.ask(lambda: Packages().collect())
    if as_json:
        terminal.put_document({"instances": [report.document(record) for record in gone]})
    else:
        terminal.say(f"{len(gone)} instances were forgotten")
    return OK


def use(which: str) -> int:
    """Let - mean an instance."""
    record = _ask(which, lambda instance: instance.info())
    last_used.remember("instance", str(record.id))
    terminal.say(f"- is {record.id} now ({record.name}@{record.version}, {record.status})")
    return OK


def emit(which: str, name: str, message: str | None) -> int:
    """Send it an event."""
    try:
        content = None if message is None else json.loads(message)
    except ValueError as failure:
        problem = f"this is no JSON: {failure}"
        raise BadInputError("JSON", problem, "text goes in quotes of its own: '\"text\"'") from None
    _ask(which, lambda instance: instance.send_event(name, content))
    return OK


def on(which: str, name: str, next_one: bool, stream: bool) -> int:
    """Tell its events, a line of JSON each."""

    async def one(instance: Instance) -> int:
        event = await instance.event(name, next_one=next_one)
        if event is None:
            terminal.problem(f"the instance has ended without an event '{name}'")
            return FAILED
        terminal.say(json.dumps(event["message"]))
        return OK

    async def all_of_them(instance: Instance) -> int:
        async for event in instance.events(from_start=True):
            if event["event"] == name:
                terminal.say(json.dumps(event["message"]))
        return OK

    return _ask(which, all_of_them if stream else one)


def _ask(which: str, work: Callable[[Instance], Coroutine[Any, Any, T]]) -> T:
    id_ = last_used.meant("instance", which)
    return cluster_session.ask(lambda: work(Instance(id_)))


def _some(source: BinaryIO) -> bytes:
    read1 = getattr(source, "read1", source.read)
    return read1(INPUT_BYTES)


def _tell(record: InstanceRecord, as_json: bool) -> int:
    if as_json:
        terminal.put_document(report.document(record))
    else:
        terminal.console().print(report.instance_table(record))
    return OK
