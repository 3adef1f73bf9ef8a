"""xoscar: an actor in a sub-process of a pool."""

import asyncio
import json
import sys
import time

import xoscar
from xoscar.backends.allocate_strategy import ProcessIndex


async def nothing() -> None:
    pass


class Sequencer(xoscar.Actor):
    async def submit(self, steps: int) -> int:
        for _ in range(steps):
            await nothing()
        return steps


async def main(samples: int, steps: int) -> None:
    pool = await xoscar.create_actor_pool(address="127.0.0.1", n_process=1)
    async with pool:
        sequencer = await xoscar.create_actor(
            Sequencer, address=pool.external_address, uid="sequencer", allocate_strategy=ProcessIndex(1)
        )
        took = []
        for _ in range(samples):
            began = time.perf_counter()
            await sequencer.submit(1)
            took.append(time.perf_counter() - began)
        began = time.perf_counter()
        await sequencer.submit(steps)
        print(json.dumps({"submit_and_wait_s": took, "steps_s": time.perf_counter() - began}))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
