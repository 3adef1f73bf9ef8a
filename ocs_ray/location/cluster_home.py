"""Where the cluster of one user and one project lives: its folder, its token, its address, its processes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from ocs_ray.errors import ClusterError
from ocs_ray.location.environment import CLUSTER_MARK

LONGEST_PATH: Final = 40
"""Ray puts sockets below this folder and a socket's path may hold 107 bytes."""
REMOVALS: Final = 5
TOKENS: Final = "tokens.json"
"""Name of the file of the gateway's tokens, in the data folder."""


@dataclass(frozen=True)
class RunningCluster:
    """What a client must know to reach the cluster.

    Args:
        address: ``host:port`` of Ray's head.
        pid: process that owns an embedded cluster; 0 when the cluster was joined.
        machines: the machines ``ocs up`` started, for the second ``ocs up`` to name.
        cluster_file: the file it was started from.
        catalogue: folder or file of the observing modes.
        simulation: every script is replaced by one that completes all commands at once.
        time_factor: overrides that of the cluster file; None when nobody gave one.
        gateway_url: where HTTP is served; empty without a gateway.
        api_tokens: the file of the gateway's tokens; empty without a gateway.
    """

    address: str
    pid: int
    machines: tuple[str, ...]
    cluster_file: str
    catalogue: str
    simulation: bool = False
    time_factor: float | None = None
    gateway_url: str = ""
    api_tokens: str = ""


def find_project(start: Path) -> Path:
    """The project of a command: ``OCS_PROJECT``, else the nearest folder upwards with ``obsmodes``, else ``start``."""
    if named := os.environ.get("OCS_PROJECT"):
        return Path(named).resolve()
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "obsmodes").is_dir()), start)


def _user_folder(variable: str, below_home: str) -> Path:
    """Ours among the folders of this user. Source: XDG Base Directory Specification 0.8."""
    return Path(os.environ.get(variable) or Path.home() / below_home) / "ocs"


class ClusterHome:
    """The folder of one cluster.

    Args:
        project: the project folder; with the user it decides which cluster is meant.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        digest = hashlib.sha256(str(project).encode()).hexdigest()[:10]
        self.cluster_id = f"{os.getuid()}-{digest}"
        base = Path(tempfile.gettempdir())
        if len(str(base)) > LONGEST_PATH:
            base = Path("/tmp")
        self.folder = base / f"ocs-{self.cluster_id}"
        self.token_file = self.folder / "token"
        self.log_file = self.folder / "node.log"
        self._state_file = self.folder / "cluster.json"
        self.data_folder = _user_folder("XDG_DATA_HOME", ".local/share") / self.cluster_id
        """Packages and what their instances wrote; it outlives the cluster."""
        self.api_tokens_file = self.data_folder / TOKENS
        """Who may use the gateway, unless the cluster file names another file: ``cli.gateway_access``."""
        self.last_used_file = _user_folder("XDG_STATE_HOME", ".local/state") / f"{self.cluster_id}.json"
        """What ``-`` means to this user."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, readable by this user alone, and hold it: one command at a time starts or ends a cluster.

        Raises:
            ClusterError: another command is at it, or the folder cannot be made or is not this user's alone.
        """
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            status = self.folder.stat()
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as failure:
            raise ClusterError(
                problem=f"the cluster's folder cannot be made: {failure}", remedy="set TMPDIR to a folder you may write"
            ) from None
        try:
            if status.st_uid != os.getuid() or status.st_mode & 0o077:
                raise ClusterError(
                    problem=f"{self.folder} is not this user's alone",
                    remedy="remove it, or set TMPDIR to another folder",
                )
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ClusterError(
                    problem="another ocs command is starting or ending this cluster", remedy="wait for it to finish"
                ) from None
            yield
        finally:
            os.close(descriptor)

    def renew_token(self) -> None:
        """Write a fresh token, readable by this user alone."""
        descriptor = os.open(self.token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))

    def record(self, cluster: RunningCluster) -> None:
        """Say that the cluster is up: written aside and renamed, so no reader sees half of it."""
        aside = self._state_file.with_suffix(".new")
        aside.write_text(json.dumps(asdict(cluster)), encoding="utf-8")
        aside.replace(self._state_file)

    def running(self) -> RunningCluster | None:
        """The cluster, if it is up."""
        try:
            data = json.loads(self._state_file.read_text(encoding="utf-8"))
            cluster = RunningCluster(**{**data, "machines": tuple(data["machines"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return cluster if not cluster.pid or self._ours(cluster.pid) is not None else None

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster: those whose environment carries its mark, and no others."""
        return [process for pid in psutil.pids() if (process := self._ours(pid)) is not None]

    def _ours(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid)
            is_ours = process.uids().real == os.getuid() and process.environ().get(CLUSTER_MARK) == self.cluster_id
        except psutil.Error:
            return None  # it ended meanwhile, or it is not ours to look at
        return process if is_ours else None

    def remove(self) -> None:
        """Forget the cluster and all its files; what its last process writes meanwhile goes with the next try."""
        for _ in range(REMOVALS):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return
