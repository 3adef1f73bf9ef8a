"""Pyro5: a daemon in another process."""

import json
import multiprocessing
import sys
import time

import Pyro5.api


@Pyro5.api.expose
class Sequencer:
    def submit(self, steps: int) -> int:
        for _ in range(steps):
            pass
        return steps


def serve(told) -> None:
    daemon = Pyro5.api.Daemon(host="127.0.0.1")
    told.put(str(daemon.register(Sequencer())))
    daemon.requestLoop()


if __name__ == "__main__":
    samples, steps = map(int, sys.argv[1:])
    told = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(told,), daemon=True)
    server.start()
    took = []
    with Pyro5.api.Proxy(told.get(timeout=30)) as sequencer:
        for _ in range(samples):
            began = time.perf_counter()
            sequencer.submit(1)
            took.append(time.perf_counter() - began)
        began = time.perf_counter()
        sequencer.submit(steps)
        whole = time.perf_counter() - began
    server.terminate()
    print(json.dumps({"submit_and_wait_s": took, "steps_s": whole}))
