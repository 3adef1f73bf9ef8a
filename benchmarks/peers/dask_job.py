"""Dask: an actor on a worker process of its own."""

import json
import sys
import time

from distributed import Client


async def nothing() -> None:
    pass


class Sequencer:
    async def submit(self, steps: int) -> int:
        for _ in range(steps):
            await nothing()
        return steps


if __name__ == "__main__":
    samples, steps = map(int, sys.argv[1:])
    with Client(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        sequencer = client.submit(Sequencer, actor=True).result()
        took = []
        for _ in range(samples):
            began = time.perf_counter()
            sequencer.submit(1).result()
            took.append(time.perf_counter() - began)
        began = time.perf_counter()
        sequencer.submit(steps).result()
        whole = time.perf_counter() - began
    print(json.dumps({"submit_and_wait_s": took, "steps_s": whole}))
