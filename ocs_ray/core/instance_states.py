"""The life of an instance: its table, its exit codes, and what has to be done on the way.

Source: reference scramjet.md, section 4 (transform-hub) and section 8 (how it maps to ISA-88). Different from
transform-hub on purpose: a stop of a finished instance changes nothing, success is exit code 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from ocs_ray.models.instance_records import InstanceStatus as Status
from ocs_ray.models.instance_records import Terminated


class Trigger(StrEnum):
    """What can move an instance."""

    PLACED = "placed"  # a machine was found and the package lies there, unpacked
    READY = "ready"  # imported and bound: the program runs
    START_FAILED = "start_failed"
    RETURNED = "returned"
    RAISED = "raised"
    STOP = "stop"
    KEEP_ALIVE = "keep_alive"
    STOP_TIMED_OUT = "stop_timed_out"
    KILL = "kill"
    PROCESS_GONE = "process_gone"
    MACHINE_LOST = "machine_lost"


class Effect(StrEnum):
    """What the shell is asked to do; the outcome comes back as another trigger."""

    START_PROCESS = "start_process"
    CALL_STOP_HANDLERS = "call_stop_handlers"
    EXTEND_STOP_DEADLINE = "extend_stop_deadline"
    KILL_PROCESS = "kill_process"
    END_CHANNELS = "end_channels"
    REMOVE_LEFTOVERS = "remove_leftovers"


class ExitCode(IntEnum):
    """Why an instance is over. Source: transform-hub, RunnerExitCode."""

    OK = 0
    UNPACK_FAILED = 10
    ENVIRONMENT_FAILED = 20
    BAD_ENTRY = 21
    FAILED_ON_START = 22
    FAILED_IN_EXECUTION = 23
    INSTANCE_LIMIT = 24
    UNCAUGHT = 101
    KILLED = 137
    STOPPED = 138
    MACHINE_FAILED = 213
    CLEANUP_FAILED = 223


REASONS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "the program returned",
    ExitCode.UNPACK_FAILED: "its package could not be unpacked",
    ExitCode.ENVIRONMENT_FAILED: "its process could not be prepared",
    ExitCode.BAD_ENTRY: "its main file has no program to start",
    ExitCode.FAILED_ON_START: "it failed before it ran",
    ExitCode.FAILED_IN_EXECUTION: "the program raised an error",
    ExitCode.INSTANCE_LIMIT: "the limit of instances was reached",
    ExitCode.UNCAUGHT: "its process ended by itself",
    ExitCode.KILLED: "killed by an operator",
    ExitCode.STOPPED: "stopped by an operator",
    ExitCode.MACHINE_FAILED: "its machine was lost",
    ExitCode.CLEANUP_FAILED: "what it left behind could not be removed",
}


class Moved(NamedTuple):
    """The trigger was taken.

    Args:
        terminated: how it ended, when this is the end.
    """

    status: Status
    effects: tuple[Effect, ...] = ()
    terminated: Terminated | None = None


class Refused(NamedTuple):
    """The trigger means nothing in this status; nothing changes."""

    status: Status
    trigger: Trigger

    @property
    def text(self) -> str:
        """For people."""
        if self.status.is_final:
            return f"the instance has ended ({self.status}); '{self.trigger}' changes nothing"
        return f"an instance that is {self.status} cannot take '{self.trigger}'"


class _Row(NamedTuple):
    status: Status
    effects: tuple[Effect, ...] = ()
    code: ExitCode | None = None


_OVER: Final = (Effect.END_CHANNELS, Effect.REMOVE_LEFTOVERS)
_KILL: Final = _Row(Status.KILLING, (Effect.KILL_PROCESS,))
_KILLED: Final = _Row(Status.COMPLETED, _OVER, ExitCode.KILLED)
_STOPPED: Final = _Row(Status.COMPLETED, _OVER, ExitCode.STOPPED)
_LOST: Final = _Row(Status.ERRORED, _OVER, ExitCode.MACHINE_FAILED)
_NOT_STARTED: Final = _Row(Status.ERRORED, _OVER, ExitCode.FAILED_ON_START)
_RAISED: Final = _Row(Status.ERRORED, _OVER, ExitCode.FAILED_IN_EXECUTION)

TRANSITIONS: Final[Mapping[tuple[Status, Trigger], _Row]] = {
    (Status.INITIALIZING, Trigger.PLACED): _Row(Status.STARTING, (Effect.START_PROCESS,)),
    (Status.INITIALIZING, Trigger.START_FAILED): _NOT_STARTED,
    (Status.INITIALIZING, Trigger.STOP): _STOPPED,  # there is nothing yet that could be asked to stop
    (Status.INITIALIZING, Trigger.KILL): _KILLED,
    (Status.INITIALIZING, Trigger.MACHINE_LOST): _LOST,
    (Status.STARTING, Trigger.READY): _Row(Status.RUNNING),
    (Status.STARTING, Trigger.START_FAILED): _NOT_STARTED,
    (Status.STARTING, Trigger.PROCESS_GONE): _NOT_STARTED,
    (Status.STARTING, Trigger.STOP): _KILL,  # no handler is registered before the program runs
    (Status.STARTING, Trigger.KILL): _KILL,
    (Status.STARTING, Trigger.MACHINE_LOST): _LOST,
    (Status.RUNNING, Trigger.RETURNED): _Row(Status.COMPLETED, _OVER, ExitCode.OK),
    (Status.RUNNING, Trigger.RAISED): _RAISED,
    (Status.RUNNING, Trigger.STOP): _Row(Status.STOPPING, (Effect.CALL_STOP_HANDLERS,)),
    (Status.RUNNING, Trigger.KILL): _KILL,
    (Status.RUNNING, Trigger.PROCESS_GONE): _Row(Status.ERRORED, _OVER, ExitCode.UNCAUGHT),
    (Status.RUNNING, Trigger.MACHINE_LOST): _LOST,
    (Status.STOPPING, Trigger.STOP): _Row(Status.STOPPING),  # repeated stops are fine, the handlers ran once
    (Status.STOPPING, Trigger.KEEP_ALIVE): _Row(Status.STOPPING, (Effect.EXTEND_STOP_DEADLINE,)),
    (Status.STOPPING, Trigger.RETURNED): _STOPPED,
    (Status.STOPPING, Trigger.RAISED): _RAISED,
    (Status.STOPPING, Trigger.PROCESS_GONE): _STOPPED,
    (Status.STOPPING, Trigger.STOP_TIMED_OUT): _KILL,
    (Status.STOPPING, Trigger.KILL): _KILL,
    (Status.STOPPING, Trigger.MACHINE_LOST): _LOST,
    (Status.KILLING, Trigger.STOP): _Row(Status.KILLING),
    (Status.KILLING, Trigger.KILL): _Row(Status.KILLING),
    (Status.KILLING, Trigger.RETURNED): _KILLED,
    (Status.KILLING, Trigger.RAISED): _KILLED,
    (Status.KILLING, Trigger.START_FAILED): _KILLED,
    (Status.KILLING, Trigger.READY): _Row(Status.KILLING),
    (Status.KILLING, Trigger.PROCESS_GONE): _KILLED,
    (Status.KILLING, Trigger.MACHINE_LOST): _LOST,
}

PROCEDURE_STATES: Final[Mapping[Status, str]] = {  # source: reference scramjet.md, section 8, status mapping
    Status.INITIALIZING: "STARTING",
    Status.STARTING: "STARTING",
    Status.RUNNING: "EXECUTE",
    Status.STOPPING: "STOPPING",
    Status.KILLING: "ABORTING",
    Status.ERRORED: "ERROR",
}
_COMPLETED_STATES: Final[Mapping[int, str]] = {ExitCode.STOPPED: "STOPPED", ExitCode.KILLED: "ABORTED"}


def decide(status: Status, trigger: Trigger, code: ExitCode | None = None, reason: str = "") -> Moved | Refused:
    """Where a trigger leads.

    Args:
        code: a more exact exit code than the table's, of a start that failed: 10, 20, 21, 24.
        reason: what is known of the cause, with file and line; otherwise the exit code's own words.
    """
    row = TRANSITIONS.get((status, trigger))
    if row is None:
        return Refused(status, trigger)
    if row.code is None:
        return Moved(row.status, row.effects)
    final = code if code is not None and trigger is Trigger.START_FAILED and row.status is Status.ERRORED else row.code
    return Moved(row.status, row.effects, Terminated(exit_code=final, reason=reason or REASONS[final]))


def procedure_state(status: Status, terminated: Terminated | None) -> str:
    """The ISA-88 word for an instance."""
    if status is Status.COMPLETED:
        return _COMPLETED_STATES.get(terminated.exit_code if terminated else ExitCode.OK, "COMPLETE")
    return PROCEDURE_STATES[status]
