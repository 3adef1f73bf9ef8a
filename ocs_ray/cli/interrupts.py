"""Ctrl-C and SIGTERM as something to wait for in an event loop, and what to ask then."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, Final, Literal, Self, TypeVar

from ocs_ray.cli.ending_signals import ENDINGS, kept
from ocs_ray.cli.failures import Interrupted

T = TypeVar("T")
QUESTION: Final = "Abort the sequence (a), or leave it running (l)? [a/l, Ctrl-C again leaves it running] "
Choice = Literal["abort", "leave"]
CHOICES: Final[dict[str, Choice]] = {"a": "abort", "l": "leave"}


class Interrupts:
    """The signals as they come, for code that waits in an event loop."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._former = ExitStack()

    def __enter__(self) -> Self:
        self._former.enter_context(kept())
        loop = asyncio.get_running_loop()
        for number in ENDINGS:
            loop.add_signal_handler(number, self._came.put_nowait, number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in ENDINGS:
            loop.remove_signal_handler(number)
        self._former.close()

    async def next(self) -> signal.Signals:
        """Wait for one."""
        return await self._came.get()

    def again(self, number: signal.Signals) -> None:
        """Something else came in the same instant: whoever waits next hears of this signal."""
        self._came.put_nowait(number)

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns.

        Raises:
            Interrupted: one came before; ``work`` was cancelled.
        """
        task, came = asyncio.ensure_future(work), asyncio.ensure_future(self.next())
        try:
            await asyncio.wait({task, came}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Interrupted
            if came.done():
                self.again(came.result())
            return task.result()
        finally:
            await cancelled(task, came)

    async def abort_or_leave(self) -> Choice:
        """Ask the person at the terminal; another Ctrl-C, or the end of the input, leaves the sequence running."""
        print(f"\n{QUESTION}", end="", file=sys.stderr, flush=True)
        while True:
            answer = asyncio.ensure_future(_typed())
            came = asyncio.ensure_future(self.next())
            try:
                await asyncio.wait({answer, came}, return_when=asyncio.FIRST_COMPLETED)
                if came.done():
                    print(file=sys.stderr)
                    return "abort" if came.result() is signal.SIGTERM else "leave"
                said = answer.result()
            finally:
                await cancelled(answer, came)
            if not said:  # nobody is there any more
                return "leave"
            for line in said.splitlines():
                if (choice := CHOICES.get(line.strip()[:1].lower())) is not None:
                    return choice
            print("a or l? ", end="", file=sys.stderr, flush=True)


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """End tasks and wait until they have; what they raise on the way out does not matter any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _typed() -> str:
    """What was typed, usually a line; read past Python's buffer, in which a second line would go unnoticed."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    came: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, lambda: came.done() or came.set_result(None))
    try:
        await came
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 4096).decode(errors="replace")
