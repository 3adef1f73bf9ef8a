"""``ocs`` as a subprocess, on a private cluster that is always taken down, with proof that nothing of it is left.

Every process of a cluster inherits the environment of the command that started it, so whatever carries our project
in ``OCS_PROJECT`` is ours, and is found by looking at the environments of all processes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import yaml

REPO = Path(__file__).parents[2]
SAMPLES = REPO.parent / "shared" / "data" / "sample-sequences"
COMMAND_S = 90.0
TIME_FACTOR = 0.005
AS_IT_WAS = f"""
import asyncio
from ocs_ray.client import SequenceManager, connect
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.sequencer_messages import SetTimeFactor
from ocs_ray.scripting.port import current_port
async def shut_down():
    manager = SequenceManager()
    status = await manager.status()
    for mode in status.running_obs_modes:
        await manager.shutdown_obs_mode(mode)
    for device in (device for agent in status.agents for device in agent.devices):
        name = actor_name(device.prefix, device.component_type)
        await current_port().ask(name, SetTimeFactor(factor={TIME_FACTOR}), 10)
connect()
asyncio.run(shut_down())
"""
BROKEN_SCRIPT = "from ocs_ray.scripting import script\n\n@script\nasync def lead(ctx)\n    pass\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("system")


class Ended(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on its standard output."""
        return json.loads(self.out)


class Running:
    """A command that runs; its output is collected line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: dict[str, list[str]] = {"out": [], "err": []}
        self._grew = threading.Condition()
        self._readers = [
            threading.Thread(target=self._collect, args=(name, stream), daemon=True)
            for name, stream in (("out", process.stdout), ("err", process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _collect(self, name: str, stream: Any) -> None:
        with stream:
            for line in stream:
                with self._grew:
                    self.lines[name].append(line)
                    self._grew.notify_all()
        with self._grew:
            self._grew.notify_all()

    def wait_for(self, text: str, timeout_s: float = COMMAND_S) -> None:
        """Until a line holds ``text``."""

        def is_there() -> bool:
            return any(text in line for lines in self.lines.values() for line in lines)

        with self._grew:
            came = self._grew.wait_for(lambda: is_there() or not self._is_reading(), timeout_s)
        assert came, f"waited in vain for '{text}': {self.lines}"
        assert is_there(), f"it ended without '{text}': {self.lines}"

    def _is_reading(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def press(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def end(self, timeout_s: float = COMMAND_S) -> Ended:
        """Wait for its end."""
        code = self.process.wait(timeout_s)
        for reader in self._readers:
            reader.join(10)
        return Ended(code, "".join(self.lines["out"]), "".join(self.lines["err"]))


class Ocs:
    """``ocs`` in a project of its own."""

    def __init__(self, project: Path, tmp: Path) -> None:
        self.project, self.tmp = project.resolve(), tmp
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OCS_", "RAY_"))}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = clean | {
            "OCS_PROJECT": str(self.project),
            "TMPDIR": str(tmp),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH")))),
            "PYTHONUNBUFFERED": "1",
            "XDG_DATA_HOME": str(tmp / "data"),
            "XDG_STATE_HOME": str(tmp / "state"),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        self.launcher: tuple[str, ...] = ()  # what starts ocs, for example with a limit set
        self._started: list[subprocess.Popen[str]] = []

    def command(self, *arguments: str) -> list[str]:
        return [*self.launcher, sys.executable, "-m", "ocs_ray.cli.main", *arguments]

    def start(self, *arguments: str, **options: Any) -> Running:
        """Start a command; what stands on its input is nothing."""
        process = subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.project,
            **options,
        )
        self._started.append(process)
        return Running(process)

    def __call__(self, *arguments: str, **options: Any) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, **options).end()

    def good(self, *arguments: str) -> Ended:
        """Run a command that must end well."""
        ended = self(*arguments)
        assert ended.code == 0, f"{arguments} ended with {ended.code}: {ended.err}\n{ended.out}"  # pytest cuts reprs
        return ended

    def refused(self, code: int, *arguments: str, **options: Any) -> str:
        """Run a command that must be refused: the one line it says on standard error."""
        ended = self(*arguments, **options)
        assert ended.code == code, ended
        assert "Traceback" not in ended.err + ended.out, ended
        told = [line for line in ended.err.splitlines() if line.startswith("ocs: ")]
        assert len(told) == 1, ended
        return told[0]

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this project, by the mark in its environment."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("OCS_PROJECT") == str(self.project)
        except psutil.Error:
            return False

    def assert_no_process_is_left(self) -> None:
        """Nothing runs; of a start that failed, the log stays."""
        wait_until(lambda: not self.processes(), 10, f"processes are left: {self.processes()}")

    def assert_nothing_is_left(self) -> None:
        """Nothing runs, and there is no trace of a cluster."""
        self.assert_no_process_is_left()
        left = [str(path.relative_to(self.tmp)) for path in self.tmp.glob("ocs-*/**/*")]
        assert not list(self.tmp.glob("ocs-*")), f"the cluster's folder is left: {left}"

    def close(self) -> None:
        """Take everything down; fail if that did not leave nothing."""
        try:
            for process in self._started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            self.good("down")
            self.assert_nothing_is_left()
        finally:
            for process in self.processes():
                process.kill()
            shutil.rmtree(self.tmp, ignore_errors=True)


def wait_until(condition: Callable[[], object], timeout_s: float, problem: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, problem
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens at just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def make_ocs(project: Path) -> Ocs:
    # Ray puts sockets below TMPDIR and their paths are limited: pytest's own folders are too deep.
    return Ocs(project, Path(tempfile.mkdtemp(prefix="ocs-s-", dir="/tmp")))


@pytest.fixture
def ocs(tmp_path: Path) -> Iterator[Ocs]:
    """A project without a cluster, for one test."""
    made = make_ocs(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def file_ocs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ocs]:
    """A project without a cluster, for all tests of one file."""
    made = make_ocs(tmp_path_factory.mktemp("project"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all modes, and two whose ESW script is missing or broken."""
    project = tmp_path_factory.mktemp("night")
    modes = shutil.copytree(REPO / "obsmodes", project / "obsmodes", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MissingScript", "SyntaxError"):
        (modes / name).mkdir()
        (modes / name / "mode.yaml").write_text("resources: [APS]\nsequencers: {ESW: esw.py}\n")
    (modes / "SyntaxError" / "esw.py").write_text(BROKEN_SCRIPT)
    return project


@pytest.fixture(scope="session")
def shared_cluster(shared_project: Path) -> Iterator[Ocs]:
    """A provisioned cluster, started once for all tests that only need one to be there."""
    made = make_ocs(shared_project)
    content = yaml.safe_load((REPO / "cluster" / "local.yaml").read_text())
    content["gateway"] = {"location_port": free_port()}
    file = shared_project / "cluster.yaml"
    file.write_text(yaml.safe_dump(content))
    made.environment["OCS_CLUSTER_FILE"] = str(file)
    try:
        made.good("up", "--time-factor", str(TIME_FACTOR))
        made.good("provision")
        yield made
    finally:
        made.close()


@pytest.fixture
def night(shared_cluster: Ocs) -> Iterator[Ocs]:
    """The shared cluster without a configured mode; no mode or time factor one test leaves behind spoils the next."""
    yield shared_cluster
    command = [sys.executable, "-c", AS_IT_WAS]
    subprocess.run(command, env=shared_cluster.environment, cwd=shared_cluster.project, check=True, timeout=COMMAND_S)
