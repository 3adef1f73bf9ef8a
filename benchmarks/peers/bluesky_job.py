"""bluesky-queueserver with Redis: plans of so many null messages, one item a submission."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bluesky_queueserver import ZMQCommSendThreads

PLANS = """
from bluesky import Msg, RunEngine

RE = RunEngine({})


def steps(count: int = 1):
    for _ in range(count):
        yield Msg("null")
"""
MAY = """
user_groups:
  root: {allowed_plans: [null], forbidden_plans: [":^_"], allowed_devices: [null], forbidden_devices: [":^_"]}
  primary: {allowed_plans: [":.*"], forbidden_plans: [":^_"], allowed_devices: [null], forbidden_devices: [":^_"]}
"""
"""Who may run what; without it nobody may run anything."""
MOST = 60
"""An item takes half a second, whatever it does: so many have to do."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(manager: ZMQCommSendThreads, key: str, value: object) -> None:
    deadline = time.monotonic() + 60
    while manager.send_message(method="status").get(key) != value:
        assert time.monotonic() < deadline, f"{key} is not {value} within 60 s"
        time.sleep(0.002)


def run(manager: ZMQCommSendThreads, count: int) -> float:
    began = time.perf_counter()
    item = {"item_type": "plan", "name": "steps", "kwargs": {"count": count}}
    done = manager.send_message(
        method="queue_item_execute", params={"item": item, "user": "x", "user_group": "primary"}
    )
    assert done["success"], done
    until(manager, "manager_state", "idle")
    return time.perf_counter() - began


def main(samples: int, steps: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ocs-bluesky-"))
    (folder / "startup.py").write_text(PLANS)
    (folder / "user_group_permissions.yaml").write_text(MAY)
    redis, control, info = free_port(), free_port(), free_port()
    command = ["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    command = [str(Path(sys.executable).with_name("start-re-manager")), f"--startup-dir={folder}", "--keep-re"]
    command += [f"--redis-addr=127.0.0.1:{redis}", "--use-ipython-kernel=OFF"]
    command += [f"--zmq-control-addr=tcp://127.0.0.1:{control}", f"--zmq-info-addr=tcp://127.0.0.1:{info}"]
    starting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        manager = ZMQCommSendThreads(zmq_server_address=f"tcp://127.0.0.1:{control}", timeout_recv=20_000)
        assert manager.send_message(method="environment_open")["success"]
        until(manager, "worker_environment_exists", True)
        until(manager, "manager_state", "idle")
        took = [run(manager, 1) for _ in range(min(samples, MOST))]
        print(json.dumps({"submit_and_wait_s": took, "steps_s": run(manager, steps)}))
    finally:
        for process in (starting, server):
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
