"""DBOS on SQLite, in one process: every step is written before the next one, so it is not equal work."""

import json
import sys
import tempfile
import time
from pathlib import Path

from dbos import DBOS

FOLDER = Path(tempfile.mkdtemp(prefix="ocs-dbos-"))
DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{FOLDER}/dbos.sqlite", "run_admin_server": False})


@DBOS.step()
def nothing() -> None:
    pass


@DBOS.workflow()
def submit(steps: int) -> int:
    for _ in range(steps):
        nothing()
    return steps


if __name__ == "__main__":
    samples, steps = map(int, sys.argv[1:])
    DBOS.launch()
    took = []
    for _ in range(samples):
        began = time.perf_counter()
        submit(1)
        took.append(time.perf_counter() - began)
    began = time.perf_counter()
    submit(steps)
    whole = time.perf_counter() - began
    DBOS.destroy()
    print(json.dumps({"submit_and_wait_s": took, "steps_s": whole}))
