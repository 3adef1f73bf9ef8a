"""How soon does a script follow? From HOLD to HELD, from a message to the script, with 100 scripts in one process.

Beside the floor of it, a bare asyncio event that one thread sets for another's loop. Everything goes through the
sequencers' own shells and strands, without Ray. Prints one JSON object. Run: ``just bench hold_latency``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.message_times import TOOK
from benchmarks.report import spread
from ocs_ray.actors.sequencer_process import SWITCH_S
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.procedure import ProcedureCommand
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

QUESTION = "how soon a script follows HOLD, RESUME, STOP and a message, with many scripts in one process"
WAIT = timedelta(seconds=10)
SCRIPT = """
import time
from benchmarks.message_times import TOOK
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("sleep")
    async def sleep(command: Setup) -> None:
        await ctx.sleep(1e9)

    @ctx.on_setup("chunks")
    async def chunks(command: Setup) -> None:
        await ctx.blocking_io(ctx.sleep_chunked, 1e9, 250)

    @ctx.on_setup("read")
    async def read(command: Setup) -> None:
        while True:
            found = await ctx.recv_command(topic="times", timeout_seconds=1000)
            if found:
                TOOK.append(time.perf_counter() - found["message"]["sent"])

"""


@dataclass(frozen=True)
class Sizes:
    scripts: int = 100
    chunked: int = 10
    rounds: int = 10


async def floor(samples: int) -> list[float]:
    """Seconds from one thread's setting an event to another loop's task that waits for it, and the answer back."""
    other = asyncio.new_event_loop()
    threading.Thread(target=other.run_forever, daemon=True).start()
    home = asyncio.get_running_loop()
    took: list[float] = []
    for _ in range(samples):
        asked, answered = asyncio.Event(), asyncio.Event()

        async def wait(asked: asyncio.Event = asked, answered: asyncio.Event = answered) -> None:
            await asked.wait()
            home.call_soon_threadsafe(answered.set)

        task = asyncio.run_coroutine_threadsafe(wait(), other)
        await asyncio.sleep(0)
        began = time.perf_counter()
        other.call_soon_threadsafe(asked.set)
        await answered.wait()
        took.append(time.perf_counter() - began)
        await asyncio.wrap_future(task)
    other.call_soon_threadsafe(other.stop)
    return took


async def reached(call: Callable[..., Awaitable[object]]) -> float:
    """Seconds until the state a command leads to is reached."""
    began = time.perf_counter()
    result = await call(wait=WAIT)
    took = time.perf_counter() - began
    assert getattr(result, "reached", False), result
    return took


async def begin(sequencers: list[Sequencer], step: str) -> None:
    """Let all of them run a step that has no end."""
    for one in sequencers:
        await one.submit(Sequence.of(Setup("ESW.bench", step)))
    for one in sequencers:
        while (seen := await one.procedure_state()).state != "EXECUTE":
            await one.watch_procedure(seen.number)
    await asyncio.sleep(0.2)  # they have come to their wait


async def held_and_stopped(sequencers: list[Sequencer], rounds: int) -> dict[str, Any]:
    """One after the other, while all the others run; at last each is stopped."""
    to_held: list[float] = []
    to_run: list[float] = []
    for n in range(rounds + 1):
        for one in sequencers:
            held, resumed = await reached(one.hold), await reached(one.unhold)
            if n:
                to_held.append(held)
                to_run.append(resumed)
    stopped = [await reached(one.stop_procedure) for one in sequencers]
    return {
        "hold_to_held": spread(to_held),
        "resume_to_running": spread(to_run),
        "stop_to_stopped": spread(stopped),
    }


async def all_at_once(sequencers: list[Sequencer]) -> dict[str, Any]:
    """HOLD to all of them in one breath: the slowest waits for all others' turn."""
    took = await asyncio.gather(*(reached(one.hold) for one in sequencers))
    await asyncio.gather(*(one.unhold(wait=WAIT) for one in sequencers))
    return spread(list(took))


async def read(sequencers: list[Sequencer], rounds: int) -> dict[str, Any]:
    """From sending a message to the script that waits for one."""
    TOOK.clear()
    for _ in range(rounds + 1):
        for one in sequencers:
            count = len(TOOK)
            message = {"cmd": ProcedureCommand.HOLD, "sent": time.perf_counter()}
            await one.send_command(message, topic="times")
            await until(lambda count=count: len(TOOK) > count)
    return spread(TOOK[len(sequencers) :])


async def all_figures(sizes: Sizes) -> dict[str, Any]:
    """All figures, one after the other."""
    with tempfile.TemporaryDirectory(prefix="ocs-") as folder:
        file = Path(folder) / "script.py"
        file.write_text(SCRIPT)
        async with LocalObservatory(time_factor=1.0) as observatory:
            prefixes = [f"ESW.bench{n}" for n in range(sizes.scripts)]
            for prefix in prefixes:
                await observatory.start_sequencer(prefix, file, folder)
            sequencers = [observatory.sequencer(prefix) for prefix in prefixes]
            figures: dict[str, Any] = {"floor_event_there_and_back": spread(await floor(1_000))}
            await begin(sequencers, "sleep")
            figures["all_held_at_once"] = await all_at_once(sequencers)
            figures["ctx_sleep"] = await held_and_stopped(sequencers, sizes.rounds)
            await begin(sequencers, "chunks")
            figures["sleep_chunked_250_ms"] = await held_and_stopped(sequencers[: sizes.chunked], sizes.rounds)
            await asyncio.gather(*(one.stop_procedure(wait=WAIT) for one in sequencers[sizes.chunked :]))
            await begin(sequencers, "read")
            figures["message_to_script"] = await read(sequencers, sizes.rounds)
            await asyncio.gather(*(one.abort_procedure() for one in sequencers))
    return figures


def measure(sizes: Sizes) -> dict[str, Any]:
    """All figures, with the interpreter's switches as the sequencer's actor has them."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        return asyncio.run(all_figures(sizes))
    finally:
        sys.setswitchinterval(usual_s)


FULL, SMOKE = Sizes(), Sizes(scripts=3, chunked=2, rounds=1)

if __name__ == "__main__":
    report.run(QUESTION, measure, FULL, SMOKE)
