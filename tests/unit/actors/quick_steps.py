"""A script of quick steps and of such as come between them: what ``test_step_runs`` plays with."""

from __future__ import annotations

from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.testing.waiting import until

from .procedure_floor import Floor

SCRIPT = """
from contextvars import ContextVar
WHO = ContextVar("who", default="nobody")
BLOCKED = threading.Event()

@script
async def body(ctx):
    SEEN.clear()

    async def note(command):
        SEEN.append(command.command_name)
        SEEN.append(command.command_name) if WHO.get() != "nobody" else WHO.set(command.command_name)

    for n in range(1000):
        ctx.on_setup(f"c{n}")(note)

    async def turn(command):
        SEEN.append(command.command_name)
        await asyncio.sleep(0)

    for n in range(300):
        ctx.on_setup(f"t{n}")(turn)

    @ctx.on_setup("block")
    async def block(command):
        BLOCKED.set()
        OPEN.wait(30)
        SEEN.append("blocked")

    @ctx.on_setup("then block")
    async def then_block(command):
        def block():
            BLOCKED.set()
            OPEN.wait(30)
        asyncio.get_running_loop().call_soon(block)

    @ctx.on_setup("nap")
    async def nap(command):
        await asyncio.sleep(0.03)

    @ctx.on_setup("fail")
    async def fail(command):
        finish_with_error("no light")

    @ctx.on_setup("cancel")
    async def cancel(command):
        raise asyncio.CancelledError

    @ctx.on_setup("pull")
    async def pull(command):
        following = await ctx.next_if(lambda command: command.command_name == "c40")
        SEEN.append("pulled " + following.command_name)
"""
BEFORE, AFTER = 40, 30


def steps(*numbers: int) -> list[Setup]:
    return [Setup("ESW.test", f"c{n}") for n in numbers]


def names(*numbers: int) -> list[str]:
    return [f"c{n}" for n in numbers]


def around(middle: str) -> Sequence:
    """Quick steps, one of another kind, and quick steps again."""
    return Sequence.of(*steps(*range(BEFORE)), Setup("ESW.test", middle), *steps(*range(BEFORE, BEFORE + AFTER)))


async def run_and_block(floor: Floor, sequence: Sequence | None = None) -> str:
    """Run quick steps until one blocks the strand: the sequencer was told nothing of them yet; the run's id."""
    first = await floor.sequencer.submit(sequence or around("block"))
    await until(floor.module().BLOCKED.is_set)
    return str(first.run_id)
