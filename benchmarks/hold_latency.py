"""How soon does a script follow? From HOLD to HELD, from a message to the script, with 100 scripts in one process.

Beside the floor of it, a bare asyncio event that one thread sets for another's loop. Everything goes through the
sequencers' own shells and strands, without Ray. Prints one JSON object. Run: ``just bench hold_latency``.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from ocs_ray.actors.sequencer_actor import SWITCH_S
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.procedure import ProcedureCommand
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

SCRIPTS = 100
ROUNDS = 10
CHUNKED = 10
WAIT = timedelta(seconds=10)
TOOK: list[float] = []
"""The scripts put here how many seconds a message took."""
SCRIPT = """
import sys, time
from ocs_ray.scripting import *

TOOK = sys.modules["__main__"].TOOK

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


def summary(took_s: list[float]) -> dict[str, float | int]:
    """p50, p99 and the longest, in milliseconds."""
    ordered = sorted(took_s)
    return {
        "samples": len(ordered),
        "p50_ms": round(statistics.median(ordered) * 1e3, 3),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3, 3),
        "max_ms": round(ordered[-1] * 1e3, 3),
    }


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


async def held_and_stopped(sequencers: list[Sequencer], rounds: int) -> dict[str, object]:
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
        "hold_to_held": summary(to_held),
        "resume_to_running": summary(to_run),
        "stop_to_stopped": summary(stopped),
    }


async def all_at_once(sequencers: list[Sequencer]) -> dict[str, object]:
    """HOLD to all of them in one breath: the slowest waits for all others' turn."""
    took = await asyncio.gather(*(reached(one.hold) for one in sequencers))
    await asyncio.gather(*(one.unhold(wait=WAIT) for one in sequencers))
    return summary(list(took))


async def read(sequencers: list[Sequencer]) -> dict[str, object]:
    """From sending a message to the script that waits for one."""
    TOOK.clear()
    for _ in range(ROUNDS + 1):
        for one in sequencers:
            count = len(TOOK)
            message = {"cmd": ProcedureCommand.HOLD, "sent": time.perf_counter()}
            await one.send_command(message, topic="times")
            await until(lambda count=count: len(TOOK) > count)
    return summary(TOOK[SCRIPTS:])


async def measure() -> dict[str, object]:
    """All figures, one after the other."""
    with tempfile.TemporaryDirectory(prefix="ocs-") as folder:
        file = Path(folder) / "script.py"
        file.write_text(SCRIPT)
        async with LocalObservatory(time_factor=1.0) as observatory:
            prefixes = [f"ESW.bench{n}" for n in range(SCRIPTS)]
            for prefix in prefixes:
                await observatory.start_sequencer(prefix, file, folder)
            sequencers = [observatory.sequencer(prefix) for prefix in prefixes]
            figures: dict[str, object] = {"floor_event_there_and_back": summary(await floor(1_000))}
            await begin(sequencers, "sleep")
            figures["all_held_at_once"] = await all_at_once(sequencers)
            figures["ctx_sleep"] = await held_and_stopped(sequencers, ROUNDS)
            await begin(sequencers, "chunks")
            figures["sleep_chunked_250_ms"] = await held_and_stopped(sequencers[:CHUNKED], ROUNDS)
            await asyncio.gather(*(one.stop_procedure(wait=WAIT) for one in sequencers[CHUNKED:]))
            await begin(sequencers, "read")
            figures["message_to_script"] = await read(sequencers)
            await asyncio.gather(*(one.abort_procedure() for one in sequencers))
    return figures


def main() -> None:
    """Measure and print."""
    sys.setswitchinterval(SWITCH_S)  # as the sequencer's actor does
    result: dict[str, object] = {
        "question": f"how soon a script follows HOLD, RESUME, STOP and a message, {SCRIPTS} scripts in one process",
        "rounds": ROUNDS,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    result |= asyncio.run(measure())
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
