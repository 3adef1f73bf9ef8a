"""Where the runs of a machine's instances lie, and the few files beside their channels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from ocs_ray.models.instance_messages import InstanceTask, StartFailure
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.message import Message
from ocs_ray.models.wire import decode_text
from ocs_ray.packages.store_files import remove_tree, write_atomically

_STATE, _TASK, _WORK = "state.json", "task.json", "work"
_SOCKET_PREFIX: Final = "\0ocs-instance-"


class KeptState(Message):
    """What a keeper writes down at each change, for whoever comes after it.

    Args:
        keeper_pid: of the process that keeps the run.
    """

    record: InstanceRecord
    keeper_pid: int
    failure: StartFailure | None = None


class RunFolder:
    """One run of one instance on this machine.

    Args:
        path: ``<instances>/<id>/<run>``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / _WORK

    @property
    def address(self) -> str:
        """Of the keeper's socket; in Linux's abstract room, for a path may be too long for a socket."""
        return _SOCKET_PREFIX + hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:32]

    def prepare(self, task: InstanceTask) -> None:
        """Make the folder and write the task down."""
        self.work.mkdir(parents=True)
        (self.path / _TASK).write_bytes(task.model_dump_json(by_alias=True).encode())

    def task(self) -> InstanceTask:
        """What the run is about."""
        return decode_text(InstanceTask, (self.path / _TASK).read_bytes(), _TASK)

    def state(self) -> KeptState | None:
        """What was written last; None before the keeper wrote anything."""
        try:
            return decode_text(KeptState, (self.path / _STATE).read_bytes(), _STATE)
        except FileNotFoundError:
            return None

    def write_state(self, state: KeptState) -> None:
        """Write it whole; only the last one has to survive a power cut."""
        content = state.model_dump_json(by_alias=True).encode()
        if state.record.status.is_final:
            write_atomically(self.path / _STATE, content)
        else:
            fresh = self.path / f".{_STATE}"
            fresh.write_bytes(content)
            fresh.replace(self.path / _STATE)

    def remove_work(self) -> None:
        """Remove the program's own folder, with whatever rights it left there."""
        remove_tree(self.work)


def run_folders(root: Path) -> list[RunFolder]:
    """All runs below a folder of instances."""
    return [RunFolder(path) for path in sorted(root.glob("*/*")) if path.name.isdigit() and path.is_dir()]
